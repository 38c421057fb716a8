/** The tables of a search's results. @module */
import { clock } from "../progress_text.ts";
import { type SearchKey, valueText } from "./axis.ts";
import { groupTrials, isReplicaKey, spreadText } from "./groups.ts";
import { type Metric, ranked } from "./halving.ts";
import type { TrialResult } from "./search.ts";
import type { Table } from "./table.ts";

/** What tables are made of. */
export interface Results {
  readonly trials: readonly TrialResult[];
  /** The varied keys. */
  readonly keys: readonly SearchKey[];
  readonly metric: Metric;
  /** Whether trials got different numbers of steps. */
  readonly halving: boolean;
}

/** Trials, the best first: those that got more steps before those that got less, failed ones last. */
export function bestFirst({ trials, metric }: Pick<Results, "trials" | "metric">): TrialResult[] {
  const isDone = ({ status }: TrialResult) => status === "done" ? 1 : 0;
  return ranked(trials, metric).toSorted((a, b) => isDone(b) - isDone(a) || b.rung - a.rung); // sorting is stable
}

/** A row for each trial, the best first. */
export function trialTable(results: Results): Table {
  const { keys, halving } = results;
  const head = ["trial", ...keys, "accuracy", "loss", "step", ...(halving ? ["trained to"] : []), "time"];
  const rows = bestFirst(results).map(({ trial, values, status, accuracy, loss, step, seconds, budget }) => [
    String(trial),
    ...keys.map((key) => valueText(values[key])),
    status === "failed" ? "failed" : fixed(accuracy),
    status === "failed" ? "" : fixed(loss),
    step === null ? "" : String(step),
    ...(halving ? [String(budget)] : []),
    clock(seconds),
  ]);
  return { head, rows };
}

/** A row for each kind of trial with means over folds and seeds, the best first; `undefined` where neither is varied. */
export function meanTable({ trials, keys, metric }: Results): Table | undefined {
  if (!keys.some(isReplicaKey)) return undefined;
  const kinds = keys.filter((key) => !isReplicaKey(key));
  const head = ["", ...kinds, "trials", "accuracy", "loss"];
  const rows = groupTrials(trials, { keys, metric }).map(({ values, trials, accuracy, loss }) => {
    const done = trials.filter(({ status }) => status === "done").length;
    const count = done === trials.length ? String(done) : `${done} of ${trials.length}`;
    const cells = kinds.map((key) => valueText(values[key]));
    return ["mean", ...cells, count, spreadText(accuracy, done), spreadText(loss, done)];
  });
  return { head, rows };
}

/** `Trials 3, 7 failed: Cannot go on: …`, a line for each reason. */
export function failureLines({ trials }: Pick<Results, "trials">): string[] {
  const failed = trials.filter(({ status }) => status === "failed");
  return [...Map.groupBy(failed, ({ reason }) => reason)].map(([reason, alike]) =>
    `${alike.length > 1 ? "Trials" : "Trial"} ${alike.map(({ trial }) => trial).join(", ")} failed: ${reason}`
  );
}

function fixed(x: number | null): string {
  return x === null ? "none" : x.toFixed(4);
}
