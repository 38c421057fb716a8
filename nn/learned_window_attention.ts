/** Attention that learns how far to look. @module */
import { scaledDotProductAttention, type Tensor } from "../tensor/mod.ts";
import { type AttentionMasks, distances, joinMasks } from "./attention_masks.ts";
import { constant } from "./init.ts";
import { mergeHeads, PackedProjections, splitHeads } from "./packed_projections.ts";
import { Parameter } from "./parameter.ts";
import type { SelfAttention } from "./self_attention.ts";

/** Options of {@linkcode LearnedWindowAttention}. */
export interface LearnedWindowOptions {
  /** Probability of dropping an attention weight while training. Default 0. */
  dropout?: number;
  /** Standard deviation of every head's window at first, in frames. Default 16. */
  width?: number;
}

/**
 * Self-attention through a soft window, one for each head: score(i, j) = q_i·k_j / √channels − (i − j)² / (2 σ²), a Gaussian around the
 * query's own frame whose width σ = e^`log_width` is trained (after Yang et al. 2018, arXiv 1810.10182, which also predicts its centre).
 * The wider σ, the nearer it is to attention to all frames.
 */
export class LearnedWindowAttention extends PackedProjections implements SelfAttention {
  /** Natural logarithm of each head's σ in frames, (heads). */
  readonly log_width: Parameter;

  /**
   * Attention with fresh weights.
   *
   * @throws RangeError if `numHeads` does not divide `embedDim`, or for a width that is not above 0.
   */
  constructor(embedDim: number, numHeads: number, { dropout = 0, width = 16 }: LearnedWindowOptions = {}) {
    super(embedDim, numHeads, { dropout });
    if (!(width > 0)) throw new RangeError(`Cannot attend through a window ${width} frames wide: expected more than 0`);
    this.log_width = constant(new Parameter([numHeads]), Math.log(width));
  }

  /** See {@linkcode SelfAttention}. */
  attend(x: Tensor, masks: AttentionMasks = {}): Tensor {
    const [q, k, v] = this.projectApart(x).map((part) => splitHeads(part, this.numHeads));
    const narrowness = this.log_width.mul(-2).exp().mul(-0.5); // −1 / (2 σ²)
    const bias = distances(x.shape[1], x.device).toFloat().square().mul(narrowness.reshape([this.numHeads, 1, 1]));
    const options = { bias, mask: joinMasks(masks), dropout: this.training ? this.dropout : 0 };
    return this.out_proj.forward(mergeHeads(scaledDotProductAttention(q, k, v, options)));
  }
}
