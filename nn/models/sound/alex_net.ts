/** AlexNet on spectrograms. @module */
import type { Tensor } from "../../../tensor/mod.ts";
import { ReLU } from "../../activations.ts";
import { BatchNorm2d } from "../../batch_norm.ts";
import type { Classifier, Head } from "../../classifier.ts";
import { Conv2d, type Conv2dModuleOptions } from "../../conv.ts";
import { Dropout } from "../../dropout.ts";
import { Linear } from "../../linear.ts";
import { type Layer, Module } from "../../module.ts";
import { AdaptiveAvgPool2d, MaxPool2d } from "../../pool_layers.ts";
import { Sequential } from "../../sequential.ts";
import { asImage, soundHead, type SoundModelOptions } from "./options.ts";

/** Convolution, BatchNorm, ReLU. */
function stage(inChannels: number, outChannels: number, kernel: number, options: Conv2dModuleOptions): Layer[] {
  return [new Conv2d(inChannels, outChannels, kernel, options), new BatchNorm2d(outChannels), new ReLU()];
}

const halving = (): MaxPool2d => new MaxPool2d(3, { stride: 2 });

/**
 * AlexNet (Krizhevsky et al. 2012; torchvision's widths and names) with one input channel, steps of 1 band and 2 frames in its first
 * convolution of 11 × 11, BatchNorm after every convolution, and a grid of 4 × 6 before the linear layers. 44 million weights.
 */
export class AlexNet extends Module implements Classifier {
  /** Five convolutions. */
  readonly features: Sequential = new Sequential(
    ...stage(1, 64, 11, { stride: [1, 2], padding: 2 }),
    halving(),
    ...stage(64, 192, 5, { padding: 2 }),
    halving(),
    ...stage(192, 384, 3, { padding: 1 }),
    ...stage(384, 256, 3, { padding: 1 }),
    ...stage(256, 256, 3, { padding: 1 }),
    halving(),
  );
  /** To 4 × 6. */
  readonly avgpool: AdaptiveAvgPool2d = new AdaptiveAvgPool2d([4, 6]);
  /** Dropout, linear, ReLU, dropout, linear, ReLU, and the head. */
  readonly classifier: Sequential;
  readonly #hidden: readonly Layer[];
  readonly #head: Head;

  /** A classifier with fresh weights. */
  constructor(options: SoundModelOptions) {
    super();
    const first = [new Dropout(), new Linear(256 * 24, 4096), new ReLU()];
    this.#hidden = [...first, new Dropout(), new Linear(4096, 4096), new ReLU()];
    this.#head = soundHead(4096, options);
    this.classifier = new Sequential(...this.#hidden, this.#head);
  }

  /** See {@linkcode Classifier}: `classifier.6`. */
  get head(): Head {
    return this.#head;
  }

  /** One vector for each clip, (batch, 4096), of `x` (batch, time, bands). */
  embed(x: Tensor): Tensor {
    const flat = this.avgpool.forward(this.features.forward(asImage(x))).flatten(1);
    return this.#hidden.reduce((value, layer) => layer.forward(value), flat);
  }

  /** Scores before softmax, (batch, classes), of `x` (batch, time, bands). */
  forward(x: Tensor): Tensor {
    return this.head.forward(this.embed(x));
  }
}
