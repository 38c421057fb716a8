/** A model that listens to samples, small enough for tests: a convolution, a norm over time, a mean, a head. @module */
import { parseFeatureSettings } from "../../data/features/mod.ts";
import { type Classifier, Conv1d, GroupNorm, Linear, MeanPooling, Module } from "../../nn/mod.ts";
import { manualSeed, type Tensor } from "../../tensor/mod.ts";
import type { LoadedModel } from "../../train/model_from_bytes.ts";

/** Options of {@linkcode Listener}. */
export interface ListenerOptions {
  readonly minFrames?: number;
  readonly mixesPadding?: boolean;
}

/** As WavLM's "group" variant its norm runs over all of a row, padding included. */
export class Listener extends Module implements Classifier {
  readonly conv = new Conv1d(1, 8, 10, { stride: 5 });
  readonly norm = new GroupNorm(8, 8);
  readonly pooling = new MeanPooling();
  readonly head = new Linear(8, 3);
  readonly minFrames: number;
  readonly mixesPadding: boolean;

  constructor({ minFrames = 400, mixesPadding = true }: ListenerOptions = {}) {
    super();
    [this.minFrames, this.mixesPadding] = [minFrames, mixesPadding];
  }

  embed(x: Tensor, lengths: Tensor | null = null): Tensor {
    if (x.shape[1] < this.minFrames) throw new Error(`it was given ${x.shape[1]} samples`);
    const frames = this.norm.forward(this.conv.forward(x.transpose(1, 2))).relu().transpose(1, 2);
    return this.pooling.forward(frames, lengths?.toFloat().sub(5).div(5).floor().toInt() ?? null);
  }

  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    return this.head.forward(this.embed(x, lengths));
  }
}

/** One that is loaded, on the current device. */
export function loadedListener(options: ListenerOptions = {}): LoadedModel {
  manualSeed(5);
  return {
    architecture: "transformer", // none of those that there are: nothing here asks
    options: {},
    channels: 1,
    viewing: { mode: "whole", frames: 48000, crops: 1, fixed: false },
    classes: ["a", "b", "c"],
    featureSettings: parseFeatureSettings("waveform"),
    step: 1,
    accuracy: null,
    id: "00",
    model: new Listener(options).eval(),
  };
}
