/** Layers of CAM++ of which each sees the outputs of all before it. @module */
import { cat, type Tensor } from "../../../tensor/mod.ts";
import type { Conv1d } from "../../conv.ts";
import { Module } from "../../module.ts";
import { BatchNormRelu } from "./batch_norm_relu.ts";
import { ContextMask, timeConv } from "./context_mask.ts";

/** Sizes of a {@linkcode DenseBlock}. */
export interface DenseBlockOptions {
  /** Layers. */
  layers: number;
  /** Channels that each of them adds. */
  growth: number;
  /** Channels inside each of them. */
  bottleneck: number;
  /** Distance of the frames that they look at. */
  dilation: number;
}

/** Normalisation and 1 × 1 to the bottleneck, normalisation and {@linkcode ContextMask} to what is added. */
class DenseLayer extends Module {
  /** Of all channels so far. */
  readonly nonlinear1: BatchNormRelu;
  /** To the bottleneck. */
  readonly linear1: Conv1d;
  /** Of the bottleneck. */
  readonly nonlinear2: BatchNormRelu;
  /** To what is added. */
  readonly cam_layer: ContextMask;

  constructor(inChannels: number, { growth, bottleneck, dilation }: DenseBlockOptions) {
    super();
    this.nonlinear1 = new BatchNormRelu(inChannels);
    this.linear1 = timeConv(inChannels, bottleneck);
    this.nonlinear2 = new BatchNormRelu(bottleneck);
    this.cam_layer = new ContextMask(bottleneck, growth, dilation);
  }

  forward(x: Tensor, lengths: Tensor | null): Tensor {
    const narrow = this.linear1.forward(this.nonlinear1.forward(x, lengths));
    return this.cam_layer.forward(this.nonlinear2.forward(narrow, lengths), lengths);
  }
}

/** A densely connected block: the output of each layer joins its input (Huang et al. 2017, arXiv 1608.06993). */
export class DenseBlock extends Module {
  /** The layers `tdnnd1`, `tdnnd2`, … in order. */
  readonly [name: `tdnnd${number}`]: DenseLayer;
  readonly #layers: readonly DenseLayer[];
  /** Channels that come out. */
  readonly outChannels: number;

  /** Takes `inChannels`. */
  constructor(inChannels: number, options: DenseBlockOptions) {
    super();
    const { layers, growth } = options;
    this.#layers = Array.from({ length: layers }, (_, i) => new DenseLayer(inChannels + i * growth, options));
    Object.assign(this, Object.fromEntries(this.#layers.map((layer, i) => [`tdnnd${i + 1}`, layer])));
    this.outChannels = inChannels + layers * growth;
  }

  /** (batch, inChannels, time) → (batch, outChannels, time); what is behind `lengths` may be anything, before and after. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    return this.#layers.reduce((all, layer) => cat([all, layer.forward(all, lengths)], 1), x);
  }
}

/** Normalisation, and 1 × 1 to half the channels, as follows each block. */
export class Transit extends Module {
  /** Comes first. */
  readonly nonlinear: BatchNormRelu;
  /** To half the channels. */
  readonly linear: Conv1d;

  /** Takes `inChannels`. */
  constructor(inChannels: number) {
    super();
    this.nonlinear = new BatchNormRelu(inChannels);
    this.linear = timeConv(inChannels, Math.floor(inChannels / 2));
  }

  /** (batch, inChannels, time) → (batch, half of them, time). */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    return this.linear.forward(this.nonlinear.forward(x, lengths));
  }
}
