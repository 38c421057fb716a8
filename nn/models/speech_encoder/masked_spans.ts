/** How much of a recording Hugging Face masks in training. @module */

/** Options of {@linkcode maskedSpans}. */
export interface MaskedSpanOptions {
  /** Share of the frames that masks shall cover, were they apart. */
  readonly maskProb: number;
  /** Frames of a mask. */
  readonly maskLength: number;
  /** Fewest masks. */
  readonly minMasks: number;
  /** Frames of the batch, padding included. */
  readonly sequenceLength: number;
  /** A number drawn from [0, 1), one for the batch: it rounds the number of masks up or down. */
  readonly epsilon: number;
}

/** How many masks of `maskLength` frames a recording of so many frames gets, by the rule of Hugging Face's `_compute_mask_indices`. */
export function maskedSpans(frames: number, options: MaskedSpanOptions): number {
  const { maskProb, maskLength, minMasks, sequenceLength, epsilon } = options;
  const wanted = Math.max(minMasks, Math.floor(maskProb * frames / maskLength + epsilon));
  const fitting = wanted * maskLength > sequenceLength ? Math.floor(sequenceLength / maskLength) : wanted;
  return Math.max(0, Math.min(fitting, frames - (maskLength - 1)));
}
