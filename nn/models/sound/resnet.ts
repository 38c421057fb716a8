/** Residual networks on spectrograms. @module */
import type { Tensor } from "../../../tensor/mod.ts";
import { BatchNorm2d } from "../../batch_norm.ts";
import type { Classifier, Head } from "../../classifier.ts";
import type { Conv2d } from "../../conv.ts";
import { Module } from "../../module.ts";
import { AdaptiveAvgPool2d, MaxPool2d } from "../../pool_layers.ts";
import { Sequential } from "../../sequential.ts";
import { asImage, soundHead, type SoundModelOptions } from "./options.ts";
import { BasicBlock, Bottleneck, convolution } from "../residual_blocks.ts";

/** Layers of a residual network. */
export type ResNetDepth = 18 | 34 | 50 | 101 | 152;

/** Options of {@linkcode ResNetish}. */
export interface ResNetishOptions extends SoundModelOptions {
  /** Layers. Default 18. */
  depth?: ResNetDepth;
  /** Channels after the first convolution, which each later stage doubles. Default 64. */
  width?: number;
}

/** Options of {@linkcode ResNet}. */
export interface ResNetOptions extends ResNetishOptions {
  /** Channels of a picture; a spectrogram is given as each of them. Default 3. */
  inChannels?: number;
}

/** Blocks of the four stages, and channels that leave a block for one that it has inside. */
const depths = {
  18: { Block: BasicBlock, blocks: [2, 2, 2, 2], expansion: 1 },
  34: { Block: BasicBlock, blocks: [3, 4, 6, 3], expansion: 1 },
  50: { Block: Bottleneck, blocks: [3, 4, 6, 3], expansion: 4 },
  101: { Block: Bottleneck, blocks: [3, 4, 23, 3], expansion: 4 },
  152: { Block: Bottleneck, blocks: [3, 8, 36, 3], expansion: 4 },
} as const;

/** Where the two networks differ. */
interface Form {
  readonly inChannels: number;
  readonly stemStride: number;
  /** Height and width of the grid over which the last pictures are averaged. */
  readonly grid: readonly [number, number];
}

/** What both networks do. */
abstract class ResidualNetwork extends Module implements Classifier {
  /** 7 × 7. */
  readonly conv1: Conv2d;
  /** Follows `conv1`. */
  readonly bn1: BatchNorm2d;
  /** Halves both axes. */
  readonly maxpool: MaxPool2d = new MaxPool2d(3, { stride: 2, padding: 1 });
  /** Blocks of the first width. */
  readonly layer1: Sequential;
  /** Blocks of twice the width at half the size. */
  readonly layer2: Sequential;
  /** Blocks of twice the width at half the size. */
  readonly layer3: Sequential;
  /** Blocks of twice the width at half the size. */
  readonly layer4: Sequential;
  /** The mean over a grid. */
  readonly avgpool: AdaptiveAvgPool2d;
  /** To the classes. */
  readonly fc: Head;
  readonly #inChannels: number;

  constructor({ depth = 18, width = 64, ...options }: ResNetishOptions, { inChannels, stemStride, grid }: Form) {
    super();
    if (!(depth in depths)) {
      throw new RangeError(
        `Cannot make a residual network of ${depth} layers: known are ${Object.keys(depths).join(", ")}`,
      );
    }
    const { Block, blocks, expansion } = depths[depth];
    this.#inChannels = inChannels;
    this.conv1 = convolution(inChannels, width, { kernel: 7, stride: stemStride });
    this.bn1 = new BatchNorm2d(width);
    const stages = blocks.map((count, i) => {
      const channels = width * 2 ** i, from = i === 0 ? width : expansion * channels / 2;
      const more = Array.from({ length: count - 1 }, () => new Block(expansion * channels, channels));
      return new Sequential(new Block(from, channels, { stride: i === 0 ? 1 : 2 }), ...more);
    });
    [this.layer1, this.layer2, this.layer3, this.layer4] = stages;
    this.avgpool = new AdaptiveAvgPool2d(grid);
    this.fc = soundHead(8 * width * expansion * grid[0] * grid[1], options);
  }

  /** See {@linkcode Classifier}: `fc`. */
  get head(): Head {
    return this.fc;
  }

  /** One vector for each picture (batch, inChannels, height, width). */
  embedImage(image: Tensor): Tensor {
    const stem = this.maxpool.forward(this.bn1.forward(this.conv1.forward(image)).relu());
    const stages = [this.layer1, this.layer2, this.layer3, this.layer4];
    return this.avgpool.forward(stages.reduce((value, stage) => stage.forward(value), stem)).flatten(1);
  }

  /** One vector for each clip of `x` (batch, time, bands). */
  embed(x: Tensor): Tensor {
    const image = asImage(x), [batch, _, bands, time] = image.shape;
    return this.embedImage(image.expand([batch, this.#inChannels, bands, time]));
  }

  /** Scores before softmax, (batch, classes), of `x` (batch, time, bands). */
  forward(x: Tensor): Tensor {
    return this.head.forward(this.embed(x));
  }
}

/**
 * ResNet 18 to 152 (He et al. 2016, arXiv 1512.03385) exactly as torchvision has it, so that its state dicts load. Its embedding is the
 * mean over the last pictures, 512 or 2048 numbers at the usual width.
 */
export class ResNet extends ResidualNetwork {
  /** A classifier with fresh weights. RangeError for another depth. */
  constructor({ inChannels = 3, ...options }: ResNetOptions) {
    super(options, { inChannels, stemStride: 2, grid: [1, 1] });
  }
}

/**
 * ResNet for sounds, as sound-clf-pytorch has it after Hershey et al. 2017 (arXiv 1609.09430): one input channel, no stride in the first
 * convolution, and the mean over a grid of 4 bands by 6 times, so that the head sees where something was. 11 million weights with depth 18.
 */
export class ResNetish extends ResidualNetwork {
  /** A classifier with fresh weights. RangeError for another depth. */
  constructor(options: ResNetishOptions) {
    super(options, { inChannels: 1, stemStride: 1, grid: [4, 6] });
  }
}
