/** What tells the encoder where a frame is. @module */
import { conv1d, copyIntoView, type Tensor } from "../../../tensor/mod.ts";
import { normal } from "../../init.ts";
import { Module } from "../../module.ts";
import { Parameter } from "../../parameter.ts";

/** Sizes of {@linkcode PositionalConvEmbedding}. */
export interface PositionalConvOptions {
  /** Frames under the window. */
  readonly kernelSize: number;
  /** Groups of channels that do not see each other. */
  readonly groups: number;
}

/** A convolution over time with the weight g · v / ‖v‖, the norm over all but time (Salimans and Kingma 2016, arXiv 1602.07868). */
class WeightNormConv extends Module {
  /** (dim). */
  readonly bias: Parameter;
  /** g, (1, 1, kernelSize): the length of each place of the window. */
  readonly weight_g: Parameter;
  /** v, (dim, dim / groups, kernelSize). */
  readonly weight_v: Parameter;

  constructor(dim: number, { kernelSize, groups }: PositionalConvOptions) {
    super();
    const std = 2 / Math.sqrt(kernelSize * dim);
    this.bias = new Parameter([dim]);
    this.weight_g = new Parameter([1, 1, kernelSize]);
    this.weight_v = normal(new Parameter([dim, dim / groups, kernelSize]), { std });
    copyIntoView(this.weight_g, this.weight_v.detach().norm([0, 1], { keepdim: true }));
  }

  /** The weight. */
  weight(): Tensor {
    return this.weight_v.mul(this.weight_g.div(this.weight_v.norm([0, 1], { keepdim: true })));
  }
}

/** A grouped convolution over many frames, then GELU: what is added to frames so that they know their place. */
export class PositionalConvEmbedding extends Module {
  /** Its weight is normalised. */
  readonly conv: WeightNormConv;
  readonly #options: PositionalConvOptions;

  /** Of `dim` channels. */
  constructor(dim: number, options: PositionalConvOptions) {
    super();
    this.conv = new WeightNormConv(dim, options);
    this.#options = options;
  }

  /** (batch, time, dim) → the same shape. */
  forward(x: Tensor): Tensor {
    const { kernelSize, groups } = this.#options, padding = kernelSize >> 1;
    const y = conv1d(x.transpose(1, 2), this.conv.weight(), this.conv.bias, { padding, groups });
    return y.slice(2, 0, x.shape[1]).gelu().transpose(1, 2); // an even window gives a frame too many
  }
}

/** Names of a checkpoint made by PyTorch 2's parametrisations under those that older ones, and this module, have. */
export function weightNormNames<T>(arrays: Readonly<Record<string, T>>): Record<string, T> {
  const spelling: Readonly<Record<string, string>> = { original0: "weight_g", original1: "weight_v" };
  const older = (name: string) =>
    name.replace(/(^|\.)parametrizations\.weight\.(original[01])$/, (_, dot, which) => dot + spelling[which]);
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [older(name), array]));
}
