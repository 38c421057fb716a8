/** A layer of a time-delay network. @module */
import type { Tensor } from "../tensor/mod.ts";
import { Module } from "./module.ts";
import { NestedBatchNorm1d, SameConv1d, type SameConv1dOptions } from "./nested_layers.ts";

/** Options of {@linkcode TdnnBlock}. */
export interface TdnnBlockOptions extends SameConv1dOptions {
  /** Frames under the window; odd. Default 1. */
  kernelSize?: number;
}

/** Convolution over time that keeps the frames, ReLU, batch normalisation; named as SpeechBrain's `TDNNBlock`. */
export class TdnnBlock extends Module {
  /** See {@linkcode SameConv1d}. */
  readonly conv: SameConv1d;
  /** Comes last. */
  readonly norm: NestedBatchNorm1d;

  /** From `inChannels` to `outChannels`. */
  constructor(inChannels: number, outChannels: number, { kernelSize = 1, ...options }: TdnnBlockOptions = {}) {
    super();
    this.conv = new SameConv1d(inChannels, outChannels, kernelSize, options);
    this.norm = new NestedBatchNorm1d(outChannels);
  }

  /**
   * (batch, inChannels, time) → (batch, outChannels, time). Frames from `lengths`, int32 (batch), on are padding: no frame before sees them,
   * the statistics do not count them, and they come out as 0.
   */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    return this.norm.forward(this.conv.forward(x, { lengths, activation: "relu" }), lengths);
  }
}
