/** The pooling of ECAPA-TDNN. @module */
import { conv1d, linear, type Tensor } from "../tensor/mod.ts";
import { frameWeights } from "./frame_weights.ts";
import { Module } from "./module.ts";
import { SameConv1d } from "./nested_layers.ts";
import { TdnnBlock } from "./tdnn_block.ts";
import { evenMoments, weightedMoments, WESPEAKER_DEVIATION } from "./weighted_moments.ts";

/** Options of {@linkcode AttentiveStatistics}. */
export interface AttentiveStatisticsOptions {
  /** Channels of the hidden layer. Default 128. */
  attentionChannels?: number;
  /** Shows each frame the mean and deviation of the whole utterance as well. Default true. */
  globalContext?: boolean;
  /** Lets batch normalisation read padding, as SpeechBrain does. Default false. */
  convolvePadding?: boolean;
  /**
   * "speechbrain" (default): ReLU and batch normalisation before the tanh; deviations over n frames, variances not below 1e-12. "wespeaker" (its
   * `ASTP`): neither; the whole utterance's deviation is √(variance over n − 1, plus 1e-7), and the pooled variance is not below 1e-7.
   */
  variant?: "speechbrain" | "wespeaker";
}

/**
 * Mean and standard deviation over time under weights that each channel learns: softmax over time of W·tanh(BN(relu(V·frame))), where a frame may
 * see the whole utterance's mean and deviation too (Desplanques et al. 2020, arXiv 2005.07143). Named as SpeechBrain's
 * `AttentiveStatisticsPooling`.
 */
export class AttentiveStatistics extends Module {
  /** V, and for "speechbrain" ReLU and batch normalisation. */
  readonly tdnn: TdnnBlock;
  /** W. */
  readonly conv: SameConv1d;
  /** Whether a frame sees the whole utterance's statistics. */
  readonly globalContext: boolean;
  /** Whether batch normalisation reads padding. */
  readonly convolvePadding: boolean;
  readonly #wespeaker: boolean;

  /** Of so many channels. */
  constructor(channels: number, options: AttentiveStatisticsOptions = {}) {
    super();
    const { attentionChannels = 128, globalContext = true, convolvePadding = false, variant } = options;
    const plain = variant === "wespeaker";
    this.tdnn = new TdnnBlock(globalContext ? 3 * channels : channels, attentionChannels, {
      activation: plain ? "none" : "relu",
      norm: !plain,
    });
    this.#wespeaker = plain;
    this.conv = new SameConv1d(attentionChannels, channels, 1);
    this.globalContext = globalContext;
    this.convolvePadding = convolvePadding;
  }

  /** (batch, channels, time) → (batch, 2 · channels); `lengths` int32 (batch): frames of each utterance, the rest being padding. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    const seen = this.convolvePadding ? null : lengths;
    const hidden = this.globalContext
      ? this.tdnn.finish(this.#withContext(x, lengths), seen)
      : this.tdnn.forward(x, seen);
    const scores = this.conv.forward(hidden.tanh());
    return weightedMoments(x, frameWeights(scores, lengths), { time: 2, floor: this.#wespeaker ? 1e-7 : undefined });
  }

  /** V of each frame with the utterance's statistics, whose part is the same for all frames and so is computed once. */
  #withContext(x: Tensor, lengths: Tensor | null): Tensor {
    const { weight, bias } = this.tdnn.conv.conv;
    const channels = x.shape[1];
    const statistics = evenMoments(x, lengths, { time: 2, ...this.#wespeaker ? WESPEAKER_DEVIATION : {} });
    const common = linear(statistics, weight.slice(1, channels).squeeze(2), bias);
    return conv1d(x, weight.slice(1, 0, channels)).add(common.unsqueeze(2));
  }
}
