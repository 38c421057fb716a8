/** Which classes are taken for which others most often. @module */
import type { ConfusionMatrix } from "./confusion_matrix.ts";

/** One kind of mistake. */
export interface ConfusedPair {
  /** The true class. */
  readonly actual: number;
  /** What it was taken for. */
  readonly predicted: number;
  /** How often. */
  readonly count: number;
  /** Share of the true class's utterances, 0 to 1. */
  readonly share: number;
}

/**
 * The commonest mistakes: most often first, of equally frequent ones those that are a larger share of their class first.
 *
 * @param limit most pairs to give; default all
 */
export function confusedPairs({ size, counts }: ConfusionMatrix, limit = Infinity): ConfusedPair[] {
  const pairs: ConfusedPair[] = [];
  for (let actual = 0; actual < size; actual++) {
    const row = counts.subarray(actual * size, (actual + 1) * size);
    const support = row.reduce((sum, count) => sum + count, 0);
    row.forEach((count, predicted) => {
      if (count > 0 && predicted !== actual) pairs.push({ actual, predicted, count, share: count / support });
    });
  }
  const worst = pairs.sort((a, b) =>
    b.count - a.count || b.share - a.share || a.actual - b.actual || a.predicted - b.predicted
  );
  return worst.slice(0, limit);
}
