/** What is drawn of a run: points by step, smoothed and thinned. @module */
import type { MetricRow } from "../../train/metrics_file.ts";

/** One measurement over the steps of a run. */
export interface Curve {
  /** Steps, rising. */
  readonly steps: readonly number[];
  /** What was measured there; finite. */
  readonly values: readonly number[];
}

/**
 * The values of a key by step. Rows without a finite value are left out; of two rows of one step the later one counts, for
 * then the run went on from an earlier checkpoint.
 */
export function curveOf(rows: readonly MetricRow[], key: string): Curve {
  const found = new Map<number, number>();
  for (const row of rows) {
    const value = row[key];
    if (typeof value === "number" && Number.isFinite(value)) found.set(row.step, value);
  }
  const steps = [...found.keys()].sort((a, b) => a - b);
  return { steps, values: steps.map((step) => found.get(step)!) };
}

/**
 * Averages in which a value k places away counts weightᵏ, on both sides, so that a curve is not late as a running average
 * is; near the ends there are fewer values to average.
 *
 * @param weight 0 (nothing is smoothed) to below 1
 */
export function smoothed({ steps, values }: Curve, weight: number): Curve {
  const [before, after] = [decayingSums(values, weight), decayingSums(values.toReversed(), weight).reverse()];
  const smooth = values.map((value, i) => {
    const [{ sum, total }, right] = [before[i], after[i]]; // the value itself is in both
    return (sum + right.sum - value) / (total + right.total - 1);
  });
  return { steps, values: smooth };
}

/** At each place the sum of all values so far, the one k places back times weightᵏ, and the sum of these weights. */
function decayingSums(values: readonly number[], weight: number): { sum: number; total: number }[] {
  let [sum, total] = [0, 0];
  return values.map((value) => {
    [sum, total] = [value + weight * sum, 1 + weight * total];
    return { sum, total };
  });
}

/** A curve of at most about `most` points: the lowest and the highest of each stretch, so that no peak is lost. */
export function thinned(curve: Curve, most = 1000): Curve {
  const { steps, values } = curve;
  if (steps.length <= most) return curve;
  const stretches = Math.max(1, Math.floor(most / 2));
  const kept: number[] = [];
  for (let i = 0; i < stretches; i++) {
    const [from, to] = [i, i + 1].map((n) => Math.floor(n * steps.length / stretches));
    let [low, high] = [from, from];
    for (let at = from; at < to; at++) {
      if (values[at] < values[low]) low = at;
      if (values[at] > values[high]) high = at;
    }
    kept.push(...new Set([Math.min(low, high), Math.max(low, high)]));
  }
  return { steps: kept.map((at) => steps[at]), values: kept.map((at) => values[at]) };
}
