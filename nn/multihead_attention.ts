/** Attention with several heads. @module */
import {
  type AttentionOptions,
  linear,
  maximum,
  packedSelfAttention,
  scaledDotProductAttention,
  type Tensor,
} from "../tensor/mod.ts";
import { xavierUniform, zeros } from "./init.ts";
import { Linear } from "./linear.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

/** Options of {@linkcode MultiheadAttention}. */
export interface MultiheadAttentionOptions {
  /** Probability of dropping an attention weight while training. Default 0. */
  dropout?: number;
  /** Adds biases to the projections. Default true. */
  bias?: boolean;
}

/** Which keys a query may not see. Masks are int32, 1 (or anything but 0) where hidden. */
export interface AttentionMasks {
  /** (batch, keys): hides keys from all queries of an utterance; see {@linkcode lengthMask}. Default none. */
  keyPaddingMask?: Tensor | null;
  /** Broadcasts to (batch, heads, queries, keys); (queries, keys) hides the same from every utterance. Default none. */
  attnMask?: Tensor | null;
}

/**
 * Multi-head attention (Vaswani et al. 2017, arXiv 1706.03762), batch first. Parameters are named and start as in PyTorch's module of
 * the same name. A query that sees no key gets zeros from every head.
 */
export class MultiheadAttention extends Module {
  /** Projections of queries, keys and values on top of each other: (3 · embedDim, embedDim). */
  readonly in_proj_weight: Parameter;
  /** (3 · embedDim), or null without biases. */
  readonly in_proj_bias: Parameter | null;
  /** Mixes the heads. */
  readonly out_proj: Linear;
  /** Heads; each has embedDim / numHeads channels. */
  readonly numHeads: number;
  /** Probability of dropping an attention weight while training. */
  readonly dropout: number;

  /**
   * Attention with fresh weights.
   *
   * @throws RangeError if `numHeads` does not divide `embedDim`.
   */
  constructor(embedDim: number, numHeads: number, { dropout = 0, bias = true }: MultiheadAttentionOptions = {}) {
    super();
    if (embedDim % numHeads !== 0) {
      throw new RangeError(`Cannot split ${embedDim} channels into ${numHeads} heads: ${numHeads} is no divisor`);
    }
    this.numHeads = numHeads;
    this.dropout = dropout;
    this.in_proj_weight = xavierUniform(new Parameter([3 * embedDim, embedDim]));
    this.in_proj_bias = bias ? new Parameter([3 * embedDim]) : null;
    this.out_proj = new Linear(embedDim, embedDim, { bias });
    if (this.out_proj.bias !== null) zeros(this.out_proj.bias);
  }

  /**
   * From queries (batch, queries, embedDim), keys and values (batch, keys, embedDim) to (batch, queries, embedDim). Self-attention, where
   * all three are one tensor, is projected and attended to in one piece.
   */
  forward(query: Tensor, key: Tensor, value: Tensor, masks: AttentionMasks = {}): Tensor {
    const options = { mask: joinMasks(masks), dropout: this.training ? this.dropout : 0 };
    const merged = query === key && key === value
      ? packedSelfAttention(linear(query, this.in_proj_weight, this.in_proj_bias), this.numHeads, options)
      : this.#attend([query, key, value], options);
    return this.out_proj.forward(merged);
  }

  #attend(inputs: readonly Tensor[], options: AttentionOptions): Tensor {
    const [q, k, v] = inputs.map((x, i) => this.#project(x, i));
    const heads = scaledDotProductAttention(q, k, v, options);
    return heads.permute([0, 2, 1, 3]).flatten(2);
  }

  /** Queries (part 0), keys (1) or values (2) as (batch, heads, time, channels). */
  #project(x: Tensor, part: number): Tensor {
    const size = this.out_proj.weight.shape[0];
    const rows = (t: Tensor) => t.slice(0, part * size, (part + 1) * size);
    const bias = this.in_proj_bias === null ? null : rows(this.in_proj_bias);
    const [batch, time] = x.shape;
    const heads = linear(x, rows(this.in_proj_weight), bias).reshape([
      batch,
      time,
      this.numHeads,
      size / this.numHeads,
    ]);
    return heads.permute([0, 2, 1, 3]);
  }
}

/** One mask over (batch, heads, queries, keys) that hides what either hides. */
function joinMasks({ keyPaddingMask = null, attnMask = null }: AttentionMasks): Tensor | null {
  if (keyPaddingMask === null) return attnMask;
  const padding = keyPaddingMask.unsqueeze(1).unsqueeze(1);
  return attnMask === null ? padding : maximum(padding, attnMask);
}
