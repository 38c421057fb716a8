/** How good scores could be as log-likelihood ratios. @module */
import type { DetCurve } from "./det_curve.ts";

/**
 * The least `cllr` that any rising function of the scores has: what is lost by the order of the scores alone; the rest is lost by their
 * calibration. The best function is an isotonic regression, found by pooling neighbours that are the wrong way round (PAV). It has seen the
 * labels, so that of few trials it looks better than any calibration can be.
 *
 * @example
 * ```ts
 * import { detCurve } from "./det_curve.ts";
 * import { minCllr } from "./min_cllr.ts";
 *
 * minCllr(detCurve(Float32Array.of(9, 8, 7, 6), Uint8Array.of(1, 1, 0, 0))); // 0
 * ```
 */
export function minCllr({ falseAcceptance: far, falseRejection: frr }: DetCurve): number {
  const steps = far.length - 1, same = new Float64Array(steps), different = new Float64Array(steps);
  let pools = 0;
  for (let k = 0; k < steps; k++, pools++) {
    same[pools] = frr[k + 1] - frr[k];
    different[pools] = far[k] - far[k + 1];
    // a pool whose likelihood ratio is not below the next one's is joined with it
    while (pools > 0 && same[pools - 1] * different[pools] >= same[pools] * different[pools - 1]) {
      pools--;
      same[pools] += same[pools + 1];
      different[pools] += different[pools + 1];
    }
  }
  let bits = 0;
  for (let i = 0; i < pools; i++) {
    const [t, n] = [same[i], different[i]];
    if (t > 0) bits += t * Math.log2(1 + n / t);
    if (n > 0) bits += n * Math.log2(1 + t / n);
  }
  return Math.max(0, bits / 2);
}
