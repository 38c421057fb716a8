/** Mean and deviation over time under weights. @module */
import { cat, type Tensor } from "../tensor/mod.ts";
import { evenWeights } from "./frame_weights.ts";

/** How a deviation comes from squares: √(max(variance, floor) + varianceEps) + eps. */
export interface DeviationOptions {
  /** Divides by the number of frames less one. Default false. Of a single frame the variance is 0. */
  unbiased?: boolean;
  /** Least variance; its root has a finite gradient, also where there is one frame. Default 1e-12, SpeechBrain's. */
  floor?: number;
  /** Added to the variance. Default 0. */
  varianceEps?: number;
  /** Added to the root. Default 0. */
  eps?: number;
}

/** WeSpeaker's pooling over time (TSTP): √(variance over n − 1, plus 1e-7). */
export const WESPEAKER_DEVIATION: Readonly<DeviationOptions> = { unbiased: true, floor: 0, varianceEps: 1e-7 };

/** √variance as the options say. */
export function deviation(
  variance: Tensor,
  { floor = 1e-12, varianceEps = 0, eps = 0 }: DeviationOptions = {},
): Tensor {
  const least = variance.clamp(floor);
  const root = (varianceEps === 0 ? least : least.add(varianceEps)).sqrt();
  return eps === 0 ? root : root.add(eps);
}

/** Options of {@linkcode weightedMoments} and {@linkcode evenMoments}. */
export interface MomentOptions extends DeviationOptions {
  /** The axis of time. */
  time: 1 | 2;
}

/**
 * Σ w·x, and √Σ w·(x − mean)², over the axis of time, side by side: (batch, 2 · dim). `weights` are of x's shape but for axes of size 1, and sum to 1
 * over time.
 */
export function weightedMoments(x: Tensor, weights: Tensor, { time, ...rule }: MomentOptions): Tensor {
  const mean = weights.mul(x).sum(time, { keepdim: true });
  const variance = weights.mul(x.sub(mean).square()).sum(time);
  return cat([mean.squeeze(time), deviation(variance, rule)], 1);
}

/** The same where all frames before an utterance's length weigh the same, or all where `lengths` is null. */
export function evenMoments(x: Tensor, lengths: Tensor | null, { time, ...rule }: MomentOptions): Tensor {
  const frames = x.shape[time];
  if (lengths === null) {
    const mean = x.mean(time, { keepdim: true }), variance = x.sub(mean).square().mean(time);
    const whole = rule.unbiased ? variance.mul(frames / Math.max(1, frames - 1)) : variance;
    return cat([mean.squeeze(time), deviation(whole, rule)], 1);
  }
  const weights = evenWeights(lengths, frames).unsqueeze(time === 1 ? -1 : 1);
  const mean = weights.mul(x).sum(time, { keepdim: true });
  const variance = weights.mul(x.sub(mean).square()).sum(time);
  const count = lengths.toFloat().unsqueeze(1);
  const whole = rule.unbiased ? variance.mul(count.div(count.sub(1).clamp(1))) : variance;
  return cat([mean.squeeze(time), deviation(whole, rule)], 1);
}
