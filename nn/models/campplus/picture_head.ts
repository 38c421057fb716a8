/** The convolutions on the picture of an utterance with which CAM++ begins. @module */
import type { Tensor } from "../../../tensor/mod.ts";
import { BatchNorm2d } from "../../batch_norm.ts";
import type { Conv2d } from "../../conv.ts";
import { lengthMask } from "../../length_mask.ts";
import { Module } from "../../module.ts";
import { ModuleList } from "../../module_list.ts";
import { BasicBlock, convolution } from "../residual_blocks.ts";

/** Strides along bands and time: frames stay as many. */
const HALF_BANDS = [2, 1] as const;

/** A convolution, four residual blocks and a convolution, which leave an eighth of the bands and all frames. */
export class PictureHead extends Module {
  /** 3 × 3. */
  readonly conv1: Conv2d;
  /** Follows `conv1`. */
  readonly bn1: BatchNorm2d;
  /** Two blocks, the first of which halves the bands. */
  readonly layer1: ModuleList<BasicBlock>;
  /** Two blocks, the first of which halves the bands. */
  readonly layer2: ModuleList<BasicBlock>;
  /** 3 × 3, halves the bands. */
  readonly conv2: Conv2d;
  /** Follows `conv2`. */
  readonly bn2: BatchNorm2d;

  /** Of so many channels. */
  constructor(channels: number) {
    super();
    const stage = () =>
      new ModuleList([new BasicBlock(channels, channels, { stride: HALF_BANDS }), new BasicBlock(channels, channels)]);
    this.conv1 = convolution(1, channels, { kernel: 3 });
    this.bn1 = new BatchNorm2d(channels);
    this.layer1 = stage();
    this.layer2 = stage();
    this.conv2 = convolution(channels, channels, { kernel: 3, stride: HALF_BANDS });
    this.bn2 = new BatchNorm2d(channels);
  }

  /** (batch, time, bands) → (batch, channels · bands / 8, time); `lengths` int32 (batch): frames of each utterance, the rest comes out as 0. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    const clean = lengths === null ? x : x.maskedFill(lengthMask(lengths, x.shape[1]).unsqueeze(-1), 0);
    const image = clean.transpose(1, 2).unsqueeze(1); // (batch, 1, bands, time)
    let picture = this.bn1.forward(this.conv1.forward(image), lengths).relu();
    for (const block of [...this.layer1, ...this.layer2]) picture = block.forward(picture, lengths);
    return this.bn2.forward(this.conv2.forward(picture), lengths).relu().flatten(1, 2);
  }
}
