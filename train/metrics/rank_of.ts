/** The place of the true class among the scores. @module */

/**
 * How many classes come before one when they are sorted by score: 0 for the best. Of equal scores the first class comes
 * first, as `argmax` has it.
 *
 * @param scores a score for each class
 * @param label the class
 *
 * @example
 * ```ts
 * import { rankOf } from "./rank_of.ts";
 *
 * rankOf([0.1, 0.7, 0.2], 2); // 1
 * ```
 */
export function rankOf(scores: ArrayLike<number>, label: number): number {
  const own = scores[label];
  let before = 0;
  for (let i = 0; i < scores.length; i++) if (scores[i] > own || (scores[i] === own && i < label)) before++;
  return before;
}
