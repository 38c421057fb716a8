/** Poolings that give mean and standard deviation, (batch, time, dim) → (batch, 2 · dim). @module */
import { cat, type Tensor } from "../tensor/mod.ts";
import { Conv1d } from "./conv.ts";
import { frameWeights } from "./frame_weights.ts";
import { lengthMask } from "./length_mask.ts";
import { Module } from "./module.ts";
import type { Pooling } from "./pooling.ts";

/** Least variance: its root has a finite gradient, also where there is one frame. */
const LEAST = 1e-9;

/** Σ w·x, and √Σ w·(x − mean)², over time; `weights` (batch, time, 1 or dim) sum to 1. */
function moments(x: Tensor, weights: Tensor): Tensor {
  const mean = weights.mul(x).sum(1, { keepdim: true });
  const variance = weights.mul(x.sub(mean).square()).sum(1);
  return cat([mean.squeeze(1), variance.clamp(LEAST).sqrt()], 1);
}

/** Mean and standard deviation over time, side by side (Snyder et al. 2018, x-vectors). The deviation divides by the number of frames. */
export class StatisticsPooling extends Module implements Pooling {
  /** See {@linkcode Pooling}. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    if (lengths === null) {
      const mean = x.mean(1, { keepdim: true });
      return cat([mean.squeeze(1), x.sub(mean).square().mean(1).clamp(LEAST).sqrt()], 1);
    }
    const inside = lengthMask(lengths, x.shape[1]).eq(0).toFloat();
    return moments(x, inside.div(lengths.toFloat().clamp(1).unsqueeze(1)).unsqueeze(-1));
  }
}

/**
 * Mean and standard deviation over time under weights that each channel learns: softmax over time of W₂·tanh(W₁·x) (Okabe et al. 2018, arXiv
 * 1803.10963).
 */
export class AttentiveStatsPool extends Module implements Pooling {
  /** W₁, to `bottleneck` channels. */
  readonly linear1: Conv1d;
  /** W₂, back. */
  readonly linear2: Conv1d;

  /** Of frames of `dim` channels. `bottleneck`: channels of the hidden layer, default 128. */
  constructor(dim: number, bottleneck = 128) {
    super();
    this.linear1 = new Conv1d(dim, bottleneck, 1);
    this.linear2 = new Conv1d(bottleneck, dim, 1);
  }

  /** See {@linkcode Pooling}. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    const hidden = this.linear1.forward(x.transpose(1, 2)).transpose(1, 2).tanh();
    const scores = this.linear2.forward(hidden.transpose(1, 2));
    return moments(x, frameWeights(scores, lengths).transpose(1, 2));
  }
}
