/** Share of utterances whose class is among the likeliest. @module */

/**
 * The share of utterances whose true class is one of the k likeliest; null where there are none.
 *
 * @param ranks places of the true classes, 0 for the likeliest, see `rankOf`
 * @param k how many classes count; from the number of classes on the result is 1
 *
 * @example
 * ```ts
 * import { topKAccuracy } from "./top_k_accuracy.ts";
 *
 * topKAccuracy([0, 0, 2, 5], 3); // 0.75
 * ```
 */
export function topKAccuracy(ranks: ArrayLike<number>, k: number): number | null {
  let hits = 0;
  for (let i = 0; i < ranks.length; i++) if (ranks[i] < k) hits++;
  return ranks.length === 0 ? null : hits / ranks.length;
}
