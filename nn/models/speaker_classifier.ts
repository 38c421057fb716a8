/** The speaker classifier of NTU's machine-learning homework 4. @module */
import type { Tensor } from "../../tensor/mod.ts";
import type { Classifier, Head } from "../classifier.ts";
import { type HeadName, makeHead } from "../heads.ts";
import { LayerNorm } from "../layer_norm.ts";
import { lengthMask } from "../length_mask.ts";
import { Linear } from "../linear.ts";
import { Module } from "../module.ts";
import { makePooling, type Pooling, type PoolingName } from "../pooling.ts";
import { PositionalEncoding } from "../positional_encoding.ts";
import { TransformerEncoder } from "../transformer_encoder.ts";
import { TransformerEncoderLayer } from "../transformer_encoder_layer.ts";

/** Options of {@linkcode SpeakerClassifier}. The defaults are those of the homework's sample code. */
export interface SpeakerClassifierOptions {
  /** How many speakers to tell apart. */
  numSpeakers: number;
  /** Channels of a frame. Default 40. */
  nMels?: number;
  /** Channels inside the encoder. Default 80. */
  dModel?: number;
  /** Heads of attention. Default 2. */
  nHead?: number;
  /** Encoder layers, each with weights of its own. Default 1. */
  numLayers?: number;
  /** Width of an encoder layer's inner linear map. Default 256. */
  dimFeedforward?: number;
  /** Probability of dropout in the encoder, after positions and in the "2023" head. Default 0.1. */
  dropout?: number;
  /** Default "relu". */
  activation?: "relu" | "gelu";
  /** Normalises before attention and feed-forward, and once more after the last layer. Default false. */
  normFirst?: boolean;
  /** Tells the encoder the order of frames, which it does not see otherwise. Default false. */
  positionalEncoding?: boolean;
  /** Default "mean". */
  pooling?: PoolingName;
  /** Default "two-layer". */
  head?: HeadName;
  /** Makes the head's last layer a {@linkcode CosineHead}, as margins on angles need it. Default false. */
  cosineHead?: boolean;
  /** Factor on that head's cosines. Default 30. */
  scale?: number;
}

/** Log-mel frames → linear map → Transformer encoder → pooling over time → head. */
export class SpeakerClassifier extends Module implements Classifier {
  /** From nMels to dModel channels. */
  readonly prenet: Linear;
  /** Tells frames apart by their place, if wanted. */
  readonly positions: PositionalEncoding | null;
  /** Lets frames see each other. */
  readonly encoder: TransformerEncoder;
  /** From frames to one vector. */
  readonly pooling: Pooling;
  /** From that vector to a score for each speaker. */
  readonly head: Head;

  /** A classifier with fresh weights. */
  constructor(options: SpeakerClassifierOptions) {
    super();
    const { nMels = 40, dModel = 80, nHead = 2, numLayers = 1, dropout = 0.1, normFirst = false } = options;
    const { dimFeedforward = 256, activation = "relu" } = options;
    const layer = { dimFeedforward, dropout, activation, normFirst };
    this.prenet = new Linear(nMels, dModel);
    this.positions = options.positionalEncoding ? new PositionalEncoding(dModel, { dropout }) : null;
    this.encoder = new TransformerEncoder(() => new TransformerEncoderLayer(dModel, nHead, layer), numLayers, {
      norm: normFirst ? new LayerNorm(dModel) : null,
    });
    this.pooling = makePooling(options.pooling ?? "mean", dModel);
    const { numSpeakers: classes, cosineHead: cosine, scale } = options;
    this.head = makeHead(options.head ?? "two-layer", { dim: dModel, classes, dropout, cosine, scale });
  }

  /**
   * One vector for each utterance, (batch, dModel).
   *
   * @param features (batch, time, nMels)
   * @param lengths int32 (batch): frames of each utterance, the rest being padding; `null` where there is none
   */
  embed(features: Tensor, lengths: Tensor | null = null): Tensor {
    const keyPaddingMask = lengths === null ? null : lengthMask(lengths, features.shape[1]);
    const frames = this.prenet.forward(features);
    const placed = this.positions === null ? frames : this.positions.forward(frames);
    return this.pooling.forward(this.encoder.forward(placed, { keyPaddingMask }), lengths);
  }

  /** Scores of the speakers, (batch, numSpeakers), before softmax; parameters as of {@linkcode SpeakerClassifier.embed}. */
  forward(features: Tensor, lengths: Tensor | null = null): Tensor {
    return this.head.forward(this.embed(features, lengths));
  }
}
