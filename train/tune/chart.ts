/** The picture of a search: the metric over each varied key, as a Vega-Lite specification. @module */
import { type Axis, type Choices, spansDecades, valueText } from "./axis.ts";
import { isReplicaKey } from "./groups.ts";
import type { Metric } from "./halving.ts";
import type { TrialResult } from "./search.ts";

/** A Vega-Lite specification (https://vega.github.io/vega-lite/docs/spec.html): plain JSON. */
export type ChartSpec = { readonly [key: string]: unknown };

/** What the picture shows. */
export interface ChartOptions {
  readonly title: string;
  /** The varied keys. */
  readonly axes: readonly Axis[];
  readonly metric: Metric;
  /** Whether trials got different numbers of steps, which colours then tell apart. */
  readonly halving: boolean;
}

/** Panels side by side. */
const COLUMNS = 3;

/** A panel for each varied key with a point for each trial; a log scale where the key spans more than a decade. */
export function searchChart(trials: readonly TrialResult[], { title, axes, metric, halving }: ChartOptions): ChartSpec {
  const values = trials.filter(({ status }) => status === "done").map((row) => ({
    ...Object.fromEntries(
      axes.map((axis) => [axis.key, isNumeric(axis) ? row.values[axis.key] : valueText(row.values[axis.key])]),
    ),
    [metric]: row[metric],
    ...(halving ? { "trained to": row.budget } : {}),
  }));
  const color = halving ? { color: { field: "trained to", type: "ordinal", title: "trained to step" } } : {};
  const y = { field: metric, type: "quantitative", title: `validation ${metric}`, scale: { zero: false } };
  const kinds = axes.filter(({ key }) => !isReplicaKey(key));
  const panels = (kinds.length > 0 ? kinds : axes).map((axis) => ({
    width: 240,
    height: 200,
    mark: { type: "point", filled: true, size: 60, opacity: 0.6 },
    encoding: { x: { field: axis.key, title: axis.key, ...scaleOf(axis) }, y, ...color },
  }));
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title,
    data: { values },
    columns: Math.min(COLUMNS, panels.length),
    concat: panels,
  };
}

function scaleOf(axis: Axis): object {
  if (!isNumeric(axis)) {
    const names = (axis as Choices).values.map(valueText); // in the order given, and slanted where they are long
    return { type: "nominal", sort: names, axis: { labelAngle: names.join("").length > 30 ? -30 : 0 } };
  }
  const [low, high] = "values" in axis ? extent(axis.values as readonly number[]) : [axis.low, axis.high];
  const scale = spansDecades(low, high) ? { type: "log" } : { zero: false };
  return { type: "quantitative", scale, axis: { grid: false, labelFlush: false } };
}

function isNumeric(axis: Axis): boolean {
  return !("values" in axis) || axis.values.every((value) => typeof value === "number");
}

function extent(numbers: readonly number[]): [number, number] {
  return [Math.min(...numbers), Math.max(...numbers)];
}
