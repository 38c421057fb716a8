/** A Conformer that tells speakers apart, as the best entries to NTU's homework 4 have it. @module */
import type { Tensor } from "../../tensor/mod.ts";
import { ConformerBlock, type ConformerBlockOptions } from "../conformer_block.ts";
import { ConformerEncoder } from "../conformer_encoder.ts";
import { Conv2dSubsampling } from "../conv2d_subsampling.ts";
import { type HeadName, makeHead } from "../heads.ts";
import { Linear } from "../linear.ts";
import { makePooling, pooledDim, type PoolingName } from "../pooling.ts";
import { PositionalEncoding } from "../positional_encoding.ts";
import { FrameClassifier } from "./frame_classifier.ts";

/** Options of {@linkcode ConformerClassifier}. The defaults are those of the homework's best write-up of 2023. */
export interface ConformerClassifierOptions extends ConformerBlockOptions {
  /** How many speakers to tell apart. */
  numSpeakers: number;
  /** Channels of a frame. Default 40. */
  nMels?: number;
  /** Channels inside the encoder. Default 512. */
  dModel?: number;
  /** Heads of attention. Default 8. */
  nHead?: number;
  /** Conformer blocks, each with weights of its own. Default 1. */
  numLayers?: number;
  /** "conv" leaves a quarter of the frames, by two convolutions; "none" maps each frame. Default "none". */
  subsampling?: "none" | "conv";
  /** Adds sinusoids, for attention that is not "relative" and so does not see the order of frames. Default false. */
  positionalEncoding?: boolean;
  /** Default "mean". */
  pooling?: PoolingName;
  /** Default "linear". */
  head?: HeadName;
  /** Makes the head's last layer a {@linkcode CosineHead}, as margins on angles need it. Default false. */
  cosineHead?: boolean;
  /** Factor on that head's cosines. Default 30. */
  scale?: number;
}

/** Log-mel frames → linear map or subsampling → Conformer blocks → pooling over time → head. */
export class ConformerClassifier extends FrameClassifier<ConformerEncoder> {
  /** A classifier with fresh weights. */
  constructor(options: ConformerClassifierOptions) {
    const { nMels = 40, dModel = 512, nHead = 8, numLayers = 1, dropout = 0.1 } = options;
    const { pooling = "mean", numSpeakers: classes, cosineHead: cosine, scale, subsampling = "none" } = options;
    super({
      prenet: subsampling === "conv" ? new Conv2dSubsampling(nMels, dModel, { dropout }) : new Linear(nMels, dModel),
      positions: options.positionalEncoding ? new PositionalEncoding(dModel, { dropout }) : null,
      encoder: new ConformerEncoder(() => new ConformerBlock(dModel, nHead, options), numLayers),
      pooling: makePooling(pooling, dModel),
      head: makeHead(options.head ?? "linear", { dim: pooledDim(pooling, dModel), classes, dropout, cosine, scale }),
    });
  }

  /** See {@linkcode FrameClassifier}. */
  protected encode(frames: Tensor, lengths: Tensor | null): Tensor {
    return this.encoder.forward(frames, lengths);
  }
}
