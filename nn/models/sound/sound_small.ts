/** A small residual network for sounds, for machines without a GPU. @module */
import type { Tensor } from "../../../tensor/mod.ts";
import { BatchNorm1d, BatchNorm2d } from "../../batch_norm.ts";
import type { Classifier, Head } from "../../classifier.ts";
import type { Conv2d } from "../../conv.ts";
import { Dropout } from "../../dropout.ts";
import { Module } from "../../module.ts";
import { Sequential } from "../../sequential.ts";
import { soundHead, type SoundModelOptions } from "./options.ts";
import { BasicBlock, convolution } from "../residual_blocks.ts";

/** Options of {@linkcode SoundSmall}. */
export interface SoundSmallOptions extends SoundModelOptions {
  /** Mel bands of a frame. Default 64. */
  bands?: number;
  /** Channels after the first convolution and after each block. Default [24, 32, 64, 128]. */
  widths?: readonly number[];
  /** Probability of dropout before the head. Default 0.2. */
  dropout?: number;
}

/**
 * A residual network of 0.3 million weights that trains on a few CPU cores. It normalises each band first; its first convolution leaves
 * every second band and every fourth frame, and each block halves both axes, so that the work is done on small pictures. Bands are
 * averaged; over time it takes the mean plus the maximum (Kong et al. 2020, arXiv 1912.10211), since a short sound in a long clip would
 * drown in the mean alone.
 */
export class SoundSmall extends Module implements Classifier {
  /** Of each band. */
  readonly bn0: BatchNorm1d;
  /** 5 bands × 7 frames, of which it leaves a half and a quarter. */
  readonly conv1: Conv2d;
  /** Follows `conv1`. */
  readonly bn1: BatchNorm2d;
  /** A block for each width but the first, each halving both axes. */
  readonly blocks: Sequential;
  /** Before the head. */
  readonly dropout: Dropout;
  /** See {@linkcode Classifier}. */
  readonly head: Head;

  /** A classifier with fresh weights. RangeError without widths. */
  constructor({ bands = 64, widths = [24, 32, 64, 128], dropout = 0.2, ...options }: SoundSmallOptions) {
    super();
    const [first, ...others] = widths;
    if (first === undefined) throw new RangeError("Cannot make a SoundSmall without widths: expected at least one");
    this.bn0 = new BatchNorm1d(bands);
    this.conv1 = convolution(1, first, { kernel: [5, 7], stride: [2, 4] });
    this.bn1 = new BatchNorm2d(first);
    this.blocks = new Sequential(...others.map((width, i) => new BasicBlock(widths[i], width, { stride: 2 })));
    this.dropout = new Dropout(dropout);
    this.head = soundHead(widths[widths.length - 1], options);
  }

  /** One vector for each clip, (batch, the last width), of `x` (batch, time, bands). */
  embed(x: Tensor): Tensor {
    const image = this.bn0.forward(x.transpose(1, 2)).unsqueeze(1);
    const stem = this.bn1.forward(this.conv1.forward(image)).relu();
    const course = this.blocks.forward(stem).mean(2); // (batch, channels, time)
    return this.dropout.forward(course.mean(2).add(course.amax(2)));
  }

  /** Scores before softmax, (batch, classes), of `x` (batch, time, bands). */
  forward(x: Tensor): Tensor {
    return this.head.forward(this.embed(x));
  }
}
