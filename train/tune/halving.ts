/**
 * Successive halving (Jamieson and Talwalkar 2016, arXiv 1502.07943): all trials get a few steps, the best third of them
 * three times as many, and so on, until the last ones get all of them.
 * @module
 */

/** Of so many trials one goes on. */
const ETA = 3;

/**
 * Steps up to which the trials of each rung train, the last being `totalSteps`: as many rungs as leave a trial for the last
 * one and a step for the first.
 *
 * @example
 * ```ts
 * import { rungSteps } from "./halving.ts";
 *
 * rungSteps(27, 2700); // [100, 300, 900, 2700]
 * rungSteps(10, 900); // [100, 300, 900]
 * ```
 */
export function rungSteps(trials: number, totalSteps: number): number[] {
  const steps = [totalSteps];
  for (let power = ETA; power <= trials && power <= totalSteps; power *= ETA) {
    steps.unshift(Math.ceil(totalSteps / power));
  }
  return steps;
}

/** What trials are ranked by. */
export interface Measured {
  readonly status: string;
  /** 0 to 1; null for a trial that failed. */
  readonly accuracy: number | null;
  readonly loss: number | null;
}

/** What the best trial is best in. */
export type Metric = "accuracy" | "loss";

/** Best first: by the metric, then by the other one, then as they stood; those that failed come last. */
export function ranked<T extends Measured>(trials: readonly T[], metric: Metric): T[] {
  const accuracy = (t: T) => t.status === "done" ? -(t.accuracy ?? -Infinity) : Infinity;
  const loss = (t: T) => t.status === "done" ? t.loss ?? Infinity : Infinity;
  const [first, second] = metric === "accuracy" ? [accuracy, loss] : [loss, accuracy];
  return trials.toSorted((a, b) => compare(first(a), first(b)) || compare(second(a), second(b)));
}

/** The trials of a rung that go on: the best third, at least one; none that failed. */
export function survivors<T extends Measured>(rung: readonly T[], metric: Metric): T[] {
  const wanted = Math.max(1, Math.floor(rung.length / ETA));
  return ranked(rung, metric).slice(0, wanted).filter(({ status }) => status === "done");
}

function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0; // a difference of infinities is no number
}
