/** A residual network as encoder of speakers. @module */
import type { Tensor } from "../../tensor/mod.ts";
import { BatchNorm2d } from "../batch_norm.ts";
import type { Conv2d } from "../conv.ts";
import { lengthMask } from "../length_mask.ts";
import { Linear } from "../linear.ts";
import { Module } from "../module.ts";
import { ModuleList } from "../module_list.ts";
import type { SpeakerEncoder } from "../speaker_encoder.ts";
import { StatisticsPooling } from "../statistics_pooling.ts";
import { BasicBlock, convolution } from "./residual_blocks.ts";

/** Options of {@linkcode SpeakerResNet}. */
export interface SpeakerResNetOptions {
  /** Values of a frame. Default 80. */
  inputSize?: number;
  /** Length of the embedding. Default 256. */
  embeddingDim?: number;
  /** Channels of the four stages. Default [32, 64, 128, 256]. */
  channels?: readonly number[];
}

/** Blocks of the four stages: 34 layers. */
const BLOCKS = [3, 4, 6, 3];

/** What a convolution of stride 2 leaves of so many places. */
function halved(size: number): number;
function halved(size: Tensor): Tensor;
function halved(size: number | Tensor): number | Tensor {
  return typeof size === "number" ? Math.ceil(size / 2) : size.add(1).div(2).floor().toInt();
}

/**
 * ResNet34 on the picture of an utterance (He et al. 2016, arXiv 1512.03385), narrow as in the recipes of WeSpeaker (Wang et al. 2022,
 * arXiv 2210.17016): no halving before the first stage, mean and deviation over time of every channel and band, and a linear map
 * to the embedding. An utterance's embedding does not depend on the padding behind it.
 */
export class SpeakerResNet extends Module implements SpeakerEncoder {
  /** 3 × 3. */
  readonly conv1: Conv2d;
  /** Follows `conv1`. */
  readonly bn1: BatchNorm2d;
  /** Blocks of the first number of channels. */
  readonly layer1: ModuleList<BasicBlock>;
  /** Blocks at half the size. */
  readonly layer2: ModuleList<BasicBlock>;
  /** Blocks at half the size. */
  readonly layer3: ModuleList<BasicBlock>;
  /** Blocks at half the size. */
  readonly layer4: ModuleList<BasicBlock>;
  /** From frames to one vector. */
  readonly pooling: StatisticsPooling = new StatisticsPooling();
  /** To the embedding. */
  readonly fc: Linear;
  /** Length of the embedding. */
  readonly embeddingDim: number;

  /** A network with fresh weights. RangeError for another number of stages than four. */
  constructor({ inputSize = 80, embeddingDim = 256, channels = [32, 64, 128, 256] }: SpeakerResNetOptions = {}) {
    super();
    if (channels.length !== BLOCKS.length) {
      throw new RangeError(
        `Cannot make a SpeakerResNet of channels [${
          channels.join(", ")
        }]: expected ${BLOCKS.length}, one for each stage`,
      );
    }
    const stage = (i: number) => {
      const first = new BasicBlock(channels[Math.max(0, i - 1)], channels[i], { stride: i === 0 ? 1 : 2 });
      const more = Array.from({ length: BLOCKS[i] - 1 }, () => new BasicBlock(channels[i], channels[i]));
      return new ModuleList([first, ...more]);
    };
    const bands = halved(halved(halved(inputSize)));
    this.conv1 = convolution(1, channels[0], { kernel: 3 });
    this.bn1 = new BatchNorm2d(channels[0]);
    [this.layer1, this.layer2, this.layer3, this.layer4] = BLOCKS.map((_, i) => stage(i));
    this.fc = new Linear(2 * channels[3] * bands, embeddingDim);
    this.embeddingDim = embeddingDim;
  }

  /** See {@linkcode SpeakerEncoder}. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    const clean = lengths === null ? x : x.maskedFill(lengthMask(lengths, x.shape[1]).unsqueeze(-1), 0);
    const image = clean.transpose(1, 2).unsqueeze(1); // (batch, 1, bands, time)
    let [picture, left] = [this.bn1.forward(this.conv1.forward(image), lengths).relu(), lengths];
    for (const stage of [this.layer1, this.layer2, this.layer3, this.layer4]) {
      if (stage !== this.layer1 && left !== null) left = halved(left);
      for (const block of stage) picture = block.forward(picture, left);
    }
    return this.fc.forward(this.pooling.forward(picture.flatten(1, 2).transpose(1, 2), left));
  }
}
