/** Weights of frames for poolings. @module */
import type { Tensor } from "../tensor/mod.ts";
import { lengthMask } from "./length_mask.ts";

/** A finite stand-in for minus infinity, which WGSL does not know. */
const MASKED = -1e30;

/**
 * softmax over the frames of each utterance, for scores (batch, rows, time): every row sums to 1 over the frames before the utterance's
 * length, and is 0 after it, or everywhere for an utterance without frames.
 */
export function frameWeights(scores: Tensor, lengths: Tensor | null): Tensor {
  if (lengths === null) return scores.softmax(-1);
  const padding = lengthMask(lengths, scores.shape[2]).unsqueeze(1);
  return scores.maskedFill(padding, MASKED).softmax(-1).maskedFill(padding, 0);
}

/** (batch, time): 1 / length before each utterance's length, 0 after it; lengths int32 (batch). */
export function evenWeights(lengths: Tensor, time: number): Tensor {
  const inside = lengthMask(lengths, time).eq(0).toFloat();
  return inside.div(lengths.toFloat().clamp(1).unsqueeze(1));
}
