/** Convolutions with weights. @module */
import {
  conv1d,
  type Conv1dOptions,
  conv2d,
  type Conv2dOptions,
  convTranspose1d,
  type ConvTranspose1dOptions,
  type Shape,
  type Tensor,
} from "../tensor/mod.ts";
import { show } from "../tensor/shape.ts";
import { uniform } from "./init.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

/** Adds a bias to a layer's options. */
export interface BiasOption {
  /** Adds a number for each output channel. Default true. */
  bias?: boolean;
}

/** Options of {@linkcode Conv1d}. */
export type Conv1dModuleOptions = Omit<Conv1dOptions, "activation"> & BiasOption;
/** Options of {@linkcode Conv2d}. */
export type Conv2dModuleOptions = Omit<Conv2dOptions, "activation"> & BiasOption;
/** Options of {@linkcode ConvTranspose1d}. */
export type ConvTranspose1dModuleOptions = ConvTranspose1dOptions & BiasOption;

/** Options of the forward pass of {@linkcode Conv1d} and {@linkcode Conv2d}. */
export interface ConvForwardOptions {
  /** Applied to the result in the same kernel. Default "none". */
  activation?: "none" | "relu";
}

/** A weight uniform in ±1 / √fanIn, and a bias likewise: what PyTorch's kaimingUniform with a = √5 comes to. */
function initial(
  layer: string,
  shape: Shape,
  { outChannels, bias }: { outChannels: number; bias: boolean },
): { weight: Parameter; bias: Parameter | null } {
  if (!shape.every((n) => Number.isInteger(n) && n >= 1)) {
    throw new RangeError(`Cannot make a ${layer} with weight ${show(shape)}: expected whole numbers from 1`);
  }
  const bound = 1 / Math.sqrt(shape.slice(1).reduce((a, b) => a * b, 1));
  const draw = (size: Shape) => uniform(new Parameter(size), { low: -bound, high: bound });
  return { weight: draw(shape), bias: bias ? draw([outChannels]) : null };
}

/** Channels of one group. TypeError where they do not divide. */
function perGroup(layer: string, channels: number, groups: number): number {
  if (groups >= 1 && channels % groups === 0) return channels / groups;
  throw new TypeError(`Cannot make a ${layer}: ${channels} channels are not divisible by ${groups} groups`);
}

/**
 * Convolution over time: (batch, inChannels, time) → (batch, outChannels, time′). Options and sizes as {@linkcode conv1d}'s. Weight and
 * bias start uniform in ±1 / √(inChannels / groups · kernelSize).
 */
export class Conv1d extends Module {
  /** (outChannels, inChannels / groups, kernelSize). */
  readonly weight: Parameter;
  /** (outChannels), or null without one. */
  readonly bias: Parameter | null;
  readonly #options: Conv1dOptions;

  /** TypeError if `groups` does not divide both numbers of channels; RangeError for a size below 1. */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number,
    { bias = true, ...options }: Conv1dModuleOptions = {},
  ) {
    super();
    const { groups = 1 } = options;
    perGroup("Conv1d", outChannels, groups);
    const parts = initial("Conv1d", [outChannels, perGroup("Conv1d", inChannels, groups), kernelSize], {
      outChannels,
      bias,
    });
    this.weight = parts.weight;
    this.bias = parts.bias;
    this.#options = options;
  }

  /** The convolution of `x`. */
  forward(x: Tensor, { activation }: ConvForwardOptions = {}): Tensor {
    return conv1d(x, this.weight, this.bias, { ...this.#options, activation });
  }
}

/**
 * Convolution over images: (batch, inChannels, height, width) → (batch, outChannels, height′, width′). Options and sizes as
 * {@linkcode conv2d}'s. Weight and bias start uniform in ±1 / √(inChannels / groups · kernel height · kernel width).
 */
export class Conv2d extends Module {
  /** (outChannels, inChannels / groups, kernel height, kernel width). */
  readonly weight: Parameter;
  /** (outChannels), or null without one. */
  readonly bias: Parameter | null;
  readonly #options: Conv2dOptions;

  /** `kernelSize`: one number, or height and width. TypeError if `groups` does not divide both numbers of channels; RangeError for a size below 1. */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number | readonly [number, number],
    { bias = true, ...options }: Conv2dModuleOptions = {},
  ) {
    super();
    const { groups = 1 } = options;
    perGroup("Conv2d", outChannels, groups);
    const kernel = typeof kernelSize === "number" ? [kernelSize, kernelSize] : kernelSize;
    const parts = initial("Conv2d", [outChannels, perGroup("Conv2d", inChannels, groups), ...kernel], {
      outChannels,
      bias,
    });
    this.weight = parts.weight;
    this.bias = parts.bias;
    this.#options = options;
  }

  /** The convolution of `x`. */
  forward(x: Tensor, { activation }: ConvForwardOptions = {}): Tensor {
    return conv2d(x, this.weight, this.bias, { ...this.#options, activation });
  }
}

/**
 * Transposed convolution over time: (batch, inChannels, time) → (batch, outChannels, time′). Options and sizes as
 * {@linkcode convTranspose1d}'s. Weight and bias start uniform in ±1 / √(outChannels / groups · kernelSize), as PyTorch's do.
 */
export class ConvTranspose1d extends Module {
  /** (inChannels, outChannels / groups, kernelSize). */
  readonly weight: Parameter;
  /** (outChannels), or null without one. */
  readonly bias: Parameter | null;
  readonly #options: ConvTranspose1dOptions;

  /** TypeError if `groups` does not divide both numbers of channels; RangeError for a size below 1. */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number,
    { bias = true, ...options }: ConvTranspose1dModuleOptions = {},
  ) {
    super();
    const { groups = 1 } = options;
    perGroup("ConvTranspose1d", inChannels, groups);
    const shape = [inChannels, perGroup("ConvTranspose1d", outChannels, groups), kernelSize];
    const parts = initial("ConvTranspose1d", shape, { outChannels, bias });
    this.weight = parts.weight;
    this.bias = parts.bias;
    this.#options = options;
  }

  /** The transposed convolution of `x`. */
  forward(x: Tensor): Tensor {
    return convTranspose1d(x, this.weight, this.bias, this.#options);
  }
}
