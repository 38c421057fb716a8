/** Convolutions as their kernels see them, for tests of the fast forms against the plain loops. @module */
import assert from "node:assert/strict";
import type { ConvArgs, Pair } from "../../../tensor/ops/conv_kernel.ts";
import { sequence } from "../../gradcheck.ts";

/** A convolution by its sizes. */
export interface Case {
  readonly batch: number;
  readonly groups?: number;
  /** Of one group. */
  readonly channels: Pair;
  readonly size: Pair;
  readonly kernel: Pair;
  readonly stride?: Pair;
  readonly dilation?: Pair;
  readonly padding?: Pair;
  readonly bias?: boolean;
  readonly relu?: boolean;
  /** Channels of x and y lie together. */
  readonly last?: boolean;
  /** Elements left free before the first, after each row of x and after each image; y is written to every second column. */
  readonly gaps?: boolean;
  /** The window is read backwards and its channels are exchanged, as the way back to the input does. */
  readonly flipped?: boolean;
}

function imageLayout(
  channels: number,
  [rows, cols]: Pair,
  { last, gap, step }: { last: boolean; gap: number; step: number },
) {
  if (last) {
    const batch = rows * cols * channels;
    return { offset: 0, batch, channel: 1, row: cols * channels, col: channels };
  }
  const row = cols * step + gap;
  return { offset: gap, batch: rows * row * channels + gap, channel: rows * row, row, col: step };
}

/** The kernel's arguments. */
export function toArgs(c: Case): ConvArgs {
  const { batch, groups = 1, channels: [inChannels, outChannels], size, kernel, stride = [1, 1], dilation = [1, 1] } =
    c;
  const padding = c.padding ?? [0, 0];
  const reach = kernel.map((k, i) => dilation[i] * (k - 1));
  const outSize = size.map((n, i) => Math.floor((n + 2 * padding[i] - reach[i] - 1) / stride[i]) + 1);
  const window = kernel[0] * kernel[1];
  const plain = { offset: 0, group: outChannels * inChannels * window, row: kernel[1], col: 1 };
  const flipped = { ...plain, offset: window - 1, row: -kernel[1], col: -1, out: window, in: outChannels * window };
  const gap = c.gaps ? 3 : 0;
  return {
    ...{
      batch,
      groups,
      inChannels,
      outChannels,
      inSize: size,
      outSize: [outSize[0], outSize[1]],
      kernel,
      stride,
      dilation,
    },
    start: [-padding[0], -padding[1]],
    x: imageLayout(groups * inChannels, size, { last: c.last ?? false, gap, step: 1 }),
    weight: c.flipped ? flipped : { ...plain, out: inChannels * window, in: window },
    y: imageLayout(groups * outChannels, [outSize[0], outSize[1]], {
      last: c.last ?? false,
      gap,
      step: c.gaps ? 2 : 1,
    }),
    ...{ bias: c.bias ? gap : null, activation: c.relu ? "relu" : "none" },
  };
}

/** Elements that a storage of `images` images has. */
export const extent = ({ offset, batch }: ConvArgs["x"], images: number) => offset + batch * images + 64;

/** Numbers for all operands. */
export function data(c: ConvArgs) {
  const weights = c.groups * c.outChannels * c.inChannels * c.kernel[0] * c.kernel[1];
  return {
    x: sequence(1, extent(c.x, c.batch)),
    weight: sequence(2, weights),
    bias: sequence(3, c.groups * c.outChannels + 3),
    y: sequence(4, extent(c.y, c.batch)),
  };
}

/** Fails where a number is farther from the wanted one than `tolerance`. */
export function compare(name: string, actual: ArrayLike<number>, expected: Float32Array, tolerance: number): void {
  const wrong = expected.findIndex((value, i) => !(Math.abs(actual[i] - value) <= tolerance));
  assert.equal(wrong, -1, `${name}: element ${wrong} is ${actual[wrong]}, not ${expected[wrong]}`);
}

/** A row of n. */
export const line = (n: number): Pair => [1, n];
/** Odd sizes, strides, gaps between taps, groups. */
export const cases: Case[] = [
  { batch: 1, channels: [1, 1], size: [1, 1], kernel: [1, 1], bias: true },
  ...[63, 64, 65, 257].map((n): Case => ({
    batch: 2,
    channels: [3, 5],
    size: line(n),
    kernel: line(3),
    padding: [0, 1],
  })),
  { batch: 3, channels: [65, 63], size: line(70), kernel: line(1), bias: true, relu: true },
  { batch: 2, channels: [20, 130], size: line(67), kernel: line(5), dilation: [1, 3], bias: true },
  {
    batch: 2,
    groups: 3,
    channels: [2, 3],
    size: line(50),
    kernel: line(4),
    stride: [1, 3],
    padding: [0, 2],
    bias: true,
  },
  { batch: 2, channels: [3, 7], size: [17, 19], kernel: [3, 3], padding: [1, 1], bias: true, relu: true },
  { batch: 1, channels: [5, 6], size: [13, 9], kernel: [3, 5], stride: [2, 1], padding: [1, 3], dilation: [1, 2] },
  { batch: 5, groups: 2, channels: [2, 4], size: [12, 11], kernel: [7, 7], stride: [2, 2], padding: [3, 3] },
  { batch: 9, channels: [33, 40], size: [4, 5], kernel: [3, 3], padding: [1, 1], flipped: true },
];
/** Layouts that the gradient of a weight does not meet. */
export const scattered: Case[] = [
  { batch: 2, channels: [4, 6], size: [7, 10], kernel: [3, 2], padding: [1, 1], gaps: true, bias: true },
  { batch: 2, channels: [4, 33], size: line(40), kernel: line(3), gaps: true, flipped: true, relu: true },
];
/** Each channel meets itself only. */
export const depthwise: Case[] = [
  { batch: 2, groups: 17, channels: [1, 1], size: line(75), kernel: line(31), padding: [0, 15], bias: true },
  { batch: 2, groups: 20, channels: [1, 1], size: line(66), kernel: line(5), padding: [0, 2], last: true, relu: true },
  {
    batch: 1,
    groups: 6,
    channels: [1, 1],
    size: [9, 8],
    kernel: [3, 3],
    padding: [1, 1],
    dilation: [2, 2],
    stride: [2, 1],
  },
  { batch: 3, groups: 5, channels: [1, 1], size: line(97), kernel: line(9), dilation: [1, 3], bias: true, last: true },
];
