/** Mean and deviation of frames as Hugging Face pools them. @module */
import { cat, type Tensor } from "../../../tensor/mod.ts";
import { lengthMask } from "../../length_mask.ts";

/**
 * Mean and standard deviation over time side by side, (batch, time, channels) → (batch, 2 · channels). The variance divides by n − 1; where it is 0,
 * as of one frame, the deviation and its gradient are 0.
 *
 * @param lengths int32 (batch): frames of each utterance, the rest being padding; null where there is none
 */
export function unbiasedStatistics(x: Tensor, lengths: Tensor | null = null): Tensor {
  const [, time] = x.shape;
  const first = x.detach().slice(1, 0, 1); // taken off, so that what is constant has a variance of exactly 0
  const inside = (y: Tensor) => lengths === null ? y : y.maskedFill(lengthMask(lengths, time).unsqueeze(-1), 0);
  const over = (sum: Tensor, less: number) =>
    lengths === null
      ? sum.div(Math.max(1, time - less))
      : sum.div(lengths.toFloat().sub(less).clamp(1).reshape([-1, 1, 1]));
  const shifted = inside(x.sub(first)), mean = over(shifted.sum(1, { keepdim: true }), 0);
  const variance = over(inside(x.sub(first).sub(mean)).square().sum(1, { keepdim: true }), 1);
  const flat = variance.le(0);
  const deviation = variance.maskedFill(flat, 1).sqrt().maskedFill(flat, 0);
  return cat([mean.add(first).squeeze(1), deviation.squeeze(1)], 1);
}
