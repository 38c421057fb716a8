/** CAM++, an encoder of speakers. @module */
import type { Tensor } from "../../../tensor/mod.ts";
import { BatchNorm1d } from "../../batch_norm.ts";
import type { Conv1d } from "../../conv.ts";
import { Module } from "../../module.ts";
import type { SpeakerEncoder } from "../../speaker_encoder.ts";
import { StatisticsPooling } from "../../statistics_pooling.ts";
import { halvedLength } from "../../subsampled_length.ts";
import { WESPEAKER_DEVIATION } from "../../weighted_moments.ts";
import { BatchNormRelu } from "./batch_norm_relu.ts";
import { timeConv } from "./context_mask.ts";
import { DenseBlock, Transit } from "./dense_block.ts";
import { PictureHead } from "./picture_head.ts";

/** Options of {@linkcode CamPlusPlus}. The defaults are the paper's sizes, which WeSpeaker and 3D-Speaker have too. */
export interface CamPlusPlusOptions {
  /** Values of a frame, of which the original takes multiples of 8. Default 80. */
  inputSize?: number;
  /** Length of the embedding. Default 512; 3D-Speaker's Chinese models have 192. */
  embeddingDim?: number;
  /**
   * Channels of the pictures at the beginning, of the first layer over time, that each dense layer adds, and inside each dense layer. Default
   * [32, 128, 32, 128].
   */
  channels?: readonly number[];
  /** Layers of the three dense blocks. Default [12, 24, 16]. */
  blocks?: readonly number[];
  /**
   * How the pooling takes the deviation over n − 1 frames. "wespeaker" (default; its `TSTP`): √(variance + 1e-7). "3d-speaker": √variance, 0 of a
   * single frame.
   */
  variant?: "wespeaker" | "3d-speaker";
}

/** Distances of the frames that the dense blocks' layers look at. */
const DILATIONS = [1, 2, 2];

/** RangeError where no network can be made of them. */
function checkSizes({ channels, blocks, variant }: Required<Omit<CamPlusPlusOptions, "inputSize" | "embeddingDim">>) {
  const refuse = (what: string, wanted: string) => {
    throw new RangeError(`Cannot make a CamPlusPlus of ${what}: expected ${wanted}`);
  };
  const isCount = (n: number) => Number.isInteger(n) && n >= 1 && n <= 8192;
  if (channels.length !== 4 || !channels.every(isCount)) {
    refuse(`channels [${channels.join(", ")}]`, "4: of pictures, first layer, growth and bottleneck");
  }
  if (blocks.length !== 3 || !blocks.every((n) => isCount(n) && n <= 64)) {
    refuse(`blocks [${blocks.join(", ")}]`, "3 numbers of layers, at most 64 each");
  }
  if (channels[3] < 2) refuse(`a bottleneck of ${channels[3]} channels`, "at least 2");
  if (variant !== "wespeaker" && variant !== "3d-speaker") {
    refuse(`variant "${variant}"`, '"wespeaker" or "3d-speaker"');
  }
}

/** The first layer over time, which halves the frames. */
class FirstLayer extends Module {
  /** Looks at 5 frames, stride 2. */
  readonly linear: Conv1d;
  /** Follows it. */
  readonly nonlinear: BatchNormRelu;

  constructor(inChannels: number, outChannels: number) {
    super();
    this.linear = timeConv(inChannels, outChannels, { kernel: 5, stride: 2 });
    this.nonlinear = new BatchNormRelu(outChannels);
  }
}

/** The linear map to the embedding, whose normalisation has no weight and no bias. */
class LastLayer extends Module {
  /** 1 × 1. */
  readonly linear: Conv1d;
  /** Follows it. */
  readonly nonlinear: PlainNorm;

  constructor(inChannels: number, outChannels: number) {
    super();
    this.linear = timeConv(inChannels, outChannels);
    this.nonlinear = new PlainNorm(outChannels);
  }
}

/** Batch normalisation under the name `batchnorm`. */
class PlainNorm extends Module {
  /** Without weight and bias. */
  readonly batchnorm: BatchNorm1d;

