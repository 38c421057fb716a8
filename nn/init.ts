/**
 * Initial values, PyTorch's formulas and defaults. Each function overwrites the tensor it is given and returns it, so that
 * `this.weight = xavierUniform(new Parameter([3, 2]))` reads in one line. The numbers come from the seeded generator and are the same on
 * both devices.
 * @module
 */
import { copyInto, full, rand, randn, scope, type Shape, type Tensor } from "../tensor/mod.ts";

/** Which size keeps its variance: of the values going forward, or of the gradients going back. */
export type FanMode = "fanIn" | "fanOut";

/** The function that follows a layer, for {@linkcode gain}. */
export type Nonlinearity = "linear" | "sigmoid" | "tanh" | "relu" | "leakyRelu" | "selu";

/** Options of {@linkcode kaimingUniform} and {@linkcode kaimingNormal}. */
export interface KaimingOptions {
  /** Slope of the leaky ReLU below 0. Default 0. */
  a?: number;
  /** Default "fanIn". */
  mode?: FanMode;
  /** Default "leakyRelu". */
  nonlinearity?: Nonlinearity;
}

/** Options of {@linkcode xavierUniform} and {@linkcode xavierNormal}. */
export interface XavierOptions {
  /** Factor on the deviation, see {@linkcode gain}. Default 1. */
  gain?: number;
}

function overwrite<T extends Tensor>(target: T, values: () => Tensor): T {
  scope(() => copyInto(target, values()));
  return target;
}

/** Every element `value`. */
export function constant<T extends Tensor>(target: T, value: number): T {
  const { shape, dtype, device } = target;
  return overwrite(target, () => full([], value, { dtype, device }).expand(shape));
}

/** Every element 0. */
export function zeros<T extends Tensor>(target: T): T {
  return constant(target, 0);
}

/** Every element 1. */
export function ones<T extends Tensor>(target: T): T {
  return constant(target, 1);
}

/** Uniform in [low, high). Defaults: 0 and 1. */
export function uniform<T extends Tensor>(target: T, { low = 0, high = 1 }: { low?: number; high?: number } = {}): T {
  return overwrite(target, () => rand(target.shape, { low, high, device: target.device }));
}

/** Normal. Defaults: mean 0 and deviation 1. */
export function normal<T extends Tensor>(target: T, { mean = 0, std = 1 }: { mean?: number; std?: number } = {}): T {
  return overwrite(target, () => randn(target.shape, { mean, std, device: target.device }));
}

/** How many inputs an output sums over, and how many outputs an input goes to, for a weight (out, in, …kernel). */
function fans(shape: Shape): { fanIn: number; fanOut: number } {
  if (shape.length < 2) {
    throw new TypeError(`Cannot count the inputs of a weight [${shape.join(", ")}]: expected at least 2 axes`);
  }
  const [outSize, inSize, ...kernel] = shape;
  const field = kernel.reduce((product, n) => product * n, 1);
  return { fanIn: inSize * field, fanOut: outSize * field };
}

/** The factor by which `nonlinearity` shrinks the deviation; `a` is the slope of a leaky ReLU. PyTorch's `calculate_gain`. */
export function gain(nonlinearity: Nonlinearity, a = 0.01): number {
  switch (nonlinearity) {
    case "linear":
    case "sigmoid":
      return 1;
    case "tanh":
      return 5 / 3;
    case "relu":
      return Math.SQRT2;
    case "leakyRelu":
      return Math.sqrt(2 / (1 + a * a));
    case "selu":
      return 3 / 4;
  }
}

function kaimingStd(shape: Shape, { a = 0, mode = "fanIn", nonlinearity = "leakyRelu" }: KaimingOptions): number {
  return gain(nonlinearity, a) / Math.sqrt(fans(shape)[mode]);
}

function xavierStd(shape: Shape, { gain = 1 }: XavierOptions): number {
  const { fanIn, fanOut } = fans(shape);
  return gain * Math.sqrt(2 / (fanIn + fanOut));
}

/** Uniform with a given deviation. */
function spread<T extends Tensor>(target: T, std: number): T {
  const bound = Math.sqrt(3) * std;
  return uniform(target, { low: -bound, high: bound });
}

/**
 * Uniform in ±gain · √(3 / fan) (He et al. 2015, arXiv 1502.01852).
 *
 * @throws TypeError if the tensor has fewer than 2 axes.
 */
export function kaimingUniform<T extends Tensor>(target: T, options: KaimingOptions = {}): T {
  return spread(target, kaimingStd(target.shape, options));
}

/** Normal with deviation gain / √fan; see {@linkcode kaimingUniform}. */
export function kaimingNormal<T extends Tensor>(target: T, options: KaimingOptions = {}): T {
  return normal(target, { std: kaimingStd(target.shape, options) });
}

/**
 * Uniform in ±gain · √(6 / (fanIn + fanOut)) (Glorot and Bengio 2010).
 *
 * @throws TypeError if the tensor has fewer than 2 axes.
 */
export function xavierUniform<T extends Tensor>(target: T, options: XavierOptions = {}): T {
  return spread(target, xavierStd(target.shape, options));
}

/** Normal with deviation gain · √(2 / (fanIn + fanOut)); see {@linkcode xavierUniform}. */
export function xavierNormal<T extends Tensor>(target: T, options: XavierOptions = {}): T {
  return normal(target, { std: xavierStd(target.shape, options) });
}
