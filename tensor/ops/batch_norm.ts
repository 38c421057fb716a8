/** Batch normalisation (Ioffe and Szegedy 2015, arXiv 1502.03167). @module */
import { track } from "../autograd.ts";
import { arange } from "../create.ts";
import { type Expr, input, scalar } from "../expr/expr.ts";
import { type Names, parse } from "../expr/parse.ts";
import { allocate, isRerun, run } from "../memory.ts";
import { isContiguous, sameShape, show, sizeOf } from "../shape.ts";
import { requireFloat, requireSameDevice, Tensor } from "../tensor.ts";
import { channelDotsKernel, type ChannelLayout, channelMomentsKernel } from "./channels.ts";
import { packed } from "./copy.ts";
import { mapElements } from "./elementwise.ts";
import { permute, reshape } from "./views.ts";

/** Options of {@linkcode batchNorm}. */
export interface BatchNormOptions {
  /** Mean of each channel (channels), used in evaluation and moved towards the batch's in training. Default none. */
  runningMean?: Tensor | null;
  /** Variance of each channel (channels), as {@linkcode BatchNormOptions.runningMean}; given together with it. */
  runningVar?: Tensor | null;
  /** int32 of one element, raised by 1 in training. Default none. */
  numBatchesTracked?: Tensor | null;
  /** Scale of each channel. Default 1. */
  weight?: Tensor | null;
  /** Shift of each channel. Default 0. */
  bias?: Tensor | null;
  /** Normalises by the batch's own statistics, else by the running ones. Default false, as in PyTorch. */
  training?: boolean;
  /** Part by which running statistics move towards the batch's. Default 0.1. */
  momentum?: number;
  /** Added to the variance. Default 1e-5. */
  eps?: number;
  /**
   * int32 (batch): frames of each sample along the last axis, the rest being padding, which counts neither in the statistics nor in
   * gradients and comes out as 0. Default: no padding.
   */
  lengths?: Tensor | null;
}

/** x in memory order, its layout, and the way back. */
interface Placed {
  readonly x: Tensor;
  readonly layout: ChannelLayout;
  /** Axes of x in memory order. */
  readonly order: readonly number[];
}

/** Axes with the channels last. */
const lastOrder = (rank: number) => [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];

const reordered = <T>(list: readonly T[], order: readonly number[]) => order.map((axis) => list[axis]);

/** A tensor as the kernels read it: in its own memory order where channels come second or last, else copied. */
function inOrder(x: Tensor, order: readonly number[]): Tensor {
  return packed(permute(x.detach(), order));
}

function place(x: Tensor, masked: boolean): Placed {
  const [batch, channels, ...spatial] = x.shape;
  const last = lastOrder(x.ndim);
  const inner = sizeOf(spatial);
  const liesLast = isContiguous(reordered(x.shape, last), reordered(x.strides, last));
  const channelsLast = x.ndim === 2 || (liesLast && (inner === 1 || !isContiguous(x.shape, x.strides)));
  const time = spatial.at(-1) ?? 1;
  const order = channelsLast ? last : x.shape.map((_, axis) => axis);
  const whole = channelsLast && !masked; // rows follow each other over all samples
  const layout = { channels, channelsLast, masked, time: masked ? time : 1 };
  return {
    x: inOrder(x, order),
    order,
    layout: { ...layout, outer: whole ? 1 : batch, inner: whole ? batch * inner : inner },
  };
}

/** A vector of the channels as it broadcasts in memory order. */
function alongChannels(v: Tensor, { order }: Placed): Tensor {
  return reshape(v.detach(), order.map((axis) => (axis === 1 ? v.size : 1)));
}

/** Inputs of an elementwise expression by name, with the frames that count where there is padding. */
function pointwiseOver(
  placed: Placed,
  named: Readonly<Record<string, Tensor>>,
  { text, lengths }: { text: string; lengths: Tensor | null },
): Tensor {
  const { x, order } = placed;
  const masks = lengths === null ? {} : {
    t: reshape(arange(0, placed.layout.time, 1, { device: x.device }), shapeAt(order, x.ndim - 1)),
    length: reshape(lengths, shapeAt(order, 0)),
  };
  const all = Object.entries({ ...named, ...masks });
  const names: Names = Object.fromEntries(all.map(([name, t], i): [string, Expr] => [name, input(i, t.dtype)]));
  const expr = parse(lengths === null ? text : `t < length ? ${text} : 0`, names);
  const out = mapElements("batchNorm", expr, all.map(([, t]) => t));
  return permute(out, order.map((_, axis) => order.indexOf(axis)));
}

