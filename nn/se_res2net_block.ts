/** The block of ECAPA-TDNN. @module */
import type { Tensor } from "../tensor/mod.ts";
import { Module } from "./module.ts";
import { SameConv1d } from "./nested_layers.ts";
import { Res2NetBlock, type Res2NetBlockOptions } from "./res2net_block.ts";
import { SEBlock } from "./se_block.ts";
import { TdnnBlock } from "./tdnn_block.ts";

/** Options of {@linkcode SERes2NetBlock}. */
export interface SERes2NetBlockOptions extends Res2NetBlockOptions {
  /** Channels of the squeeze. Default 128. */
  seChannels?: number;
  /** Lets convolutions and batch normalisation read padding, as SpeechBrain does. Default false. */
  convolvePadding?: boolean;
}

/**
 * 1 × 1 convolution, {@linkcode Res2NetBlock}, 1 × 1 convolution, {@linkcode SEBlock}, around a sum (Desplanques et al. 2020, arXiv
 * 2005.07143). Named as SpeechBrain's `SERes2NetBlock`.
 */
export class SERes2NetBlock extends Module {
  /** 1 × 1 where the numbers of channels differ. */
  readonly shortcut: SameConv1d | null;
  /** 1 × 1. */
  readonly tdnn1: TdnnBlock;
  /** Looks around. */
  readonly res2net_block: Res2NetBlock;
  /** 1 × 1. */
  readonly tdnn2: TdnnBlock;
  /** Weighs channels. */
  readonly se_block: SEBlock;
  /** Whether convolutions and batch normalisation read padding. */
  readonly convolvePadding: boolean;

  /** From `inChannels` to `channels`; RangeError as {@linkcode Res2NetBlock}'s. */
  constructor(inChannels: number, channels: number, options: SERes2NetBlockOptions = {}) {
    super();
    const { seChannels = 128, convolvePadding = false } = options;
    const makeMap = (from: number, to: number) => new SameConv1d(from, to, 1);
    this.shortcut = inChannels === channels ? null : makeMap(inChannels, channels);
    this.tdnn1 = new TdnnBlock(inChannels, channels);
    this.res2net_block = new Res2NetBlock(channels, options);
    this.tdnn2 = new TdnnBlock(channels, channels);
    this.se_block = new SEBlock(channels, seChannels, { makeMap });
    this.convolvePadding = convolvePadding;
  }

  /** (batch, inChannels, time) → (batch, channels, time); `lengths` int32 (batch): frames of each utterance, the rest being padding. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    const seen = this.convolvePadding ? null : lengths;
    const inner = this.tdnn2.forward(this.res2net_block.forward(this.tdnn1.forward(x, seen), seen), seen);
    return this.se_block.forward(inner, lengths).add(this.shortcut === null ? x : this.shortcut.forward(x));
  }
}
