/** Self-attention with a gated bias by distance. @module */
import { currentDevice, embedding, scaledDotProductAttention, Tensor } from "../../../tensor/mod.ts";
import { Embedding } from "../../embedding.ts";
import { ones } from "../../init.ts";
import { lengthMask } from "../../length_mask.ts";
import { Linear } from "../../linear.ts";
import { Module } from "../../module.ts";
import { Parameter } from "../../parameter.ts";
import type { EncoderAttention } from "../speech_encoder/encoder.ts";
import { encoderLinear } from "../speech_encoder/initial.ts";
import type { WavLMConfig } from "./config.ts";
import { splitHeads } from "../speech_encoder/split_heads.ts";
import { type BucketOptions, relativeBuckets } from "./relative_buckets.ts";

/** Options of {@linkcode WavLMAttention}. */
export interface WavLMAttentionOptions extends BucketOptions {
  /** Whether it has the table of biases, as the first layer has; the others are given its bias. Default true. */
  readonly hasRelativePositionBias?: boolean;
  /** Dropout of attention weights. Default 0. */
  readonly dropout?: number;
}

/**
 * The attention of WavLM (Chen et al. 2022, arXiv 2110.13900) under Hugging Face's names. score = q·k / √channels + gate · bias: the bias depends on
 * head and distance, the gate on head and query.
 */
export class WavLMAttention extends Module implements EncoderAttention {
  /** (1, heads, 1, 1); ones at first. */
  readonly gru_rel_pos_const: Parameter;
  /** Keys. */
  readonly k_proj: Linear;
  /** Values. */
  readonly v_proj: Linear;
  /** Queries. */
  readonly q_proj: Linear;
  /** Joins the heads. */
  readonly out_proj: Linear;
  /** From a head's part of a frame to what its gate is made of. */
  readonly gru_rel_pos_linear: Linear;
  /** Bias of each class of distances and head, or null. */
  readonly rel_attn_embed: Embedding | null;
  readonly #heads: number;
  readonly #options: WavLMAttentionOptions;
  readonly #buckets = new Map<number, Tensor>();

  /** Of `dim` channels in `heads` heads. */
  constructor(dim: number, heads: number, options: WavLMAttentionOptions) {
    super();
    this.gru_rel_pos_const = ones(new Parameter([1, heads, 1, 1]));
    this.k_proj = encoderLinear(dim, dim);
    this.v_proj = encoderLinear(dim, dim);
    this.q_proj = encoderLinear(dim, dim);
    this.out_proj = encoderLinear(dim, dim);
    this.gru_rel_pos_linear = encoderLinear(dim / heads, 8);
    this.rel_attn_embed = options.hasRelativePositionBias ?? true ? new Embedding(options.numBuckets, heads) : null;
    this.#heads = heads;
    this.#options = options;
  }

  /** The bias by head, query and key, (heads, time, time), before its gate. TypeError without a table. */
  positionBias(time: number): Tensor {
    if (this.rel_attn_embed === null) {
      throw new TypeError("Cannot make a position bias: only the first layer of a WavLM has the table");
    }
    const classes = this.#bucketsOf(time);
    const byPair = classes.alias("distances", [time, time], [-1, 1], time - 1, (g) => g); // of integers: no gradient
    return embedding(this.rel_attn_embed.weight, byPair.contiguous()).permute([2, 0, 1]);
  }

  /** What each query does to the bias, (batch, heads, time), of the layer's input (batch, time, dim). */
  gate(x: Tensor): Tensor {
    const parts = this.gru_rel_pos_linear.forward(splitHeads(x, this.#heads));
    const [batch, heads, time] = parts.shape;
    const [a, b] = parts.reshape([batch, heads, time, 2, 4]).sum(-1).sigmoid().chunk(2, -1);
    return a.mul(b.mul(this.gru_rel_pos_const).sub(1)).add(2).squeeze(-1);
  }

  /**
   * (batch, time, dim) → the same shape.
   *
   * @param positionBias of {@linkcode WavLMAttention.positionBias}, maybe another layer's
   * @param lengths int32 (batch): frames of each utterance, the rest being padding; null where there is none
   */
  forward(x: Tensor, positionBias: Tensor, { lengths = null }: { lengths?: Tensor | null } = {}): Tensor {
    const [batch, time, dim] = x.shape;
    const [q, k, v] = [this.q_proj, this.k_proj, this.v_proj].map((map) => splitHeads(map.forward(x), this.#heads));
    const mask = lengths === null ? null : lengthMask(lengths, time).reshape([batch, 1, 1, time]);
    const gate = this.gate(x);
    const dropout = this.training ? this.#options.dropout ?? 0 : 0;
    const heads = scaledDotProductAttention(q, k, v, { bias: positionBias, gate, mask, dropout });
    return this.out_proj.forward(heads.permute([0, 2, 1, 3]).reshape([batch, time, dim]));
  }

  /** Classes of distances, made once for each length. */
  #bucketsOf(time: number): Tensor {
    let found = this.#buckets.get(time);
    if (found === undefined) {
      found = Tensor.persistent(currentDevice(), [2 * time - 1], "int32");
      found.assign(relativeBuckets(time, this.#options));
      this.#buckets.set(time, found);
    }
    return found;
  }
}

/** The attention of a layer: the first has the table of biases by distance. */
export function layerAttention(config: WavLMConfig, layer: number): WavLMAttention {
  const { hiddenSize, numAttentionHeads, attentionDropout: dropout } = config;
  return new WavLMAttention(hiddenSize, numAttentionHeads, {
    ...config,
    hasRelativePositionBias: layer === 0,
    dropout,
  });
}