/** Sizes 1 but for one axis, which takes what there is. */
function shapeAt(order: readonly number[], wanted: number): number[] {
  return order.map((axis) => (axis === wanted ? -1 : 1));
}

/** Statistics of the batch, (3, channels); updates the running ones, unless a checkpoint computes what has been counted. */
function batchStatistics({ x, layout }: Placed, options: BatchNormOptions): Tensor {
  const { runningMean = null, runningVar = null, numBatchesTracked = null, momentum = 0.1, eps = 1e-5, lengths } =
    options;
  const again = isRerun();
  const running = runningMean !== null && runningVar !== null && !again ? [runningMean, runningVar] : [];
  const tracked = numBatchesTracked === null || again ? [] : [numBatchesTracked];
  const changed = [...running, ...tracked].map((t) => t.storage);
  const statistics = new Tensor(allocate(x.device, 12 * layout.channels), [3, layout.channels], "float32");
  run({
    kernel: channelMomentsKernel,
    args: { ...layout, eps, momentum, running: running.length > 0, tracked: tracked.length > 0 },
    inputs: [x.storage, ...(lengths ? [lengths.storage] : []), ...changed],
    outputs: [statistics.storage, ...changed],
    updates: changed.length > 0,
  });
  return statistics;
}

/** Mean and 1/deviation of each channel, (2, channels), from the running ones. */
function runningStatistics({ runningMean, runningVar, eps = 1e-5 }: BatchNormOptions): Tensor {
  const [mean, variance] = [runningMean!, runningVar!].map((t) => t.detach());
  const row = arange(0, 2, 1, { device: mean.device }).reshape([2, 1]);
  const names = { mean: input(0), variance: input(1), row: input(2, "int32"), eps: scalar(0) };
  const expr = parse("row == 0 ? mean : 1 / sqrt(variance + eps)", names);
  return mapElements("batchNorm", expr, [mean, variance, row], { scalars: [eps] });
}

function requireVectors(x: Tensor, options: BatchNormOptions): void {
  const channels = x.shape[1];
  for (const name of ["runningMean", "runningVar", "weight", "bias"] as const) {
    const t = options[name];
    if (t && !(t.dtype === "float32" && sameShape(t.shape, [channels]))) {
      const found = `${name} is ${t.dtype} ${show(t.shape)}`;
      throw new TypeError(`Cannot batchNorm ${show(x.shape)}: ${found}, expected float32 [${channels}]`);
    }
  }
  for (const name of ["runningMean", "runningVar", "numBatchesTracked"] as const) {
    const t = options[name];
    if (t && 4 * t.size !== t.storage.bytes) {
      throw new TypeError(`Cannot batchNorm into ${name}: it is a part of another tensor; give it memory of its own`);
    }
  }
  const { lengths, numBatchesTracked: tracked } = options;
  if (tracked && !(tracked.dtype === "int32" && tracked.size === 1)) {
    const found = `numBatchesTracked is ${tracked.dtype} ${show(tracked.shape)}`;
    throw new TypeError(`Cannot batchNorm ${show(x.shape)}: ${found}, expected int32 []`);
  }
  if (lengths && !(lengths.dtype === "int32" && sameShape(lengths.shape, [x.shape[0]]) && x.ndim > 2)) {
    const wanted = x.ndim > 2 ? `expected int32 [${x.shape[0]}]` : "there is no time axis";
    throw new TypeError(
      `Cannot batchNorm ${show(x.shape)} with lengths ${lengths.dtype} ${show(lengths.shape)}: ${wanted}`,
    );
  }
}

