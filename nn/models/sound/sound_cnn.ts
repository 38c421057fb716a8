/** A network of four convolutions. @module */
import type { Tensor } from "../../../tensor/mod.ts";
import type { Classifier, Head } from "../../classifier.ts";
import { Conv2d } from "../../conv.ts";
import { Dropout } from "../../dropout.ts";
import { Linear } from "../../linear.ts";
import { Module } from "../../module.ts";
import { AdaptiveAvgPool2d, MaxPool2d } from "../../pool_layers.ts";
import { asImage, soundHead, type SoundModelOptions } from "./options.ts";

/** Options of {@linkcode SoundCnn}. */
export interface SoundCnnOptions extends SoundModelOptions {
  /** Channels of the four convolutions. Default [32, 64, 128, 256]. */
  channels?: readonly number[];
  /** Length of the embedding. Default 128. */
  embeddingDim?: number;
}

/** Side of the grid that the last pictures are averaged over. */
const GRID = 8;

/**
 * Four convolutions 3 × 3 without padding (1-32-64, halved, 128-256, halved), the mean over an 8 × 8 grid, two linear layers; dropout
 * 0.25 and 0.5. The example network for MNIST (github.com/pytorch/examples) with two more convolutions, as sound-clf-pytorch has it, whose
 * names the weights carry. Takes clips of any size from 16 bands and frames; 2 million weights.
 */
export class SoundCnn extends Module implements Classifier {
  /** 3 × 3, from one channel. */
  readonly conv1: Conv2d;
  /** 3 × 3. */
  readonly conv2: Conv2d;
  /** 3 × 3. */
  readonly conv3: Conv2d;
  /** 3 × 3. */
  readonly conv4: Conv2d;
  /** After each pair of convolutions. */
  readonly dropout1: Dropout = new Dropout(0.25);
  /** Before the head. */
  readonly dropout2: Dropout = new Dropout(0.5);
  /** Halves both axes. */
  readonly halving: MaxPool2d = new MaxPool2d(2);
  /** To 8 × 8. */
  readonly pooling: AdaptiveAvgPool2d = new AdaptiveAvgPool2d(GRID);
  /** To the embedding. */
  readonly fc1: Linear;
  /** To the classes. */
  readonly fc2: Head;

  /** A classifier with fresh weights. RangeError unless there are four numbers of channels. */
  constructor({ channels = [32, 64, 128, 256], embeddingDim = 128, ...options }: SoundCnnOptions) {
    super();
    if (channels.length !== 4) {
      throw new RangeError(`Cannot make a SoundCnn of channels [${channels}]: expected 4, one for each convolution`);
    }
    const [first, second, third, last] = channels;
    this.conv1 = new Conv2d(1, first, 3);
    this.conv2 = new Conv2d(first, second, 3);
    this.conv3 = new Conv2d(second, third, 3);
    this.conv4 = new Conv2d(third, last, 3);
    this.fc1 = new Linear(last * GRID * GRID, embeddingDim);
    this.fc2 = soundHead(embeddingDim, options);
  }

  /** See {@linkcode Classifier}: `fc2`. */
  get head(): Head {
    return this.fc2;
  }

  /** One vector for each clip, (batch, embeddingDim), of `x` (batch, time, bands). */
  embed(x: Tensor): Tensor {
    let image = this.conv1.forward(asImage(x), { activation: "relu" });
    image = this.conv2.forward(image, { activation: "relu" });
    image = this.dropout1.forward(this.halving.forward(image));
    image = this.conv3.forward(image, { activation: "relu" });
    image = this.conv4.forward(image, { activation: "relu" });
    image = this.dropout1.forward(this.halving.forward(image));
    const flat = this.pooling.forward(image).flatten(1);
    return this.dropout2.forward(this.fc1.forward(flat, { activation: "relu" }));
  }

  /** Scores before softmax, (batch, classes), of `x` (batch, time, bands). */
  forward(x: Tensor): Tensor {
    return this.head.forward(this.embed(x));
  }
}
