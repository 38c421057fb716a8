/** Self-attention that sees how far apart frames are. @module */
import { relPositionAttention, type Tensor } from "../tensor/mod.ts";
import { type AttentionMasks, joinMasks } from "./attention_masks.ts";
import { xavierUniform } from "./init.ts";
import { type Linear, xavierLinear } from "./linear.ts";
import { Module } from "./module.ts";
import { mergeHeads, requireHeadsFit, splitHeads } from "./packed_projections.ts";
import { Parameter } from "./parameter.ts";
import { RelativePositions } from "./positional_encoding.ts";
import type { SelfAttention } from "./self_attention.ts";

/**
 * Transformer-XL's attention (Dai et al. 2019, arXiv 1901.02860) as the Conformer has it, in both directions: see
 * {@linkcode relPositionAttention}. Scores are divided by the root of a head's channels, and what a distance looks like does not depend on
 * how long the utterance is. Linear maps start with Xavier's uniform weights and biases of 0. A query that sees no key gets zeros.
 */
export class RelativeMultiheadAttention extends Module implements SelfAttention {
  /** Of queries. */
  readonly query_proj: Linear;
  /** Of keys. */
  readonly key_proj: Linear;
  /** Of values. */
  readonly value_proj: Linear;
  /** Of distances; without bias. */
  readonly pos_proj: Linear;
  /** Added to queries before they meet keys, (heads, channels of a head). */
  readonly u_bias: Parameter;
  /** Added to queries before they meet distances, (heads, channels of a head). */
  readonly v_bias: Parameter;
  /** Mixes the heads. */
  readonly out_proj: Linear;
  /** Heads; each has dim / numHeads channels. */
  readonly numHeads: number;
  /** Probability of dropping an attention weight while training. */
  readonly dropout: number;
  readonly #positions: RelativePositions;

  /**
   * Attention with fresh weights. `dropout`: default 0.
   *
   * @throws RangeError if `numHeads` does not divide `dim`.
   */
  constructor(dim: number, numHeads: number, { dropout = 0 }: { dropout?: number } = {}) {
    super();
    requireHeadsFit(dim, numHeads);
    this.numHeads = numHeads;
    this.dropout = dropout;
    this.query_proj = xavierLinear(dim, dim);
    this.key_proj = xavierLinear(dim, dim);
    this.value_proj = xavierLinear(dim, dim);
    this.pos_proj = xavierLinear(dim, dim, { bias: false });
    this.u_bias = xavierUniform(new Parameter([numHeads, dim / numHeads]));
    this.v_bias = xavierUniform(new Parameter([numHeads, dim / numHeads]));
    this.out_proj = xavierLinear(dim, dim);
    this.#positions = new RelativePositions(dim);
  }

  /** See {@linkcode SelfAttention}. */
  attend(x: Tensor, masks: AttentionMasks = {}): Tensor {
    const [q, k, v] = [this.query_proj, this.key_proj, this.value_proj].map((proj) =>
      splitHeads(proj.forward(x), this.numHeads)
    );
    const merged = mergeHeads(relPositionAttention(q, k, v, {
      positions: splitHeads(this.pos_proj.forward(this.#positions.of(x)).unsqueeze(0), this.numHeads).squeeze(0),
      contentBias: this.u_bias,
      positionBias: this.v_bias,
      mask: joinMasks(masks),
      dropout: this.training ? this.dropout : 0,
    }));
    return this.out_proj.forward(merged);
  }
}
