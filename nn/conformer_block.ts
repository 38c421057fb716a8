/** One block of a Conformer. @module */
import type { Tensor } from "../tensor/mod.ts";
import { ConformerConvolution, type ConformerConvolutionOptions } from "./conformer_convolution.ts";
import { ConformerFeedForward } from "./conformer_feed_forward.ts";
import { Dropout } from "./dropout.ts";
import { LayerNorm } from "./layer_norm.ts";
import { lengthMask } from "./length_mask.ts";
import { Module } from "./module.ts";
import { makeSelfAttention, type SelfAttention, type SelfAttentionOptions } from "./self_attention.ts";

/** Options of {@linkcode ConformerBlock}. */
export interface ConformerBlockOptions extends SelfAttentionOptions, ConformerConvolutionOptions {
  /** Inner channels of the feed-forward modules, as a multiple of the block's. Default 4. */
  ffExpansion?: number;
  /** Probability of dropout everywhere that the next three do not say otherwise. Default 0.1. */
  dropout?: number;
  /** In the feed-forward modules. Default `dropout`. */
  feedForwardDropout?: number;
  /** Of attention weights, and of what attention adds. Default `dropout`. */
  attentionDropout?: number;
  /** Of what the convolution module adds. Default `dropout`. */
  convDropout?: number;
  /** Adds half of what a feed-forward module gives, instead of all. Default true. */
  halfStepResidual?: boolean;
  /** Convolution before attention instead of after it. Default false. */
  convolutionFirst?: boolean;
}

/**
 * Half a feed-forward step, self-attention, convolution, another half step, each added to its input, and a normalisation (Gulati et al.
 * 2020, arXiv 2005.08100), batch first and blind to padding. Attention is "relative" unless another kind is asked for. Linear maps start
 * with Xavier's uniform weights and biases of 0, convolutions as PyTorch's.
 *
 * With `{ attention: "full", depthwiseBias: true, convolvePadding: true }` it is torchaudio's `ConformerLayer`, names included.
 */
export class ConformerBlock extends Module {
  /** The first half step. */
  readonly ffn1: ConformerFeedForward;
  /** Before attention. */
  readonly self_attn_layer_norm: LayerNorm;
  /** From frames to frames. */
  readonly self_attn: SelfAttention;
  /** Of what attention adds. */
  readonly self_attn_dropout: Dropout;
  /** From frames to their neighbours. */
  readonly conv_module: ConformerConvolution;
  /** The second half step. */
  readonly ffn2: ConformerFeedForward;
  /** Comes last. */
  readonly final_layer_norm: LayerNorm;
  /** Factor on what the feed-forward modules add. */
  readonly feedForwardFactor: number;
  /** Whether convolution comes before attention. */
  readonly convolutionFirst: boolean;

  /**
   * A block of `dim` channels with fresh weights.
   *
   * @throws RangeError if `numHeads` does not divide `dim`, for an even kernel, or an expansion that gives no whole number of channels.
   */
  constructor(dim: number, numHeads: number, options: ConformerBlockOptions = {}) {
    super();
    const { ffExpansion = 4, dropout = 0.1, halfStepResidual = true, convolutionFirst = false } = options;
    const { feedForwardDropout = dropout, attentionDropout = dropout, convDropout = dropout } = options;
    const inner = dim * ffExpansion;
    if (!(Number.isInteger(inner) && inner > 0)) {
      throw new RangeError(
        `Cannot widen ${dim} channels ${ffExpansion} times: ${inner} is no whole number of channels`,
      );
    }
    const { attention = "relative" } = options;
    this.feedForwardFactor = halfStepResidual ? 0.5 : 1;
    this.convolutionFirst = convolutionFirst;
    this.ffn1 = new ConformerFeedForward(dim, inner, { dropout: feedForwardDropout });
    this.self_attn_layer_norm = new LayerNorm(dim);
    this.self_attn = makeSelfAttention({ ...options, attention, dim, heads: numHeads, dropout: attentionDropout });
    this.self_attn_dropout = new Dropout(attentionDropout);
    this.conv_module = new ConformerConvolution(dim, { ...options, dropout: convDropout });
    this.ffn2 = new ConformerFeedForward(dim, inner, { dropout: feedForwardDropout });
    this.final_layer_norm = new LayerNorm(dim);
  }

  /** (batch, time, dim) → the same shape; `lengths` int32 (batch): frames of each utterance, the rest being padding. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    const first = this.#halfStep(this.ffn1, x);
    const second = this.convolutionFirst
      ? this.#attend(this.#convolve(first, lengths), lengths)
      : this.#convolve(this.#attend(first, lengths), lengths);
    return this.final_layer_norm.forward(this.#halfStep(this.ffn2, second));
  }

  #halfStep(module: ConformerFeedForward, x: Tensor): Tensor {
    return x.add(module.forward(x).mul(this.feedForwardFactor));
  }

  #attend(x: Tensor, lengths: Tensor | null): Tensor {
    const keyPaddingMask = lengths === null ? null : lengthMask(lengths, x.shape[1]);
    const attended = this.self_attn.attend(this.self_attn_layer_norm.forward(x), { keyPaddingMask });
    return x.add(this.self_attn_dropout.forward(attended));
  }

  #convolve(x: Tensor, lengths: Tensor | null): Tensor {
    return x.add(this.conv_module.forward(x, lengths));
  }
}
