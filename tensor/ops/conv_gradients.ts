/**
 * The three maps of a convolution, not tracked: forward, back to the input (which is the transposed convolution), back to the weight.
 *
 * With stride s the way back falls into s phases an axis: outputs r, r + s, … meet the same elements of the window only, so that each phase
 * is a convolution of stride 1 with every s-th element of the flipped window, written to every s-th place.
 * @module
 */
import { allocate, run } from "../memory.ts";
import { contiguousStrides, isContiguous as isRowMajor, sizeOf } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { constant } from "../expr/expr.ts";
import { contiguous, copyIntoView } from "./copy.ts";
import { mapElementsInto } from "./elementwise.ts";
import { spatial } from "./conv_geometry.ts";
import type { Geometry } from "./conv_geometry.ts";
import {
  type ConvArgs,
  convKernel,
  convWeightKernel,
  type ImageLayout,
  type Pair,
  type WeightLayout,
} from "./conv_kernel.ts";
import { expand, permute, reshape } from "./views.ts";

/** What is added to each output channel, and what is applied last. */
export interface ConvEpilogue {
  readonly bias?: Tensor | null;
  readonly activation?: "none" | "relu";
}

function imageLayout({ offset, strides, ndim }: Tensor): ImageLayout {
  return { offset, batch: strides[0], channel: strides[1], row: ndim === 3 ? 0 : strides[2], col: strides.at(-1)! };
}

/** A weight (groups · out, in, …kernel). */
function weightLayout({ offset, strides, shape, ndim }: Tensor, groups: number): WeightLayout {
  const [out, inner] = strides;
  return {
    offset,
    group: (shape[0] / groups) * out,
    out,
    in: inner,
    row: ndim === 3 ? 0 : strides[2],
    col: strides.at(-1)!,
  };
}

/** Where the channels of an image lie: apart, each with all its positions, or together for each position. */
export type Format = "channels first" | "channels last";

/** True for (batch, channels, …) that lies as contiguous (batch, …, channels). */
export function isChannelsLast({ shape, strides, isContiguous }: Tensor): boolean {
  const last = (list: readonly number[]) => [list[0], ...list.slice(2), list[1]];
  return !isContiguous && isRowMajor(last(shape), last(strides));
}

/** The same values (not tracked) lying as `format` says. */
export function inFormat(x: Tensor, format: Format): Tensor {
  if (format === "channels first") return contiguous(x);
  const last = [0, ...x.shape.slice(2).map((_, i) => i + 2), 1];
  const first = [0, x.ndim - 1, ...x.shape.slice(2).map((_, i) => i + 1)];
  return permute(contiguous(permute(x, last)), first);
}

function image(like: Tensor, channels: number, { size, format }: { size: Pair; format: Format }): Tensor {
  const shape = [like.shape[0], channels, ...size.slice(4 - like.ndim)];
  const storage = allocate(like.device, 4 * sizeOf(shape));
  if (format === "channels first") return new Tensor(storage, shape, "float32");
  const [batch, ...rest] = contiguousStrides([shape[0], ...shape.slice(2), channels]);
  return new Tensor(storage, shape, "float32", [batch, rest.at(-1)!, ...rest.slice(0, -1)]);
}

function runConv(args: ConvArgs, [x, weight]: readonly Tensor[], bias: Tensor | null, y: Tensor): void {
  const inputs = [x.storage, weight.storage, ...(bias === null ? [] : [bias.storage])];
  const partial = sizeOf([args.batch, args.groups, args.outChannels, ...args.outSize]) < y.size;
  if (y.size > 0) run({ kernel: convKernel, args, inputs, outputs: [y.storage], updates: partial });
}

/** y (batch, out, …outSize) of x (batch, in, …size) and weight (out, in / groups, …kernel). */
export function convForward(
  [x, weight]: readonly [Tensor, Tensor],
  { geometry, outSize, format }: { geometry: Geometry; outSize: Pair; format: Format },
  { bias = null, activation = "none" }: ConvEpilogue = {},
): Tensor {
  const { groups, stride, dilation, before } = geometry;
  const y = image(x, weight.shape[0], { size: outSize, format });
  const args: ConvArgs = {
    ...{ batch: x.shape[0], groups, inChannels: weight.shape[1], outChannels: weight.shape[0] / groups },
    ...{ inSize: spatial(x.shape), outSize, kernel: spatial(weight.shape), stride, dilation },
    start: [-before[0], -before[1]],
    ...{ x: imageLayout(x), weight: weightLayout(weight, groups), y: imageLayout(y) },
    ...{ bias: bias && bias.offset, activation },
  };
  runConv(args, [x, weight], bias, y);
  return y;
}

/** A phase along one axis: which outputs, which elements of the window, and where they begin in g. */
interface Phase {
  readonly first: number;
  readonly count: number;
  readonly tap: number;
  readonly tapStep: number;
  readonly taps: number;
  readonly start: number;
  readonly dilation: number;
}

