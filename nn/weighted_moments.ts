/** Mean and deviation over time under weights. @module */
import { cat, type Tensor } from "../tensor/mod.ts";

/** Least variance, SpeechBrain's: its root has a finite gradient, also where there is one frame. */
const LEAST = 1e-12;

/** √variance, at least √{@linkcode LEAST}. */
export function deviation(variance: Tensor): Tensor {
  return variance.clamp(LEAST).sqrt();
}

/**
 * Σ w·x, and √Σ w·(x − mean)², over the axis of time, side by side: (batch, 2 · dim). `weights` are of x's shape but for axes of size 1, and sum to 1
 * over time.
 */
export function weightedMoments(x: Tensor, weights: Tensor, time: number): Tensor {
  const mean = weights.mul(x).sum(time, { keepdim: true });
  const variance = weights.mul(x.sub(mean).square()).sum(time);
  return cat([mean.squeeze(time), deviation(variance)], 1);
}

/** The same where all frames weigh the same. */
export function plainMoments(x: Tensor, time: number): Tensor {
  const mean = x.mean(time, { keepdim: true });
  return cat([mean.squeeze(time), deviation(x.sub(mean).square().mean(time))], 1);
}
