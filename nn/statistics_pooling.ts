/** Poolings that give mean and standard deviation, (batch, time, dim) → (batch, 2 · dim). @module */
import type { Tensor } from "../tensor/mod.ts";
import { Conv1d } from "./conv.ts";
import { frameWeights } from "./frame_weights.ts";
import { Module } from "./module.ts";
import type { Pooling } from "./pooling.ts";
import { type DeviationOptions, evenMoments, weightedMoments } from "./weighted_moments.ts";

/**
 * Mean and standard deviation over time, side by side (Snyder et al. 2018, x-vectors). The deviation divides by the number of frames, or as the
 * options say.
 */
export class StatisticsPooling extends Module implements Pooling {
  readonly #deviation: DeviationOptions;

  /** How the deviation is taken; default over the number of frames, its square not below 1e-12. */
  constructor(deviation: DeviationOptions = {}) {
    super();
    this.#deviation = deviation;
  }

  /** See {@linkcode Pooling}. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    return evenMoments(x, lengths, { time: 1, ...this.#deviation });
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
    return weightedMoments(x, frameWeights(scores, lengths).transpose(1, 2), { time: 1 });
  }
}
