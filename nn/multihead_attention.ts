/** Attention with several heads. @module */
import { packedSelfAttention, scaledDotProductAttention, type Tensor } from "../tensor/mod.ts";
import { type AttentionMasks, distances, hideBoth, joinMasks } from "./attention_masks.ts";
import { mergeHeads, PackedProjections, type PackedProjectionsOptions, splitHeads } from "./packed_projections.ts";
import type { SelfAttention } from "./self_attention.ts";

/** Options of {@linkcode MultiheadAttention}. */
export interface MultiheadAttentionOptions extends PackedProjectionsOptions {
  /** Frames that a query sees on each side of its own; null: all. Default null. */
  window?: number | null;
}

/**
 * Multi-head attention (Vaswani et al. 2017, arXiv 1706.03762), batch first. Parameters are named and start as in PyTorch's module of
 * the same name. A query that sees no key gets zeros from every head.
 */
export class MultiheadAttention extends PackedProjections implements SelfAttention {
  /** Frames that a query sees on each side of its own; null: all. */
  readonly window: number | null;

  /**
   * Attention with fresh weights.
   *
   * @throws RangeError if `numHeads` does not divide `embedDim`, or for a window that is no whole number from 0 on.
   */
  constructor(embedDim: number, numHeads: number, { window = null, ...options }: MultiheadAttentionOptions = {}) {
    super(embedDim, numHeads, options);
    if (window !== null && !(Number.isInteger(window) && window >= 0)) {
      throw new RangeError(`Cannot attend within ${window} frames: expected a whole number from 0 on`);
    }
    this.window = window;
  }

  /**
   * From queries (batch, queries, embedDim), keys and values (batch, keys, embedDim) to (batch, queries, embedDim). Self-attention, where
   * all three are one tensor, is projected and attended to in one piece.
   *
   * @throws TypeError with a window where queries and keys are not equally many.
   */
  forward(query: Tensor, key: Tensor, value: Tensor, masks: AttentionMasks = {}): Tensor {
    const options = {
      mask: hideBoth(joinMasks(masks), this.#beyondWindow(query, key)),
      dropout: this.training ? this.dropout : 0,
    };
    if (query === key && key === value) {
      return this.out_proj.forward(packedSelfAttention(this.projectPacked(query), this.numHeads, options));
    }
    const [q, k, v] = [query, key, value].map((x, part) => splitHeads(this.project(x, part), this.numHeads));
    return this.out_proj.forward(mergeHeads(scaledDotProductAttention(q, k, v, options)));
  }

  /** See {@linkcode SelfAttention}. */
  attend(x: Tensor, masks: AttentionMasks = {}): Tensor {
    return this.forward(x, x, x, masks);
  }

  #beyondWindow(query: Tensor, key: Tensor): Tensor | null {
    const [queries, keys] = [query.shape[1], key.shape[1]];
    if (this.window === null) return null;
    if (queries !== keys) {
      throw new TypeError(`Cannot attend within a window from ${queries} to ${keys} frames: they must be as many`);
    }
    return this.window >= keys - 1 ? null : distances(keys, key.device).gt(this.window);
  }
}
