/** Attention to a fixed number of mixtures of frames. @module */
import { arange, scaledDotProductAttention, type Tensor } from "../tensor/mod.ts";
import type { AttentionMasks } from "./attention_masks.ts";
import { uniform } from "./init.ts";
import { mergeHeads, PackedProjections, splitHeads } from "./packed_projections.ts";
import { Parameter } from "./parameter.ts";
import type { SelfAttention } from "./self_attention.ts";

/** Options of {@linkcode LinformerAttention}. */
export interface LinformerOptions {
  /** Probability of dropping an attention weight while training. Default 0. */
  dropout?: number;
  /** Mixtures of frames that queries attend to. Default 64. */
  rank?: number;
  /** Most frames it can take. Default 1024. */
  maxTime?: number;
}

/**
 * Self-attention whose cost grows with the number of frames and not with its square (Wang et al. 2020, Linformer, arXiv 2006.04768): keys
 * and values are projected along time to `rank` mixtures of frames, K' = Eᵀ·K and V' = Fᵀ·V, and queries attend to those. An utterance of
 * n frames uses the first n rows of E and F and, if it is shorter than the rank, the first n mixtures; padding takes no part. Rows beyond
 * the longest utterance in training stay as they began, so train on utterances as long as those to come.
 */
export class LinformerAttention extends PackedProjections implements SelfAttention {
  /** E, how much of each frame's key is in each mixture: (maxTime, rank). */
  readonly proj_k: Parameter;
  /** F, likewise for values: (maxTime, rank). */
  readonly proj_v: Parameter;

  /**
   * Attention with fresh weights; E and F are uniform in ±1 / √maxTime at first.
   *
   * @throws RangeError if `numHeads` does not divide `embedDim`, or a size is no whole number from 1 on.
   */
  constructor(embedDim: number, numHeads: number, options: LinformerOptions = {}) {
    const { dropout = 0, rank = 64, maxTime = 1024 } = options;
    super(embedDim, numHeads, { dropout });
    if (![rank, maxTime].every((n) => Number.isInteger(n) && n >= 1)) {
      throw new RangeError(`Cannot project ${maxTime} frames to ${rank}: expected whole numbers from 1 on`);
    }
    const bound = 1 / Math.sqrt(maxTime);
    const projection = () => uniform(new Parameter([maxTime, rank]), { low: -bound, high: bound });
    this.proj_k = projection();
    this.proj_v = projection();
  }

  /**
   * See {@linkcode SelfAttention}; a mixture cannot be hidden from single queries.
   *
   * @throws RangeError for more frames than `maxTime`; TypeError for an `attnMask`.
   */
  attend(x: Tensor, { keyPaddingMask = null, attnMask = null }: AttentionMasks = {}): Tensor {
    const [time, [maxTime, rank]] = [x.shape[1], this.proj_k.shape];
    if (time > maxTime) {
      throw new RangeError(`Cannot attend over ${time} frames: Linformer attention was made for at most ${maxTime}`);
    }
    if (attnMask !== null) {
      throw new TypeError(
        "Cannot hide keys from single queries: Linformer attention mixes the frames; use keyPaddingMask",
      );
    }
    const [q, k, v] = this.projectApart(x);
    const mix = (part: Tensor, weights: Parameter) => {
      const seen = keyPaddingMask === null ? part : part.maskedFill(keyPaddingMask.unsqueeze(-1), 0);
      return splitHeads(weights.slice(0, 0, time).transpose(0, 1).matmul(seen), this.numHeads);
    };
    const [keys, values] = [mix(k, this.proj_k), mix(v, this.proj_v)];
    const options = { mask: surplus(x, rank, keyPaddingMask), dropout: this.training ? this.dropout : 0 };
    return this.out_proj.forward(
      mergeHeads(scaledDotProductAttention(splitHeads(q, this.numHeads), keys, values, options)),
    );
  }
}

/** Hides mixtures that come after an utterance's number of frames: (batch, 1, 1, rank), or null where there are none. */
function surplus(x: Tensor, rank: number, keyPaddingMask: Tensor | null): Tensor | null {
  const mixtures = arange(0, rank, 1, { device: x.device });
  if (keyPaddingMask === null) return rank <= x.shape[1] ? null : mixtures.ge(x.shape[1]).reshape([1, 1, 1, rank]);
  const frames = keyPaddingMask.eq(0).sum(1, { keepdim: true }); // (batch, 1)
  return mixtures.ge(frames).unsqueeze(1).unsqueeze(1);
}