function check(x: Tensor, options: BatchNormOptions): void {
  requireFloat("batchNorm", x);
  if (x.ndim < 2) {
    throw new TypeError(`Cannot batchNorm ${show(x.shape)}: expected (batch, channels) and any further axes`);
  }
  requireVectors(x, options);
  const { runningMean, runningVar, numBatchesTracked, weight, bias, lengths, training = false } = options;
  const given = [runningMean, runningVar, numBatchesTracked, weight, bias, lengths];
  requireSameDevice("batchNorm", [x, ...given.filter((t) => t instanceof Tensor)]);
  if (!runningMean !== !runningVar || (!training && !runningMean)) {
    throw new TypeError(
      `Cannot batchNorm ${show(x.shape)}: give both runningMean and runningVar, or { training: true }`,
    );
  }
  if (training && x.size === x.shape[1] && x.size > 0) {
    throw new RangeError(
      `Cannot batchNorm ${
        show(x.shape)
      } in training: one value a channel has no variance; use a larger batch, or eval()`,
    );
  }
}

/**
 * (x − mean) / √(variance + eps) · weight + bias, mean and variance being those of each channel over all else. In training running
 * statistics move in place by `momentum` towards those of the batch (with the unbiased variance), also inside a captured step. The result
 * lies in memory as x does where channels come second or last; there no copy is made.
 *
 * With `lengths` only true frames count, and padding comes out as 0 and gets gradient 0. Where no frame is true the result is 0; where fewer
 * than two are, running statistics stay.
 *
 * @param x float32 (batch, channels), (batch, channels, time) or (batch, channels, height, width)
 * @throws TypeError for statistics, weight, bias or lengths of another shape or type, or where running statistics are missing; RangeError in
 *   training if a channel has one value alone.
 */
export function batchNorm(x: Tensor, options: BatchNormOptions = {}): Tensor {
  check(x, options);
  const { weight = null, bias = null, training = false } = options;
  if (x.size === 0) return x;
  const lengths = options.lengths ? packed(options.lengths) : null;
  const placed = place(x, lengths !== null);
  const statistics = training ? batchStatistics(placed, { ...options, lengths }) : runningStatistics(options);
  const scale = {
    rstd: alongChannels(statistics.select(0, 1), placed),
    ...(weight && { weight: alongChannels(weight, placed) }),
  };
  const gain = weight ? "(rstd * weight)" : "rstd";
  const mean = alongChannels(statistics.select(0, 0), placed);
  const shift = bias && { bias: alongChannels(bias, placed) };
  const text = `(x - mean) * ${gain}${bias ? " + bias" : ""}`;
  const out = pointwiseOver(placed, { x: placed.x, mean, ...scale, ...shift }, { text, lengths });
  return track("batchNorm", [x, ...[weight, bias].filter((t) => t !== null)], out, (gradient, needs) => {
    const g = inOrder(gradient, placed.order);
    const needsSums = training || needs.slice(1).some((need) => need);
    const sums = needsSums ? channelDots(placed, statistics, { g, lengths }) : null;
    const [dot, sum] = [0, 1].map((i) => sums && sums.select(0, i));
    const vectors: Record<string, Tensor> = !training ? { g, ...scale } : {
      ...{ g, x: placed.x, mean, ...scale, dot: alongChannels(dot!, placed), sum: alongChannels(sum!, placed) },
      inverse: alongChannels(statistics.select(0, 2), placed),
    };
    const slope = training ? `${gain} * (g - (sum + (x - mean) * rstd * dot) * inverse)` : `${gain} * g`;
    const dx = needs[0] ? pointwiseOver(placed, vectors, { text: slope, lengths }) : null;
    return [dx, ...(weight ? [dot] : []), ...(bias ? [sum] : [])];
  });
}

/** Gradients of weight and bias, (2, channels). */
function channelDots(
  { x, layout }: Placed,
  statistics: Tensor,
  { g, lengths }: { g: Tensor; lengths: Tensor | null },
): Tensor {
  const out = new Tensor(allocate(x.device, 8 * layout.channels), [2, layout.channels], "float32");
  const inputs = [x, statistics, g, ...(lengths === null ? [] : [lengths])].map((t) => t.storage);
  run({ kernel: channelDotsKernel, args: layout, inputs, outputs: [out.storage] });
  return out;
}
