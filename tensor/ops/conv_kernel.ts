/**
 * The two kernels behind convolutions: images through a window with weights, and the gradient of those weights. Strides may be anything
 * and sizes 0, so that the gradient of the input is a convolution too (conv_gradients.ts).
 * @module
 */
import type { Kernel } from "../device/kernel.ts";
import { convGpu, convWeightGpu } from "./conv.wgsl.ts";
import { convCpu, convWeightCpu } from "./conv_cpu.ts";

/** Sizes along rows and columns. */
export type Pair = readonly [rows: number, cols: number];

/** How (batch, channels, rows, columns) lie in a storage, in elements. */
export interface ImageLayout {
  readonly offset: number;
  readonly batch: number;
  readonly channel: number;
  readonly row: number;
  readonly col: number;
}

/** How (groups, outChannels, inChannels, kernel rows, kernel columns) lie in a storage, in elements; strides may be negative. */
export interface WeightLayout {
  readonly offset: number;
  readonly group: number;
  readonly out: number;
  readonly in: number;
  readonly row: number;
  readonly col: number;
}

/** A window that moves over images, and where everything lies. */
export interface ConvWindow {
  readonly batch: number;
  readonly groups: number;
  /** Channels of one group. */
  readonly inChannels: number;
  readonly outChannels: number;
  readonly inSize: Pair;
  readonly outSize: Pair;
  /** May be 0: then the sum is empty. */
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  /** Place in the input that the first element of the window has for the first output: minus the padding. Outside there are zeros. */
  readonly start: Pair;
  readonly x: ImageLayout;
  readonly weight: WeightLayout;
  readonly y: ImageLayout;
}

/** Arguments of {@linkcode convKernel}. */
export interface ConvArgs extends ConvWindow {
  /** Element offset of a contiguous vector with an element for each output channel of all groups, or null without bias. */
  readonly bias: number | null;
  readonly activation: "none" | "relu";
}

const flops = ({ batch, groups, inChannels, outChannels, outSize, kernel }: ConvWindow) =>
  2 * batch * groups * inChannels * outChannels * outSize[0] * outSize[1] * kernel[0] * kernel[1];

/** Sizes for people: batch x channels -> channels, output and window. */
export function convSizes({ batch, groups, inChannels, outChannels, outSize, kernel }: ConvWindow): string {
  const flat = outSize[0] === 1 && kernel[0] <= 1;
  const pair = ([rows, cols]: Pair) => flat ? `${cols}` : `${rows}x${cols}`;
  const channels = `${groups > 1 ? `${groups}*` : ""}${inChannels}->${outChannels}`;
  return `${batch}x${channels} ${pair(outSize)} by ${pair(kernel)}`;
}

/** y = activation(Σ over window and input channels of x · weight + bias). Inputs [x, weight] or [x, weight, bias]; output y. */
export const convKernel: Kernel<ConvArgs> = {
  name: "conv",
  cpu: convCpu,
  webgpu: convGpu,
  flops,
  sizes: convSizes,
};

/** The gradient of the weight: Σ over batch and positions of x · g, g lying as `y` says. Inputs [x, g]; output weight. */
export const convWeightKernel: Kernel<ConvWindow> = {
  name: "conv weight",
  cpu: convWeightCpu,
  webgpu: convWeightGpu,
  flops,
  sizes: convSizes,
};