  constructor(channels: number) {
    super();
    this.batchnorm = new BatchNorm1d(channels, { affine: false });
  }
}

/** What follows the pictures; its parts have the original's names. */
class Backbone extends Module {
  readonly tdnn: FirstLayer;
  readonly block1: DenseBlock;
  readonly transit1: Transit;
  readonly block2: DenseBlock;
  readonly transit2: Transit;
  readonly block3: DenseBlock;
  readonly transit3: Transit;
  readonly out_nonlinear: BatchNormRelu;
  readonly stats: StatisticsPooling;
  readonly dense: LastLayer;

  constructor(inChannels: number, options: Required<Omit<CamPlusPlusOptions, "inputSize">>) {
    super();
    const { channels: [, first, growth, bottleneck], blocks, embeddingDim, variant } = options;
    const dense = (i: number, from: number) =>
      new DenseBlock(from, { layers: blocks[i], growth, bottleneck, dilation: DILATIONS[i] });
    const half = ({ outChannels }: DenseBlock) => Math.floor(outChannels / 2);
    this.tdnn = new FirstLayer(inChannels, first);
    this.block1 = dense(0, first);
    this.transit1 = new Transit(this.block1.outChannels);
    this.block2 = dense(1, half(this.block1));
    this.transit2 = new Transit(this.block2.outChannels);
    this.block3 = dense(2, half(this.block2));
    this.transit3 = new Transit(this.block3.outChannels);
    const last = half(this.block3);
    this.out_nonlinear = new BatchNormRelu(last);
    this.stats = new StatisticsPooling(
      variant === "wespeaker" ? WESPEAKER_DEVIATION : { unbiased: true, floor: 1e-30 },
    );
    this.dense = new LastLayer(2 * last, embeddingDim);
  }

  /** (batch, channels, time) → (batch, embeddingDim); behind `lengths` x has to be 0. */
  forward(x: Tensor, lengths: Tensor | null): Tensor {
    const { tdnn, dense } = this, left = lengths === null ? null : halvedLength(lengths);
    let frames = tdnn.nonlinear.forward(tdnn.linear.forward(x), left);
    for (
      const [block, transit] of [
        [this.block1, this.transit1],
        [this.block2, this.transit2],
        [this.block3, this.transit3],
      ] as const
    ) {
      frames = transit.forward(block.forward(frames, left), left);
    }
    const pooled = this.stats.forward(this.out_nonlinear.forward(frames, left).transpose(1, 2), left);
    return dense.nonlinear.batchnorm.forward(dense.linear.forward(pooled.unsqueeze(2)).squeeze(2));
  }
}

/**
 * CAM++ (Wang et al. 2023, arXiv 2303.00332): convolutions on the picture of an utterance, three blocks of densely connected layers over time
 * whose channels are masked by context, mean and deviation over time, and a linear map to the embedding. Names, shapes and formula are those of
 * WeSpeaker's and 3D-Speaker's `CAMPPlus`, but for `shortcut` in `head`, which is `downsample` here. An utterance's embedding does not
 * depend on the padding behind it.
 */
export class CamPlusPlus extends Module implements SpeakerEncoder {
  /** Pictures. */
  readonly head: PictureHead;
  /** Layers over time, pooling, and the map to the embedding. */
  readonly xvector: Backbone;
  /** Length of the embedding. */
  readonly embeddingDim: number;

  /** A network with fresh weights. RangeError for sizes that make none, and for an unknown variant. */
  constructor(options: CamPlusPlusOptions = {}) {
    super();
    const { inputSize = 80, embeddingDim = 512, channels = [32, 128, 32, 128], blocks = [12, 24, 16] } = options;
    const { variant = "wespeaker" } = options;
    checkSizes({ channels, blocks, variant });
    this.head = new PictureHead(channels[0]);
    const bands = halvedLength(halvedLength(halvedLength(inputSize)));
    this.xvector = new Backbone(channels[0] * bands, { embeddingDim, channels, blocks, variant });
    this.embeddingDim = embeddingDim;
  }

  /** See {@linkcode SpeakerEncoder}. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    return this.xvector.forward(this.head.forward(x, lengths), lengths);
  }
}
