/** The speaker classifier of NTU's machine-learning homework 4. @module */
import type { Tensor } from "../../tensor/mod.ts";
import { type HeadName, makeHead } from "../heads.ts";
import { LayerNorm } from "../layer_norm.ts";
import { lengthMask } from "../length_mask.ts";
import { Linear } from "../linear.ts";
import { makePooling, pooledDim, type PoolingName } from "../pooling.ts";
import { PositionalEncoding } from "../positional_encoding.ts";
import type { SelfAttentionOptions } from "../self_attention.ts";
import { TransformerEncoder } from "../transformer_encoder.ts";
import { TransformerEncoderLayer } from "../transformer_encoder_layer.ts";
import { FrameClassifier } from "./frame_classifier.ts";

/** Options of {@linkcode SpeakerClassifier}. The defaults are those of the homework's sample code. */
export interface SpeakerClassifierOptions extends SelfAttentionOptions {
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
export class SpeakerClassifier extends FrameClassifier<TransformerEncoder> {
  /** A classifier with fresh weights. */
  constructor(options: SpeakerClassifierOptions) {
    const { nMels = 40, dModel = 80, nHead = 2, numLayers = 1, dropout = 0.1, normFirst = false } = options;
    const layer = { ...options, dimFeedforward: options.dimFeedforward ?? 256, dropout };
    const { pooling = "mean", numSpeakers: classes, cosineHead: cosine, scale } = options;
    super({
      prenet: new Linear(nMels, dModel),
      positions: options.positionalEncoding ? new PositionalEncoding(dModel, { dropout }) : null,
      encoder: new TransformerEncoder(() => new TransformerEncoderLayer(dModel, nHead, layer), numLayers, {
        norm: normFirst ? new LayerNorm(dModel) : null,
      }),
      pooling: makePooling(pooling, dModel),
      head: makeHead(options.head ?? "two-layer", { dim: pooledDim(pooling, dModel), classes, dropout, cosine, scale }),
    });
  }

  /** See {@linkcode FrameClassifier}. */
  protected encode(frames: Tensor, lengths: Tensor | null): Tensor {
    const keyPaddingMask = lengths === null ? null : lengthMask(lengths, frames.shape[1]);
    return this.encoder.forward(frames, { keyPaddingMask });
  }
}
