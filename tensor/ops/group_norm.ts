/** Group normalisation (Wu and He 2018, arXiv 1803.08494). @module */
import { track } from "../autograd.ts";
import { type Expr, input } from "../expr/expr.ts";
import { parse } from "../expr/parse.ts";
import { allocate, run } from "../memory.ts";
import { sameShape, show, sizeOf } from "../shape.ts";
import { requireFloat, requireSameDevice, Tensor } from "../tensor.ts";
import { channelDotsKernel, type ChannelLayout, channelMomentsKernel } from "./channels.ts";
import { packed } from "./copy.ts";
import { mapElements } from "./elementwise.ts";
import { expand, reshape } from "./views.ts";

/** Options of {@linkcode groupNorm} and `instanceNorm`. */
export interface GroupNormOptions {
  /** Scale of each channel. Default 1. */
  weight?: Tensor | null;
  /** Shift of each channel. Default 0. */
  bias?: Tensor | null;
  /** Added to the variance. Default 1e-5. */
  eps?: number;
}

/** x as (batch, groups, channels of a group, places). */
type Sizes = readonly [batch: number, groups: number, channels: number, places: number];

/** Rows of contiguous elements, each with statistics of its own. */
const rowsOf = (rows: number, size: number): ChannelLayout => ({
  ...{ outer: 1, channels: rows, inner: size / rows, time: 1, channelsLast: false, masked: false },
});

/** An elementwise expression over named tensors. */
function compute(text: string, named: Readonly<Record<string, Tensor>>): Tensor {
  const all = Object.entries(named);
  const names = Object.fromEntries(all.map(([name, t], i): [string, Expr] => [name, input(i, t.dtype)]));
  return mapElements("groupNorm", parse(text, names), all.map(([, t]) => t));
}

/** Mean, 1/deviation and 1/n of each group, (3, batch, groups, 1, 1). */
function groupStatistics(x: Tensor, [batch, groups]: Sizes, eps: number): Tensor {
  const rows = batch * groups;
  const out = new Tensor(allocate(x.device, 12 * rows), [3, rows], "float32");
  const args = { ...rowsOf(rows, x.size), eps, momentum: 0, running: false, tracked: false };
  run({ kernel: channelMomentsKernel, args, inputs: [x.storage], outputs: [out.storage] });
  return reshape(out, [3, batch, groups, 1, 1]);
}

/** Σ dy·(x − mean)/deviation and Σ dy of each channel of each sample, (2, batch, groups, channels, 1). */
function channelGradients(x: Tensor, g: Tensor, { statistics, sizes }: { statistics: Tensor; sizes: Sizes }): Tensor {
  const [batch, groups, channels] = sizes;
  const rows = batch * groups * channels;
  const own = packed(expand(statistics.slice(0, 0, 2), [2, batch, groups, channels, 1]));
  const out = new Tensor(allocate(x.device, 8 * rows), [2, rows], "float32");
  const inputs = [x, own, g].map((t) => t.storage);
  run({ kernel: channelDotsKernel, args: rowsOf(rows, x.size), inputs, outputs: [out.storage] });
  return reshape(out, [2, batch, groups, channels, 1]);
}

function check(op: string, x: Tensor, groups: number, { weight, bias }: GroupNormOptions): void {
  const all = [x, weight, bias].filter((t) => t instanceof Tensor);
  requireFloat(op, ...all);
  requireSameDevice(op, all);
  if (x.ndim < 2) throw new TypeError(`Cannot ${op} ${show(x.shape)}: expected (batch, channels) and any further axes`);
  const channels = x.shape[1];
  if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0) {
    throw new RangeError(`Cannot ${op} ${show(x.shape)} in ${groups} groups: they do not divide ${channels} channels`);
  }
  for (const [name, t] of [["weight", weight], ["bias", bias]] as const) {
    if (t && !sameShape(t.shape, [channels])) {
      throw new TypeError(`Cannot ${op} ${show(x.shape)}: ${name} is ${show(t.shape)}, expected [${channels}]`);
    }
  }
}

/**
 * (x − mean) / √(variance + eps) · weight + bias, mean and variance being those of a sample's group of neighbouring channels over all their
 * places. With one group all channels of a sample are normalised together.
 *
 * @param x float32 (batch, channels, …); copied first where it does not lie row-major
 * @throws RangeError if the groups do not divide the channels, TypeError for weight or bias of another shape.
 */
export function groupNorm(x: Tensor, groups: number, options: GroupNormOptions = {}): Tensor {
  return normalizeGroups("groupNorm", x, { ...options, groups });
}

/**
 * Group normalisation under an op's name (for ops).
 *
 * @ignore
 */
export function normalizeGroups(
  op: string,
  x: Tensor,
  { groups, weight = null, bias = null, eps = 1e-5 }: GroupNormOptions & { groups: number },
): Tensor {
  check(op, x, groups, { weight, bias });
  if (x.size === 0) return x;
  const [batch, channels, ...places] = x.shape;
  const sizes: Sizes = [batch, groups, channels / groups, sizeOf(places)];
  const rows = packed(x.detach());
  const statistics = groupStatistics(rows, sizes, eps);
  const perChannel = (t: Tensor) => reshape(t.detach(), [1, groups, channels / groups, 1]);
  const [mean, rstd, inverse] = [0, 1, 2].map((i) => statistics.select(0, i));
  const scale: Record<string, Tensor> = weight ? { weight: perChannel(weight) } : {};
  const shift: Record<string, Tensor> = bias ? { bias: perChannel(bias) } : {};
  const [times, plus] = [weight ? " * weight" : "", bias ? " + bias" : ""];
  const placed = reshape(rows, sizes);
  const y = compute(`(x - mean) * rstd${times}${plus}`, { x: placed, mean, rstd, ...scale, ...shift });
  return track(op, [x, ...[weight, bias].filter((t) => t !== null)], reshape(y, x.shape), (gradient) => {
    const g = packed(gradient);
    const sums = channelGradients(rows, g, { statistics, sizes });
    const ofGroups = (weight ? sums.mul(scale.weight) : sums).sum(3, { keepdim: true });
    const [dot, sum] = [0, 1].map((i) => ofGroups.select(0, i));
    const dx = compute(`rstd * (g${times} - (sum + (x - mean) * rstd * dot) * inverse)`, {
      ...{ g: reshape(g, sizes), x: placed, mean, rstd, inverse, dot, sum },
      ...scale,
    });
    const ofChannels = weight || bias ? reshape(sums.sum(1), [2, channels]) : null;
    const vectors = [weight, bias].map((t, i) => (t && ofChannels ? ofChannels.select(0, i) : null));
    return [reshape(dx, x.shape), ...vectors.filter((t) => t !== null)];
  });
}
