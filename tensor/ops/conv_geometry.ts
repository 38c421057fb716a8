/**
 * Sizes of convolutions: options in PyTorch's words, the checks, and the size of the result.
 * @module
 */
import type { Shape } from "../shape.ts";
import { show } from "../shape.ts";
import { requireFloat, requireSameDevice, type Tensor } from "../tensor.ts";
import type { Pair } from "./conv_kernel.ts";

/** How a window moves, whether the convolution is transposed or not. */
export interface Geometry {
  readonly stride: Pair;
  readonly dilation: Pair;
  /** Zeros before the first row and column. What follows the last ones comes from the sizes. */
  readonly before: Pair;
  readonly groups: number;
}

/** One number for all spatial axes, or one for each. */
export type Sizes = number | readonly number[];

/** What all convolutions are told. */
export interface WindowOptions {
  readonly stride?: Sizes;
  readonly padding?: Sizes | "same";
  readonly dilation?: Sizes;
  readonly outputPadding?: Sizes;
  readonly groups?: number;
}

/** A convolution's operands as they come, and what error messages call it. */
export interface Operands {
  readonly op: string;
  /** Spatial axes: 1 or 2. */
  readonly axes: 1 | 2;
  readonly x: Tensor;
  readonly weight: Tensor;
  readonly bias: Tensor | null;
}

/** One number for each of two spatial axes; a single axis becomes the second, `fill` the first. */
function pairOf(
  { op, axes }: Operands,
  name: string,
  value: Sizes,
  { least, fill }: { least: number; fill: number },
): Pair {
  const list = typeof value === "number" ? Array.from({ length: axes }, () => value) : value;
  if (list.length !== axes) {
    throw new TypeError(
      `Cannot ${op} with ${name} ${show(list)}: expected ${axes} ${axes === 1 ? "number" : "numbers"}`,
    );
  }
  if (!list.every((n) => Number.isInteger(n) && n >= least)) {
    throw new RangeError(`Cannot ${op} with ${name} ${list.join(", ")}: expected whole numbers from ${least}`);
  }
  return axes === 1 ? [fill, list[0]] : [list[0], list[1]];
}

/** Rank, types and devices; then that groups divide the channels and that weight and bias fit. */
function checkOperands({ op, axes, x, weight, bias }: Operands, groups: number, transposed: boolean): void {
  requireSameDevice(op, bias === null ? [x, weight] : [x, weight, bias]);
  requireFloat(op, x, weight, ...(bias === null ? [] : [bias]));
  const layout = axes === 1 ? "(batch, channels, time)" : "(batch, channels, height, width)";
  if (x.ndim !== axes + 2) throw new TypeError(`Cannot ${op} ${show(x.shape)}: expected ${layout}`);
  const found = `${show(x.shape)} with weight ${show(weight.shape)}`;
  if (weight.ndim !== axes + 2) throw new TypeError(`Cannot ${op} ${found}: the weight must have ${axes + 2} axes`);
  if (!(Number.isInteger(groups) && groups >= 1)) {
    throw new RangeError(`Cannot ${op} with ${groups} groups: expected a whole number from 1`);
  }
  const [first, second] = weight.shape;
  const [wanted, outputs] = transposed ? [first, second * groups] : [second * groups, first];
  if (first % groups !== 0) {
    throw new TypeError(`Cannot ${op} ${found}: ${first} channels are not divisible by ${groups} groups`);
  }
  if (x.shape[1] !== wanted) {
    throw new TypeError(
      `Cannot ${op} ${found}${groups > 1 ? ` in ${groups} groups` : ""}: the input has ${
        x.shape[1]
      } channels, the weight takes ${wanted}`,
    );
  }
  if (bias !== null && (bias.ndim !== 1 || bias.size !== outputs)) {
    throw new TypeError(
      `Cannot ${op} with bias ${show(bias.shape)}: expected [${outputs}], one for each output channel`,
    );
  }
  if (weight.shape.slice(2).includes(0)) throw new TypeError(`Cannot ${op} ${found}: the kernel is empty`);
}

