/** Blocks of residual networks (He et al. 2016, arXiv 1512.03385) under torchvision's names. @module */
import type { Tensor } from "../../tensor/mod.ts";
import { BatchNorm2d } from "../batch_norm.ts";
import { Conv2d } from "../conv.ts";
import { kaimingNormal } from "../init.ts";
import { type Layer, Module } from "../module.ts";

/** Along both axes, or along height and width. */
export type Stride = number | readonly [number, number];

/** A convolution without bias, its weight normal with He's deviation for the gradients' way back. */
export function convolution(
  inChannels: number,
  outChannels: number,
  { kernel, stride = 1 }: { kernel: number | readonly [number, number]; stride?: Stride },
): Conv2d {
  const padding = typeof kernel === "number" ? kernel >> 1 : [kernel[0] >> 1, kernel[1] >> 1] as const;
  const conv = new Conv2d(inChannels, outChannels, kernel, { stride, padding, bias: false });
  kaimingNormal(conv.weight, { mode: "fanOut", nonlinearity: "relu" });
  return conv;
}

/** What the input of a block passes on its way to the sum where the sizes differ: 1 × 1 and BatchNorm, named by their places. */
export class Downsample extends Module {
  /** 1 × 1 with the stride. */
  readonly 0: Conv2d;
  /** Follows it. */
  readonly 1: BatchNorm2d;

  /** From `inChannels` to `outChannels`. */
  constructor(inChannels: number, outChannels: number, stride: Stride) {
    super();
    this[0] = convolution(inChannels, outChannels, { kernel: 1, stride });
    this[1] = new BatchNorm2d(outChannels);
  }

  /** (batch, inChannels, height, width) → (batch, outChannels, height′, width′), of whose columns `lengths` count. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    return this[1].forward(this[0].forward(x), lengths);
  }
}

/** Nothing where sizes agree. */
function shortcut(inChannels: number, outChannels: number, stride: Stride): Downsample | null {
  return stride === 1 && inChannels === outChannels ? null : new Downsample(inChannels, outChannels, stride);
}

/** Two convolutions 3 × 3, the first with the stride, around a sum. */
export class BasicBlock extends Module implements Layer {
  /** 3 × 3 with the stride. */
  readonly conv1: Conv2d;
  /** Follows `conv1`. */
  readonly bn1: BatchNorm2d;
  /** 3 × 3. */
  readonly conv2: Conv2d;
  /** Follows `conv2`. */
  readonly bn2: BatchNorm2d;
  /** 1 × 1 and BatchNorm where the sizes differ. */
  readonly downsample: Downsample | null;

  /** From `inChannels` to `channels`. */
  constructor(inChannels: number, channels: number, { stride = 1 }: { stride?: Stride } = {}) {
    super();
    this.conv1 = convolution(inChannels, channels, { kernel: 3, stride });
    this.bn1 = new BatchNorm2d(channels);
    this.conv2 = convolution(channels, channels, { kernel: 3 });
    this.bn2 = new BatchNorm2d(channels);
    this.downsample = shortcut(inChannels, channels, stride);
  }

  /**
   * (batch, inChannels, height, width) → (batch, channels, height′, width′).
   *
   * @param lengths int32 (batch): columns of the result that are no padding. Those of x that are padding have to be 0, as the result's will be.
   */
  forward(x: Tensor, lengths: Tensor | null = null, _before: Tensor | null = lengths): Tensor {
    const inner = this.bn1.forward(this.conv1.forward(x), lengths).relu();
    const way = this.downsample === null ? x : this.downsample.forward(x, lengths);
    return this.bn2.forward(this.conv2.forward(inner), lengths).add(way).relu();
  }
}

/** 1 × 1 to narrow, 3 × 3 with the stride, 1 × 1 to widen four times, around a sum. */
export class Bottleneck extends Module implements Layer {
  /** 1 × 1. */
  readonly conv1: Conv2d;
  /** Follows `conv1`. */
  readonly bn1: BatchNorm2d;
  /** 3 × 3 with the stride. */
  readonly conv2: Conv2d;
  /** Follows `conv2`. */
  readonly bn2: BatchNorm2d;
  /** 1 × 1 to 4 · channels. */
  readonly conv3: Conv2d;
  /** Follows `conv3`. */
  readonly bn3: BatchNorm2d;
  /** 1 × 1 and BatchNorm where the sizes differ. */
  readonly downsample: Downsample | null;

  /** From `inChannels` to 4 · `channels`. */
  constructor(inChannels: number, channels: number, { stride = 1 }: { stride?: number } = {}) {
    super();
    this.conv1 = convolution(inChannels, channels, { kernel: 1 });
    this.bn1 = new BatchNorm2d(channels);
    this.conv2 = convolution(channels, channels, { kernel: 3, stride });
    this.bn2 = new BatchNorm2d(channels);
    this.conv3 = convolution(channels, 4 * channels, { kernel: 1 });
    this.bn3 = new BatchNorm2d(4 * channels);
    this.downsample = shortcut(inChannels, 4 * channels, stride);
  }

  /**
   * (batch, inChannels, height, width) → (batch, 4 · channels, height′, width′).
   *
   * @param lengths int32 (batch): columns of the result that are no padding, as {@linkcode BasicBlock.forward} takes them
   * @param before the same of x; default `lengths`
   */
  forward(x: Tensor, lengths: Tensor | null = null, before: Tensor | null = lengths): Tensor {
    const narrow = this.bn1.forward(this.conv1.forward(x), before).relu();
    const inner = this.bn2.forward(this.conv2.forward(narrow), lengths).relu();
    const way = this.downsample === null ? x : this.downsample.forward(x, lengths);
    return this.bn3.forward(this.conv3.forward(inner), lengths).add(way).relu();
  }
}
