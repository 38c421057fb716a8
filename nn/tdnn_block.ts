/** A layer of a time-delay network. @module */
import type { Tensor } from "../tensor/mod.ts";
import { Module } from "./module.ts";
import { NestedBatchNorm1d, SameConv1d, type SameConv1dOptions } from "./nested_layers.ts";

/** Options of {@linkcode TdnnBlock}. */
export interface TdnnBlockOptions extends SameConv1dOptions {
  /** Frames under the window; odd. Default 1. */
  kernelSize?: number;
  /** Between convolution and normalisation; "leaky-relu" has a slope of 0.01 below 0. Default "relu". */
  activation?: "relu" | "leaky-relu" | "none";
  /** Ends with batch normalisation. Default true. */
  norm?: boolean;
}

/** Convolution over time that keeps the frames, ReLU (or another activation), batch normalisation; named as SpeechBrain's `TDNNBlock`. */
export class TdnnBlock extends Module {
  /** See {@linkcode SameConv1d}. */
  readonly conv: SameConv1d;
  /** Comes last, if there is one. */
  readonly norm: NestedBatchNorm1d | null;
  readonly #activation: "relu" | "leaky-relu" | "none";

  /** From `inChannels` to `outChannels`. */
  constructor(inChannels: number, outChannels: number, options: TdnnBlockOptions = {}) {
    super();
    const { kernelSize = 1, activation = "relu", norm = true, ...conv } = options;
    this.conv = new SameConv1d(inChannels, outChannels, kernelSize, conv);
    this.norm = norm ? new NestedBatchNorm1d(outChannels) : null;
    this.#activation = activation;
  }

  /**
   * (batch, inChannels, time) → (batch, outChannels, time). Frames from `lengths`, int32 (batch), on are padding: no frame before sees them,
   * the statistics do not count them, and they come out as 0 (without normalisation as anything).
   */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    const fused = this.#activation === "relu" ? "relu" : "none";
    return this.#normalize(this.conv.forward(x, { lengths, activation: fused }), lengths);
  }

  /** Activation and normalisation alone, of what is the convolution's output. */
  finish(x: Tensor, lengths: Tensor | null = null): Tensor {
    return this.#normalize(this.#activation === "relu" ? x.relu() : x, lengths);
  }

  #normalize(x: Tensor, lengths: Tensor | null): Tensor {
    const active = this.#activation === "leaky-relu" ? x.leakyRelu(0.01) : x;
    return this.norm === null ? active : this.norm.forward(active, lengths);
  }
}
