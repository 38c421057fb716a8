/** VGGish. @module */
import type { Tensor } from "../../../tensor/mod.ts";
import { ReLU } from "../../activations.ts";
import type { Classifier, Head } from "../../classifier.ts";
import { Conv2d } from "../../conv.ts";
import { Linear } from "../../linear.ts";
import { type Layer, Module } from "../../module.ts";
import { AdaptiveMaxPool2d, MaxPool2d } from "../../pool_layers.ts";
import { Sequential } from "../../sequential.ts";
import { asImage, soundHead, type SoundModelOptions } from "./options.ts";

/** Convolution 3 × 3 that keeps the size, and ReLU. */
function convolution(inChannels: number, outChannels: number): Layer[] {
  return [new Conv2d(inChannels, outChannels, 3, { padding: 1 }), new ReLU()];
}

/**
 * VGGish (Hershey et al. 2017, arXiv 1609.09430) for clips of any size from 8 bands and frames: its last pooling is the maximum over a grid
 * of 4 × 6. Names as torchvggish has them. 72 million weights, most of them in the linear layers.
 */
export class VGGish extends Module implements Classifier {
  /** Six convolutions. */
  readonly features: Sequential = new Sequential(
    ...convolution(1, 64),
    new MaxPool2d(2),
    ...convolution(64, 128),
    new MaxPool2d(2),
    ...convolution(128, 256),
    ...convolution(256, 256),
    new MaxPool2d(2),
    ...convolution(256, 512),
    ...convolution(512, 512),
    new AdaptiveMaxPool2d([4, 6]),
  );
  /** 4096, 4096 and the embedding of 128. */
  readonly embeddings: Sequential = new Sequential(
    new Linear(512 * 24, 4096),
    new ReLU(),
    new Linear(4096, 4096),
    new ReLU(),
    new Linear(4096, 128),
    new ReLU(),
  );
  /** See {@linkcode Classifier}. */
  readonly head: Head;

  /** A classifier with fresh weights. */
  constructor(options: SoundModelOptions) {
    super();
    this.head = soundHead(128, options);
  }

  /** One vector for each clip, (batch, 128), of `x` (batch, time, bands). */
  embed(x: Tensor): Tensor {
    return this.embeddings.forward(this.features.forward(asImage(x)).flatten(1));
  }

  /** Scores before softmax, (batch, classes), of `x` (batch, time, bands). */
  forward(x: Tensor): Tensor {
    return this.head.forward(this.embed(x));
  }
}
