/** One layer of a Transformer encoder. @module */
import type { Tensor } from "../tensor/mod.ts";
import type { AttentionMasks } from "./attention_masks.ts";
import { Dropout } from "./dropout.ts";
import { LayerNorm } from "./layer_norm.ts";
import { Linear } from "./linear.ts";
import { Module } from "./module.ts";
import { makeSelfAttention, type SelfAttention, type SelfAttentionOptions } from "./self_attention.ts";

/** Options of {@linkcode TransformerEncoderLayer}, with PyTorch's defaults. */
export interface TransformerEncoderLayerOptions extends SelfAttentionOptions {
  /** Width of the layer between the two linear maps. Default 2048. */
  dimFeedforward?: number;
  /** Probability of dropout, also of attention weights. Default 0.1. */
  dropout?: number;
  /** Between the two linear maps. Default "relu". */
  activation?: "relu" | "gelu";
  /** Normalises before attention and feed-forward instead of after them. Default false. */
  normFirst?: boolean;
  /** Default 1e-5. */
  layerNormEps?: number;
}

/**
 * Self-attention and two linear maps, each with dropout, residual and normalisation (Vaswani et al. 2017, arXiv 1706.03762), batch first.
 * Parameters are named as in PyTorch's module of the same name.
 */
export class TransformerEncoderLayer extends Module {
  /** From frames to frames. */
  readonly self_attn: SelfAttention;
  /** To the inner width. */
  readonly linear1: Linear;
  /** Of the inner values. */
  readonly dropout: Dropout;
  /** Back to dModel. */
  readonly linear2: Linear;
  /** At the attention. */
  readonly norm1: LayerNorm;
  /** At the feed-forward. */
  readonly norm2: LayerNorm;
  /** Of what the attention adds. */
  readonly dropout1: Dropout;
  /** Of what the feed-forward adds. */
  readonly dropout2: Dropout;
  /** Between the linear maps. */
  readonly activation: "relu" | "gelu";
  /** Whether normalisation comes before attention and feed-forward. */
  readonly normFirst: boolean;

  /** Of `dModel` channels and `nHead` heads. */
  constructor(dModel: number, nHead: number, options: TransformerEncoderLayerOptions = {}) {
    super();
    const { dimFeedforward = 2048, dropout = 0.1, activation = "relu", normFirst = false } = options;
    const norm = { eps: options.layerNormEps ?? 1e-5 };
    this.activation = activation;
    this.normFirst = normFirst;
    this.self_attn = makeSelfAttention({ ...options, dim: dModel, heads: nHead, dropout });
    this.linear1 = new Linear(dModel, dimFeedforward);
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(dimFeedforward, dModel);
    this.norm1 = new LayerNorm(dModel, norm);
    this.norm2 = new LayerNorm(dModel, norm);
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
  }

  /** (batch, time, dModel) → the same shape. */
  forward(x: Tensor, masks: AttentionMasks = {}): Tensor {
    if (this.normFirst) {
      const attended = x.add(this.#attend(this.norm1.forward(x), masks));
      return attended.add(this.#feedForward(this.norm2.forward(attended)));
    }
    const attended = this.norm1.forward(x.add(this.#attend(x, masks)));
    return this.norm2.forward(attended.add(this.#feedForward(attended)));
  }

  #attend(x: Tensor, masks: AttentionMasks): Tensor {
    return this.dropout1.forward(this.self_attn.attend(x, masks));
  }

  #feedForward(x: Tensor): Tensor {
    const hidden = this.activation === "relu"
      ? this.linear1.forward(x, { activation: "relu" })
      : this.linear1.forward(x).gelu();
    return this.dropout2.forward(this.linear2.forward(this.dropout.forward(hidden)));
  }
}
