/** How sure an accuracy is. @module */

/** The 97.5 % point of the normal distribution: 95 % lie within this many deviations of the mean. */
const Z95 = 1.959963984540054;

/** An interval of shares, each 0 to 1. */
export interface Interval {
  /** Lower end. */
  readonly low: number;
  /** Upper end. */
  readonly high: number;
}

/**
 * The 95 % confidence interval of a share by Wilson's score method (E. B. Wilson 1927): the true shares p from which the
 * measured one is no more than 1.96 deviations √(p(1−p)/count) away. Unlike "± 1.96 deviations of the measured share" it
 * stays within 0 to 1, and says something where all or none were hit. It assumes that utterances are independent: many
 * takes of one sentence make it too narrow.
 *
 * @param hits how many were right
 * @param count of how many; 0 tells nothing, and gives 0 to 1
 * @throws {RangeError} Where hits are not from 0 to count.
 *
 * @example
 * ```ts
 * import { wilsonInterval } from "./wilson_interval.ts";
 *
 * wilsonInterval(90, 100); // { low: 0.8256…, high: 0.9447… }
 * ```
 */
export function wilsonInterval(hits: number, count: number): Interval {
  if (!(hits >= 0 && hits <= count)) {
    throw new RangeError(`Cannot find the interval of ${hits} hits: wanted 0 to ${count}, the number of trials`);
  }
  if (count === 0) return { low: 0, high: 1 };
  const share = hits / count;
  const z2 = Z95 * Z95 / count;
  const middle = (share + z2 / 2) / (1 + z2);
  const half = Z95 * Math.sqrt(share * (1 - share) / count + z2 / (4 * count)) / (1 + z2);
  // With no miss (no hit) the end is 1 (0) exactly; rounding must not leave it a hair off.
  return { low: hits === 0 ? 0 : middle - half, high: hits === count ? 1 : middle + half };
}