const gcd = (a: number, b: number): number => b === 0 ? a : gcd(b, a % b);

/** The phases along an axis of `size` places before which the forward convolution had `before` zeros. */
function phases(
  { size, kernel, stride, dilation, before }: Record<"size" | "kernel" | "stride" | "dilation" | "before", number>,
): Phase[] {
  const tapStep = stride / gcd(dilation, stride);
  const gap = tapStep * dilation / stride;
  return Array.from({ length: Math.min(stride, size) }, (_, first) => {
    const count = Math.ceil((size - first) / stride);
    // place first + stride·t of the input met output (first + before − tap·dilation) / stride + t
    const meets = (tap: number) => (first + before - tap * dilation) % stride === 0;
    const tap = Array.from({ length: Math.min(kernel, tapStep) }, (_, k) => k).find(meets);
    if (tap === undefined) return { first, count, tap: 0, tapStep, taps: 0, start: 0, dilation: 1 };
    const taps = Math.ceil((kernel - tap) / tapStep);
    const start = (first + before - tap * dilation) / stride - (taps - 1) * gap;
    return { first, count, tap, tapStep, taps, start, dilation: gap };
  });
}

/** Writes the bias, or 0, to all of an image: what is left where no element of the window comes to lie. */
function fillImage(x: Tensor, bias: Tensor | null): void {
  if (bias === null) {
    const flat = new Tensor(x.storage, [x.size], "float32");
    return mapElementsInto([flat], [constant(0)], [], { label: "fill" });
  }
  copyIntoView(x, expand(reshape(bias, [-1, ...x.shape.slice(2).map(() => 1)]), x.shape));
}

/** The gradient of x (batch, in, …size) from that of the result; with a bias, the transposed convolution of g. */
export function convBackward(
  [g, weight]: readonly [Tensor, Tensor],
  { geometry, size, format }: { geometry: Geometry; size: Pair; format: Format },
  { bias = null }: Pick<ConvEpilogue, "bias"> = {},
): Tensor {
  const { groups, stride, dilation, before } = geometry;
  const x = image(g, weight.shape[1] * groups, { size, format });
  const kernel = spatial(weight.shape);
  const [rows, cols] = ([0, 1] as const).map((i) =>
    phases({ size: size[i], kernel: kernel[i], stride: stride[i], dilation: dilation[i], before: before[i] })
  );
  const [w, to] = [weightLayout(weight, groups), imageLayout(x)];
  if (x.size > 0 && [...rows, ...cols].some(({ taps }) => taps === 0)) fillImage(x, bias);
  for (const row of rows) {
    for (const col of cols) {
      if (row.taps * col.taps === 0) continue;
      const lastTap = (p: Phase) => p.tap + Math.max(0, p.taps - 1) * p.tapStep;
      const args: ConvArgs = {
        ...{ batch: x.shape[0], groups, inChannels: weight.shape[0] / groups, outChannels: weight.shape[1] },
        ...{ inSize: spatial(g.shape), outSize: [row.count, col.count], kernel: [row.taps, col.taps], stride: [1, 1] },
        ...{ dilation: [row.dilation, col.dilation], start: [row.start, col.start], x: imageLayout(g) },
        weight: {
          ...{ offset: w.offset + lastTap(row) * w.row + lastTap(col) * w.col, group: w.group, out: w.in, in: w.out },
          ...{ row: -row.tapStep * w.row, col: -col.tapStep * w.col },
        },
        y: {
          ...to,
          ...{ offset: to.offset + row.first * to.row + col.first * to.col },
          ...{ row: stride[0] * to.row, col: stride[1] * to.col },
        },
        ...{ bias: bias && bias.offset, activation: "none" },
      };
      runConv(args, [g, weight], bias, x);
    }
  }
  return x;
}

/** The gradient of a weight of `shape` from x and the gradient g of the result, which lies row-major, or channels last like x. */
export function convWeightGradient(
  [x, g]: readonly [Tensor, Tensor],
  { geometry, shape }: { geometry: Geometry; shape: readonly number[] },
): Tensor {
  const { groups, stride, dilation, before } = geometry;
  const weight = new Tensor(allocate(x.device, 4 * sizeOf(shape)), shape, "float32");
  const args = {
    ...{ batch: x.shape[0], groups, inChannels: shape[1], outChannels: shape[0] / groups },
    ...{ inSize: spatial(x.shape), outSize: spatial(g.shape), kernel: spatial(shape), stride, dilation },
    start: [-before[0], -before[1]] as Pair,
    ...{ x: imageLayout(x), weight: weightLayout(weight, groups), y: imageLayout(g) },
  };
  if (weight.size > 0) {
    run({ kernel: convWeightKernel, args, inputs: [x.storage, g.storage], outputs: [weight.storage] });
  }
  return weight;
}
