/** How good scores are as log-likelihood ratios. @module */
import type { DetCurve } from "./det_curve.ts";

/**
 * The cost of log-likelihood ratios, in bits: the mean of log₂(1 + e^−s) over trials of the same speaker and of log₂(1 + e^s) over others, halved
 * (Brümmer and du Preez 2006, "Application-independent evaluation of speaker detection"). 0 is perfect; 1 is what a score of 0 for every trial has,
 * so that more is worse than not looking. It means something only of natural logarithms of likelihood ratios: not of cosines.
 *
 * @example
 * ```ts
 * import { cllr } from "./cllr.ts";
 * import { detCurve } from "./det_curve.ts";
 *
 * cllr(detCurve(Float32Array.of(0, 0), Uint8Array.of(1, 0))); // 1
 * ```
 */
export function cllr({ lowest, falseAcceptance: far, falseRejection: frr }: DetCurve): number {
  let nats = 0;
  for (let k = 0; k + 1 < lowest.length; k++) { // all trials of one score at a time
    const same = frr[k + 1] - frr[k], different = far[k] - far[k + 1];
    if (same > 0) nats += same * softplus(-lowest[k]);
    if (different > 0) nats += different * softplus(lowest[k]);
  }
  return nats / (2 * Math.LN2);
}

/** log(1 + eˣ), without overflow. */
export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}
