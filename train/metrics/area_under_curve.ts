/** How often a verifier ranks two trials the right way round. @module */
import type { DetCurve } from "./det_curve.ts";

/**
 * The area under the receiver operating characteristic: the share of the pairs of a trial of the same speaker and one of different speakers in
 * which the former has the higher score; of pairs with equal scores half count (Mann and Whitney's U). 1 is perfect, 0.5 chance.
 *
 * @example
 * ```ts
 * import { areaUnderCurve } from "./area_under_curve.ts";
 * import { detCurve } from "./det_curve.ts";
 *
 * areaUnderCurve(detCurve(Float32Array.of(3, 1, 2, 0), Uint8Array.of(1, 1, 0, 0))); // 0.75
 * ```
 */
export function areaUnderCurve({ falseAcceptance: far, falseRejection: frr }: DetCurve): number {
  let lost = 0; // trapezoids of false rejections over false acceptances
  for (let k = 1; k < far.length; k++) lost += (far[k - 1] - far[k]) * (frr[k - 1] + frr[k]) / 2;
  return Math.min(1, Math.max(0, 1 - lost));
}
