/**
 * Convolutions over time and over images, plain and transposed (cross-correlation, as every library has it).
 *
 * y[n, o, t] = bias[o] + Σ_c Σ_k weight[o, c, k] · x[n, c, t·stride + k·dilation − padding], zeros outside.
 * @module
 */
import { track } from "../autograd.ts";
import { sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { contiguous } from "./copy.ts";
import {
  convGeometry,
  convTransposeGeometry,
  type Geometry,
  type Operands,
  type Sizes,
  spatial,
  type WindowOptions,
} from "./conv_geometry.ts";
import { convBackward, convForward, convWeightGradient, inFormat, isChannelsLast } from "./conv_gradients.ts";
import type { Pair } from "./conv_kernel.ts";
import { linear } from "./linear.ts";
import { sum } from "./reduce.ts";
import { reluGradient } from "./relu_gradient.ts";
import { reshape, squeeze, transpose } from "./views.ts";

/** Options of {@linkcode conv1d}. */
export interface Conv1dOptions {
  /** Steps of the window. Default 1. */
  stride?: number;
  /** Zeros on each side, or "same": as many as keep the length (stride 1; an odd number has the extra zero at the end). Default 0. */
  padding?: number | "same";
  /** Distance of the window's elements. Default 1. */
  dilation?: number;
  /** Channels fall into so many groups that do not see each other. Default 1. */
  groups?: number;
  /** Applied to the result in the same kernel. Default "none". */
  activation?: "none" | "relu";
}

/** Options of {@linkcode conv2d}; one number, or one for height and one for width. See {@linkcode Conv1dOptions}. */
export interface Conv2dOptions {
  /** Default 1. */
  stride?: number | readonly [number, number];
  /** Default 0. */
  padding?: number | readonly [number, number] | "same";
  /** Default 1. */
  dilation?: number | readonly [number, number];
  /** Default 1. */
  groups?: number;
  /** Default "none". */
  activation?: "none" | "relu";
}

/** Options of {@linkcode convTranspose1d}: those of the convolution that it runs backwards. */
export interface ConvTranspose1dOptions {
  /** Default 1. */
  stride?: number;
  /** Cut off on each side. Default 0. */
  padding?: number;
  /** Added to the length at the end. Default 0. */
  outputPadding?: number;
  /** Default 1. */
  dilation?: number;
  /** Default 1. */
  groups?: number;
}

type Activation = "none" | "relu";

const withBias = (x: Tensor, weight: Tensor, bias: Tensor | null) => bias === null ? [x, weight] : [x, weight, bias];

/** Sums over everything but channels, the gradient of a bias: first along contiguous positions, which is the faster half. */
function channelSums(g: Tensor): Tensor {
  if (!g.isContiguous) return sum(g, [0, 2, 3].slice(0, g.ndim - 1));
  const [batch, channels, ...positions] = g.shape;
  return sum(sum(reshape(g, [batch, channels, sizeOf(positions)]), 2), 0);
}

const FIRST = "channels first";

/** True where each position is a linear map of one position. */
const isPointwise = ({ axes, weight }: Operands, { stride, before, groups }: Geometry) =>
  axes === 1 && weight.shape[2] === 1 && stride[1] === 1 && before[1] === 0 && groups === 1;

/** True where each channel meets itself only. */
const isDepthwise = ({ shape }: Tensor, { groups }: Geometry) => shape[0] === groups && shape[1] === 1;

function convolution(operands: Operands, options: WindowOptions & { activation?: Activation }): Tensor {
  const { op, x, weight, bias } = operands;
  const { activation = "none" } = options;
  const { geometry, outSize } = convGeometry(operands, options);
  if (isPointwise(operands, geometry) && isChannelsLast(x)) {
    const y = linear(transpose(x, 1, 2), squeeze(weight, 2), bias, { activation });
    return transpose(y, 1, 2);
  }
  const [image, kernel] = [x.detach(), weight.detach()];
  const format = isDepthwise(weight, geometry) && isChannelsLast(x) ? "channels last" : FIRST;
  const epilogue = { bias: bias && contiguous(bias.detach()), activation };
  const y = convForward([image, kernel], { geometry, outSize, format }, epilogue);
  const out = y.detach();
  return track(op, withBias(x, weight, bias), y, (grad, needs) => {
    const g = activation === "relu" ? reluGradient(out, inFormat(grad, format)) : inFormat(grad, format);
    return [
      needs[0] ? convBackward([g, kernel], { geometry, size: spatial(x.shape), format }) : null,
      needs[1] ? convWeightGradient([image, g], { geometry, shape: weight.shape }) : null,
      needs[2] ? channelSums(g) : null,
    ];
  });
}

/**
 * Convolution over time, as PyTorch's `conv1d`: x (batch, in, time), weight (out, in / groups, kernel), bias (out) or null →
 * (batch, out, (time + 2·padding − dilation·(kernel − 1) − 1) / stride + 1). x may have any strides; where it lies as (batch, time, channels)
 * and each channel meets itself only or the kernel is 1, the result lies so too.
 *
 * @throws TypeError if shapes do not fit or the window is longer than the padded input; RangeError for an option out of range.
 */
export function conv1d(x: Tensor, weight: Tensor, bias: Tensor | null = null, options: Conv1dOptions = {}): Tensor {
  return convolution({ op: "conv1d", axes: 1, x, weight, bias }, options);
}

/**
 * Convolution over images, as PyTorch's `conv2d`: x (batch, in, height, width), weight (out, in / groups, kernel height, kernel width),
 * bias (out) or null. Sizes and errors as {@linkcode conv1d}'s, along each axis.
 */
export function conv2d(x: Tensor, weight: Tensor, bias: Tensor | null = null, options: Conv2dOptions = {}): Tensor {
  return convolution({ op: "conv2d", axes: 2, x, weight, bias }, options);
}

function transposed(operands: Operands, options: WindowOptions & { padding?: Sizes }): Tensor {
  const { op, x, weight, bias } = operands;
  const { geometry, outSize } = convTransposeGeometry(operands, options);
  const [image, kernel] = [x.detach(), weight.detach()];
  const y = convBackward([image, kernel], { geometry, size: outSize, format: FIRST }, {
    bias: bias && contiguous(bias.detach()),
  });
  return track(
    op,
    withBias(x, weight, bias),
    y,
    (g, needs) => transposedGradients({ g, image, kernel, geometry }, needs),
  );
}

/** The transposed convolution's way back is the convolution. */
function transposedGradients(
  { g, image, kernel, geometry }: { g: Tensor; image: Tensor; kernel: Tensor; geometry: Geometry },
  needs: readonly boolean[],
): (Tensor | null)[] {
  const outSize: Pair = spatial(image.shape);
  return [
    needs[0] ? convForward([g, kernel], { geometry, outSize, format: FIRST }) : null,
    needs[1] ? convWeightGradient([g, contiguous(image)], { geometry, shape: kernel.shape }) : null,
    needs[2] ? channelSums(g) : null,
  ];
}

/**
 * Transposed convolution over time, as PyTorch's `conv_transpose1d`: the map that takes a convolution's gradient back to its input. x (batch,
 * in, time), weight (in, out / groups, kernel), bias (out) or null →
 * (batch, out, (time − 1)·stride − 2·padding + dilation·(kernel − 1) + outputPadding + 1).
 *
 * @throws TypeError if shapes do not fit or nothing is left of the result; RangeError for an option out of range.
 */
export function convTranspose1d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: ConvTranspose1dOptions = {},
): Tensor {
  return transposed({ op: "convTranspose1d", axes: 1, x, weight, bias }, options);
}