/** The spatial sizes as a pair; one axis is a single row. */
export function spatial(shape: Shape): Pair {
  return shape.length === 3 ? [1, shape[2]] : [shape[2], shape[3]];
}

const both = (f: (axis: 0 | 1) => number): Pair => [f(0), f(1)];

/**
 * Checks a convolution.
 *
 * @throws TypeError for shapes that do not fit, RangeError for options out of range.
 */
export function convGeometry(
  operands: Operands,
  { stride = 1, padding = 0, dilation = 1, groups = 1 }: WindowOptions,
): { geometry: Geometry; outSize: Pair } {
  const { op, x, weight } = operands;
  checkOperands(operands, groups, false);
  const steps = pairOf(operands, "stride", stride, { least: 1, fill: 1 });
  const gaps = pairOf(operands, "dilation", dilation, { least: 1, fill: 1 });
  const [size, kernel] = [spatial(x.shape), spatial(weight.shape)];
  const reach = both((i) => gaps[i] * (kernel[i] - 1));
  if (padding === "same") {
    if (steps.some((n) => n !== 1)) {
      throw new RangeError(`Cannot ${op} with padding "same" and stride ${stride}: "same" needs stride 1`);
    }
    return { geometry: { stride: steps, dilation: gaps, before: both((i) => reach[i] >> 1), groups }, outSize: size };
  }
  const before = pairOf(operands, "padding", padding, { least: 0, fill: 0 });
  const outSize = both((i) => Math.floor((size[i] + 2 * before[i] - reach[i] - 1) / steps[i]) + 1);
  if (outSize.some((n) => n < 1)) {
    const padded = both((i) => size[i] + 2 * before[i]).slice(2 - operands.axes);
    const wide = both((i) => reach[i] + 1).slice(2 - operands.axes);
    throw new TypeError(
      `Cannot ${op} ${show(x.shape)} with weight ${show(weight.shape)}: the window spans ${show(wide)}, ` +
        `the padded input has only ${show(padded)}`,
    );
  }
  return { geometry: { stride: steps, dilation: gaps, before, groups }, outSize };
}

/** Checks a transposed convolution. Throws as {@linkcode convGeometry}. */
export function convTransposeGeometry(
  operands: Operands,
  { stride = 1, padding = 0, dilation = 1, outputPadding = 0, groups = 1 }: WindowOptions & { padding?: Sizes },
): { geometry: Geometry; outSize: Pair } {
  const { op, x, weight } = operands;
  checkOperands(operands, groups, true);
  const steps = pairOf(operands, "stride", stride, { least: 1, fill: 1 });
  const gaps = pairOf(operands, "dilation", dilation, { least: 1, fill: 1 });
  const before = pairOf(operands, "padding", padding, { least: 0, fill: 0 });
  const extra = pairOf(operands, "outputPadding", outputPadding, { least: 0, fill: 0 });
  if (extra.some((n, i) => n >= Math.max(steps[i], gaps[i]))) {
    throw new RangeError(
      `Cannot ${op} with outputPadding ${outputPadding}: it must be smaller than stride ${stride} or dilation ${dilation}`,
    );
  }
  const [size, kernel] = [spatial(x.shape), spatial(weight.shape)];
  const outSize = both((i) => (size[i] - 1) * steps[i] - 2 * before[i] + gaps[i] * (kernel[i] - 1) + extra[i] + 1);
  if (outSize.some((n) => n < 1)) {
    throw new TypeError(
      `Cannot ${op} ${show(x.shape)} with weight ${
        show(weight.shape)
      }: padding ${padding} leaves nothing of the result`,
    );
  }
  return { geometry: { stride: steps, dilation: gaps, before, groups }, outSize };
}
