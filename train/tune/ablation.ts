/** An ablation: a grid over switches, shown as what each of them adds to the base. @module */
import type { Ablation } from "../recipes/mod.ts";
import { axisText, type Choices, type SearchKey, valueText } from "./axis.ts";
import { groupTrials, spreadText } from "./groups.ts";
import type { Metric } from "./halving.ts";
import type { TrialResult } from "./search.ts";
import type { Point } from "./space.ts";
import type { Table } from "./table.ts";

/** A recipe's own switches as axes. */
export function switchesOf(ablation: Ablation = {}): Choices[] {
  return Object.entries(ablation).map(([key, values]) => ({ key: key as SearchKey, values }));
}

/**
 * Checks that each switch has another value than its base.
 *
 * @throws {RangeError} Where one has a single value.
 */
export function checkSwitches(switches: readonly Choices[]): void {
  const single = switches.find(({ values }) => values.length < 2);
  if (single === undefined) return;
  throw new RangeError(
    `Cannot ablate ${single.key}: "${axisText(single)}" has one value; give the base and another one`,
  );
}

/**
 * A row for each combination of switches: the base (the first value of each), then one switch after the other, then several
 * together; with the difference to the base, and over several seeds mean ± deviation.
 */
export function ablationTable(
  trials: readonly TrialResult[],
  { switches, keys, metric }: { switches: readonly Choices[]; keys: readonly SearchKey[]; metric: Metric },
): Table {
  const groups = groupTrials(trials, { keys, metric });
  const order = new Map(combinationsOf(switches).map((label, i) => [label, i]));
  const sorted = groups.toSorted((a, b) =>
    order.get(nameOf(a.values, switches))! - order.get(nameOf(b.values, switches))!
  );
  const base = sorted.find(({ values }) => changesOf(values, switches).length === 0)?.[metric];
  const rows = sorted.map((group) => {
    const count = group.trials.filter(({ status }) => status === "done").length;
    const own = group[metric];
    const difference = own && base && own !== base ? signed(own.mean - base.mean) : "";
    return [
      nameOf(group.values, switches),
      spreadText(group.accuracy, count),
      spreadText(group.loss, count),
      difference,
    ];
  });
  return { head: ["", "accuracy", "loss", `${metric} − base`], rows };
}

/** The names of all combinations in the order of the table: fewer switches first. */
function combinationsOf(switches: readonly Choices[]): string[] {
  const all = switches.reduce<Point[]>(
    (points, { key, values }) => values.flatMap((value) => points.map((point) => ({ ...point, [key]: value }))),
    [{}],
  );
  const count = (point: Point) => changesOf(point, switches).length;
  return all.toSorted((a, b) => count(a) - count(b)).map((point) => nameOf(point, switches));
}

/** `base`, `+ pooling self-attention`, `+ pooling self-attention + loss am-softmax`. */
function nameOf(values: Point, switches: readonly Choices[]): string {
  const changes = changesOf(values, switches);
  return changes.length === 0 ? "base" : changes.map(({ key }) => `+ ${key} ${valueText(values[key])}`).join(" ");
}

/** The switches that do not stand at their base. */
function changesOf(values: Point, switches: readonly Choices[]): Choices[] {
  return switches.filter(({ key, values: [base] }) => JSON.stringify(values[key]) !== JSON.stringify(base));
}

function signed(x: number): string {
  return (x < 0 ? "−" : "+") + Math.abs(x).toFixed(4);
}
