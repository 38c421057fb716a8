/** How scores look in answers and reports. Works in a browser. @module */

/** A score or a threshold as text, with four decimals: `0.5198`. */
export function scoreText(score: number): string {
  return score.toFixed(4);
}
