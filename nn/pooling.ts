/**
 * From frames (batch, time, dim) to one vector an utterance (batch, dim), or (batch, 2 · dim) where deviations are wanted too. Frames at or after an utterance's length take no part; without
 * lengths all do; an utterance without frames becomes zeros.
 * @module
 */
import type { Tensor } from "../tensor/mod.ts";
import { frameWeights } from "./frame_weights.ts";
import { xavierNormal } from "./init.ts";
import { lengthMask } from "./length_mask.ts";
import { Linear } from "./linear.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";
import { AttentiveStatsPool, StatisticsPooling } from "./statistics_pooling.ts";

/** What every pooling does. */
export interface Pooling extends Module {
  /** `x` (batch, time, dim) and `lengths`, int32 (batch), to (batch, dim) or (batch, 2 · dim). */
  forward(x: Tensor, lengths?: Tensor | null): Tensor;
}

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
  return frameWeights(row, lengths).matmul(x).squeeze(1);
}

/**
 * How frames become one vector: their mean; a weighted mean that is learned, with one linear map ("self-attention") or with a tanh between
 * two ("attentive"); mean and standard deviation ("statistics"), or both weighted by what is learned ("attentive-statistics").
 */
export type PoolingName = "mean" | "self-attention" | "attentive" | "statistics" | "attentive-statistics";

/** Channels after pooling as a multiple of those before, and the pooling. */
const poolings: Record<PoolingName, { readonly widens: number; readonly make: (dim: number) => Pooling }> = {
  "mean": { widens: 1, make: () => new MeanPooling() },
  "self-attention": { widens: 1, make: (dim) => new SelfAttentionPooling(dim) },
  "attentive": { widens: 1, make: (dim) => new AttentivePoolingTanh(dim) },
  "statistics": { widens: 2, make: () => new StatisticsPooling() },
  "attentive-statistics": { widens: 2, make: (dim) => new AttentiveStatsPool(dim) },
};

/** A pooling of frames of `dim` channels by name. */
export function makePooling(name: PoolingName, dim: number): Pooling {
  return poolings[name].make(dim);
}

/** Channels of the vector that a pooling makes of frames of `dim` channels. */
export function pooledDim(name: PoolingName, dim: number): number {
  return poolings[name].widens * dim;
}
