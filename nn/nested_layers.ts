/** Layers that hold another one under the name that SpeechBrain gives it, so that its weights load by name. @module */
import type { Tensor } from "../tensor/mod.ts";
import { BatchNorm1d } from "./batch_norm.ts";
import { Conv1d, type ConvForwardOptions } from "./conv.ts";
import { lengthMask } from "./length_mask.ts";
import { Module } from "./module.ts";
import { reflectFrames } from "./reflect_frames.ts";

/** What a convolution sees beyond the ends of an utterance: its mirror image, or zeros. */
export type FramePadding = "reflect" | "zeros";

/** Options of {@linkcode SameConv1d}. */
export interface SameConv1dOptions {
  /** Default "reflect". */
  padding?: FramePadding;
  /** Distance of the window's frames. Default 1. */
  dilation?: number;
  /** Channels fall into so many groups that do not see each other. Default 1. */
  groups?: number;
}

/** Options of the forward pass of {@linkcode SameConv1d}. */
export interface SameConv1dForwardOptions extends ConvForwardOptions {
  /** int32 (batch): frames of each utterance, the rest being padding. Default null: all are. */
  lengths?: Tensor | null;
}

/** A convolution over time that keeps the number of frames: utterances are continued by their mirror images, or by zeros. Its weight is `conv.weight`. */
export class SameConv1d extends Module {
  /** Does not pad. */
  readonly conv: Conv1d;
  readonly #width: number;
  readonly #padding: FramePadding;

  /**
   * A convolution with fresh weights.
   *
   * @throws RangeError for an even kernel, which has no middle; else as {@linkcode Conv1d}.
   */
  constructor(inChannels: number, outChannels: number, kernelSize: number, options: SameConv1dOptions = {}) {
    super();
    const { padding = "reflect", ...rest } = options;
    if (kernelSize % 2 === 0) {
      throw new RangeError(`Cannot centre a kernel of ${kernelSize} frames: expected an odd number, such as 3`);
    }
    this.#width = (options.dilation ?? 1) * (kernelSize - 1) / 2;
    this.#padding = padding;
    const zeros = padding === "zeros" ? this.#width : 0;
    this.conv = new Conv1d(inChannels, outChannels, kernelSize, { ...rest, padding: zeros });
  }

  /** (batch, inChannels, time) → (batch, outChannels, time). Frames before an utterance's end see nothing of the padding behind it. */
  forward(x: Tensor, { lengths = null, activation }: SameConv1dForwardOptions = {}): Tensor {
    if (this.#padding === "reflect") return this.conv.forward(reflectFrames(x, this.#width, lengths), { activation });
    const hides = lengths !== null && this.#width > 0;
    const clean = hides ? x.maskedFill(lengthMask(lengths, x.shape[2]).unsqueeze(1), 0) : x;
    return this.conv.forward(clean, { activation });
  }
}

/** Batch normalisation whose weight is `norm.weight`. */
export class NestedBatchNorm1d extends Module {
  /** Does the work. */
  readonly norm: BatchNorm1d;

  /** Of so many channels. */
  constructor(channels: number) {
    super();
    this.norm = new BatchNorm1d(channels);
  }

  /** See {@linkcode BatchNorm1d}. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    return this.norm.forward(x, lengths);
  }
}
