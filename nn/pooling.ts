/**
 * From frames (batch, time, dim) to one vector an utterance (batch, dim). Frames at or after an utterance's length take no part; without
 * lengths all do; an utterance without frames becomes zeros.
 * @module
 */
import type { Tensor } from "../tensor/mod.ts";
import { xavierNormal } from "./init.ts";
import { lengthMask } from "./length_mask.ts";
import { Linear } from "./linear.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

/** What every pooling does. */
export interface Pooling extends Module {
  /** `x` (batch, time, dim) and `lengths`, int32 (batch), to (batch, dim). */
  forward(x: Tensor, lengths?: Tensor | null): Tensor;
}

/** A finite stand-in for minus infinity, which WGSL does not know. */
const MASKED = -1e30;

/** The mean over time. */
export class MeanPooling extends Module implements Pooling {
  /** See {@linkcode Pooling}. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    if (lengths === null) return x.mean(1);
    const padding = lengthMask(lengths, x.shape[1]).unsqueeze(-1);
    return x.maskedFill(padding, 0).sum(1).div(lengths.toFloat().clamp(1).unsqueeze(1));
  }
}

/** softmax over time of w·x + b, then the weighted sum (Safari et al. 2020, arXiv 2008.01077). */
export class SelfAttentionPooling extends Module implements Pooling {
  /** Scores a frame. */
  readonly W: Linear;

  /** Of frames of `dim` channels. */
  constructor(dim: number) {
    super();
    this.W = new Linear(dim, 1);
  }

  /** See {@linkcode Pooling}. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    return weightedSum(x, this.W.forward(x), lengths);
  }
}

/** softmax over time of a·tanh(W x + b), then the weighted sum (Cai et al. 2018, arXiv 1804.05160). */
export class AttentivePoolingTanh extends Module implements Pooling {
  /** W and b. */
  readonly sap_linear: Linear;
  /** a, (dim, 1); normal with Xavier's deviation at first. */
  readonly attention: Parameter;

  /** Of frames of `dim` channels. */
  constructor(dim: number) {
    super();
    this.sap_linear = new Linear(dim, dim);
    this.attention = xavierNormal(new Parameter([dim, 1]));
  }

  /** See {@linkcode Pooling}. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    return weightedSum(x, this.sap_linear.forward(x).tanh().matmul(this.attention), lengths);
  }
}

/** Σ softmax(scores) · x over time; scores (batch, time, 1). */
function weightedSum(x: Tensor, scores: Tensor, lengths: Tensor | null): Tensor {
  const row = scores.transpose(1, 2); // (batch, 1, time)
  return weights(row, lengths).matmul(x).squeeze(1);
}

/** softmax over the frames of each utterance, (batch, 1, time); all 0 for one without frames. */
function weights(row: Tensor, lengths: Tensor | null): Tensor {
  if (lengths === null) return row.softmax(-1);
  const padding = lengthMask(lengths, row.shape[2]).unsqueeze(1);
  return row.maskedFill(padding, MASKED).softmax(-1).maskedFill(padding, 0);
}

/** How frames become one vector: their mean, or a weighted mean that is learned (with one linear map, or with a tanh between two). */
export type PoolingName = "mean" | "self-attention" | "attentive";

const poolings: Record<PoolingName, (dim: number) => Pooling> = {
  "mean": () => new MeanPooling(),
  "self-attention": (dim) => new SelfAttentionPooling(dim),
  "attentive": (dim) => new AttentivePoolingTanh(dim),
};

/** A pooling of frames of `dim` channels by name. */
export function makePooling(name: PoolingName, dim: number): Pooling {
  return poolings[name](dim);
}
