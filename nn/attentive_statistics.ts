/** The pooling of ECAPA-TDNN. @module */
import { conv1d, linear, type Tensor } from "../tensor/mod.ts";
import { evenWeights, frameWeights } from "./frame_weights.ts";
import { Module } from "./module.ts";
import { SameConv1d } from "./nested_layers.ts";
import { TdnnBlock } from "./tdnn_block.ts";
import { plainMoments, weightedMoments } from "./weighted_moments.ts";

/** Options of {@linkcode AttentiveStatistics}. */
export interface AttentiveStatisticsOptions {
  /** Channels of the hidden layer. Default 128. */
  attentionChannels?: number;
  /** Shows each frame the mean and deviation of the whole utterance as well. Default true. */
  globalContext?: boolean;
  /** Lets batch normalisation read padding, as SpeechBrain does. Default false. */
  convolvePadding?: boolean;
}

/**
 * Mean and standard deviation over time under weights that each channel learns: softmax over time of W·tanh(BN(relu(V·frame))), where a frame may
 * see the whole utterance's mean and deviation too (Desplanques et al. 2020, arXiv 2005.07143). Named as SpeechBrain's
 * `AttentiveStatisticsPooling`.
 */
export class AttentiveStatistics extends Module {
  /** V, ReLU, batch normalisation. */
  readonly tdnn: TdnnBlock;
  /** W. */
  readonly conv: SameConv1d;
  /** Whether a frame sees the whole utterance's statistics. */
  readonly globalContext: boolean;
  /** Whether batch normalisation reads padding. */
  readonly convolvePadding: boolean;

  /** Of so many channels. */
  constructor(channels: number, options: AttentiveStatisticsOptions = {}) {
    super();
    const { attentionChannels = 128, globalContext = true, convolvePadding = false } = options;
    this.tdnn = new TdnnBlock(globalContext ? 3 * channels : channels, attentionChannels);
    this.conv = new SameConv1d(attentionChannels, channels, 1);
    this.globalContext = globalContext;
    this.convolvePadding = convolvePadding;
  }

  /** (batch, channels, time) → (batch, 2 · channels); `lengths` int32 (batch): frames of each utterance, the rest being padding. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    const seen = this.convolvePadding ? null : lengths;
    const hidden = this.globalContext
      ? this.tdnn.norm.forward(this.#withContext(x, lengths).relu(), seen)
      : this.tdnn.forward(x, seen);
    const scores = this.conv.forward(hidden.tanh());
    return weightedMoments(x, frameWeights(scores, lengths), 2);
  }

  /** V of each frame with the utterance's statistics, whose part is the same for all frames and so is computed once. */
  #withContext(x: Tensor, lengths: Tensor | null): Tensor {
    const { weight, bias } = this.tdnn.conv.conv;
    const channels = x.shape[1];
    const statistics = lengths === null
      ? plainMoments(x, 2)
      : weightedMoments(x, evenWeights(lengths, x.shape[2]).unsqueeze(1), 2);
    const common = linear(statistics, weight.slice(1, channels).squeeze(2), bias);
    return conv1d(x, weight.slice(1, 0, channels)).add(common.unsqueeze(2));
  }
}
