/** Channels weighed by what the whole utterance says about them. @module */
import type { Tensor } from "../tensor/mod.ts";
import { Conv1d } from "./conv.ts";
import { lengthMask } from "./length_mask.ts";
import { Module } from "./module.ts";
import type { SameConv1d } from "./nested_layers.ts";

/** Options of {@linkcode SEBlock}. */
export interface SEBlockOptions {
  /** A convolution of single frames from so many channels to so many. Default a {@linkcode Conv1d}. */
  makeMap?: (inChannels: number, outChannels: number) => Conv1d | SameConv1d;
}

const pointwise = (inChannels: number, outChannels: number) => new Conv1d(inChannels, outChannels, 1);

/**
 * Squeeze and excitation (Hu et al. 2018, arXiv 1709.01507): x times sigmoid(W₂·relu(W₁·mean of x over time)), for each channel of
 * (batch, channels, time).
 */
export class SEBlock extends Module {
  /** W₁, to the bottleneck. */
  readonly conv1: Conv1d | SameConv1d;
  /** W₂, back. */
  readonly conv2: Conv1d | SameConv1d;

  /** Of `channels`, through `bottleneck` channels. `makeMap` makes W₁ and W₂ under other names than a {@linkcode Conv1d}'s. */
  constructor(channels: number, bottleneck: number, { makeMap = pointwise }: SEBlockOptions = {}) {
    super();
    this.conv1 = makeMap(channels, bottleneck);
    this.conv2 = makeMap(bottleneck, channels);
  }

  /** (batch, channels, time) → the same shape; frames from `lengths`, int32 (batch), on take no part in the mean. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    const hidden = this.conv1.forward(average(x, lengths), { activation: "relu" });
    return x.mul(this.conv2.forward(hidden).sigmoid());
  }
}

/** The mean over true frames, (batch, channels, 1). */
function average(x: Tensor, lengths: Tensor | null): Tensor {
  if (lengths === null) return x.mean(2, { keepdim: true });
  const seen = x.maskedFill(lengthMask(lengths, x.shape[2]).unsqueeze(1), 0);
  return seen.sum(2, { keepdim: true }).div(lengths.toFloat().clamp(1).reshape([-1, 1, 1]));
}
