/** The error of a verifier where it errs as often either way. @module */
import { type DetCurve, thresholdOf } from "./det_curve.ts";

/** Equal error rate. */
export interface EqualError {
  /** The rate, 0 to 1. */
  readonly rate: number;
  /** The threshold where both rates come nearest to each other. */
  readonly threshold: number;
  /** That threshold's point of the curve. */
  readonly point: number;
}

/**
 * The rate at which false acceptances and false rejections are equally frequent: where the curve through all points, joined by straight
 * lines, meets the diagonal. Without ties every line is level or upright, so that the rate is exact; a line between, of trials of equal
 * score, means that they are decided by lot. (The curve's convex hull, which some tools take, gives less.)
 *
 * @example
 * ```ts
 * import { detCurve } from "./det_curve.ts";
 * import { equalErrorRate } from "./equal_error_rate.ts";
 *
 * equalErrorRate(detCurve(Float32Array.of(3, 2, 1, 0), Uint8Array.of(1, 1, 0, 0))).rate; // 0
 * ```
 */
export function equalErrorRate(curve: DetCurve): EqualError {
  const { falseAcceptance: far, falseRejection: frr } = curve;
  // The difference of both rises from −1 at the first point to 1 at the last.
  let [below, above] = [0, far.length - 1];
  while (above - below > 1) {
    const middle = (below + above) >> 1;
    if (frr[middle] - far[middle] < 0) below = middle;
    else above = middle;
  }
  const [before, after] = [far[below] - frr[below], frr[above] - far[above]];
  const rate = far[below] + before / (before + after) * (far[above] - far[below]);
  const point = before < after ? below : above;
  return { rate, threshold: thresholdOf(curve, point), point };
}
