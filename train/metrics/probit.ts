/** The axis of curves of errors. @module */

/** Coefficients of P. J. Acklam's rational approximation (2003): in the middle, and in the tails. */
const middle = {
  a: [
    -39.69683028665376,
    220.9460984245205,
    -275.9285104469687,
    138.357751867269,
    -30.66479806614716,
    2.506628277459239,
  ],
  b: [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1],
};
const tail = {
  c: [
    -0.007784894002430293,
    -0.3223964580411365,
    -2.400758277161838,
    -2.549732539343734,
    4.374664141464968,
    2.938163982698783,
  ],
  d: [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1],
};

/**
 * The number below which a share of the standard normal distribution lies, to nine digits: errors of scores that are distributed normally
 * lie on a straight line if both axes are of this kind (Martin et al. 1997, "The DET curve in assessment of detection task performance").
 *
 * @param share 0 (gives −∞) to 1 (gives ∞)
 *
 * @example
 * ```ts
 * import { probit } from "./probit.ts";
 *
 * probit(0.975); // 1.95996…
 * ```
 */
export function probit(share: number): number {
  if (!(share >= 0 && share <= 1)) {
    throw new RangeError(`Cannot find the probit of ${share}: wanted a number from 0 to 1`);
  }
  if (share === 0 || share === 1) return share === 0 ? -Infinity : Infinity;
  if (share > 0.5) return -probit(1 - share);
  if (share < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(share));
    return polynomial(tail.c, q) / polynomial(tail.d, q);
  }
  const q = share - 0.5, r = q * q;
  return q * polynomial(middle.a, r) / polynomial(middle.b, r);
}

/** Horner's rule, the highest power first. */
function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((sum, c) => sum * x + c, 0);
}
