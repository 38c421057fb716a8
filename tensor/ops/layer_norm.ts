/** Layer normalisation (Ba et al. 2016, arXiv 1607.06450). @module */
import { track } from "../autograd.ts";
import type { GpuPlan, GpuTraits, Kernel } from "../device/kernel.ts";
import { allocate, run } from "../memory.ts";
import { sameShape, show, sizeOf } from "../shape.ts";
import { ones, zeros } from "../create.ts";
import { requireFloat, requireSameDevice, Tensor } from "../tensor.ts";
import { packed } from "./copy.ts";
import { type RowArgs, rowPlan } from "./rows.ts";
import { uniform } from "./wgsl.ts";

interface LayerNormArgs extends RowArgs {
  readonly eps: number;
}

/** Inputs [x, weight, bias]; outputs [y, statistics], statistics being mean and 1/deviation of each row. */
const layerNormKernel: Kernel<LayerNormArgs> = {
  name: "layerNorm",
  cpu: (args, inputs, outputs, runtime) => runtime.rows.layerNorm(args, inputs, outputs),
  webgpu: (args, traits) =>
    rowPlan(args, {
      label: "layerNorm",
      inputs: ["x", "weight", "bias"],
      outputs: ["y", "statistics"],
      scalars: [args.eps],
      body: `  let n = f32(columns);
  var part0 = 0.0; FOR { part0 += x[base + j]; } let mean = SUM(part0) / n;
  var part1 = 0.0; FOR { let d = x[base + j] - mean; part1 += d * d; }
  let rstd = inverseSqrt(SUM(part1) / n + scalar0);
  FOR { y[base + j] = (x[base + j] - mean) * rstd * weight[j] + bias[j]; }
  if (FIRST) { statistics[2u * row] = mean; statistics[2u * row + 1u] = rstd; }`,
    }, traits),
};

/** Inputs [x, weight, statistics, dy]; output [dx]. */
const layerNormInputKernel: Kernel<RowArgs> = {
  name: "layerNormBackward",
  cpu: (args, inputs, [dx], runtime) => runtime.rows.layerNormBackward(args, inputs, dx),
  webgpu: (args, traits) =>
    rowPlan(args, {
      label: "layerNormBackward",
      inputs: ["x", "weight", "statistics", "dy"],
      outputs: ["dx"],
      body: `  let n = f32(columns);
  let mean = statistics[2u * row]; let rstd = statistics[2u * row + 1u];
  var part0 = 0.0; var part1 = 0.0;
  FOR { let d = dy[base + j] * weight[j]; part0 += d; part1 += d * (x[base + j] - mean) * rstd; }
  let a = SUM(part0) / n; let b = SUM(part1) / n;
  FOR { dx[base + j] = rstd * (dy[base + j] * weight[j] - a - (x[base + j] - mean) * rstd * b); }`,
    }, traits),
};

/** Inputs [x, statistics, dy]; outputs [dWeight, dBias], sums over rows: first over blocks of rows, then over blocks. */
const layerNormWeightsKernel: Kernel<RowArgs> = {
  name: "layerNormWeights",
  cpu: (args, inputs, outputs, runtime) => runtime.rows.layerNormWeights(args, inputs, outputs),
  webgpu: weightsPlan,
};

function weightsPlan({ rows, columns }: RowArgs, traits: GpuTraits): GpuPlan {
  const block = Math.max(traits.software ? 64 : 16, Math.ceil(rows / 1024));
  const blocks = Math.ceil(rows / block);
  const words = uniform([rows, columns, block, blocks]);
  const head = `${words.declare(4)}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let j = id.x; let columns = ${words.u(1)};
  if (j >= columns) { return; }
  var dw = 0.0; var db = 0.0;`;
  const partial = `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> statistics: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> part: array<f32>;
${head}
  let first = id.y * ${words.u(2)};
  for (var row = first; row < min(first + ${words.u(2)}, ${words.u(0)}); row++) {
    let g = dy[row * columns + j];
    db += g;
    dw += g * (x[row * columns + j] - statistics[2u * row]) * statistics[2u * row + 1u];
  }
  part[2u * (id.y * columns + j)] = dw;
  part[2u * (id.y * columns + j) + 1u] = db;
}`;
  const total = `
@group(0) @binding(0) var<storage, read> part: array<f32>;
@group(0) @binding(1) var<storage, read_write> dWeight: array<f32>;
@group(0) @binding(2) var<storage, read_write> dBias: array<f32>;
${head.replace("binding(4)", "binding(3)")}
  for (var b = 0u; b < ${words.u(3)}; b++) {
    dw += part[2u * (b * columns + j)];
    db += part[2u * (b * columns + j) + 1u];
  }
  dWeight[j] = dw;
  dBias[j] = db;
}`;
  const groups = Math.ceil(columns / 64);
  const label = `layerNormWeights ${rows}x${columns}`;
  return {
    scratch: [8 * blocks * columns],
    dispatches: [
      { label, source: partial, bindings: [0, 1, 2, 5], uniform: words.data, grid: [groups, blocks, 1] },
      { label, source: total, bindings: [5, 3, 4], uniform: words.data, grid: [groups, 1, 1] },
    ],
  };
}

/** Options of {@linkcode layerNorm}. */
export interface LayerNormOptions {
  /** Scale, of the normalised axes' shape. Default 1. */
  weight?: Tensor | null;
  /** Shift, of the normalised axes' shape. Default 0. */
  bias?: Tensor | null;
  /** Added to the variance. Default 1e-5. */
  eps?: number;
}

/** Input gradients. */
function gradients(args: RowArgs, [x, weight, statistics, dy]: Tensor[], needs: readonly boolean[]): (Tensor | null)[] {
  const like = (t: Tensor) => new Tensor(allocate(t.device, 4 * t.size), t.shape, "float32");
  const [dx, dWeight, dBias] = [like(x), like(weight), like(weight)];
  if (needs[0]) {
    run({
      kernel: layerNormInputKernel,
      args,
      inputs: [x, weight, statistics, dy].map((t) => t.storage),
      outputs: [dx.storage],
    });
  }
  if (needs[1] || needs[2]) {
    const inputs = [x, statistics, dy].map((t) => t.storage);
    run({ kernel: layerNormWeightsKernel, args, inputs, outputs: [dWeight.storage, dBias.storage] });
  }
  return [dx, dWeight, dBias];
}

/**
 * (x − mean) / √(variance + eps) · weight + bias over the last axes of shape `normalizedShape`.
 *
 * @throws TypeError if the last axes of x, weight or bias do not have that shape.
 */
export function layerNorm(
  x: Tensor,
  normalizedShape: readonly number[],
  { weight, bias, eps = 1e-5 }: LayerNormOptions = {},
): Tensor {
  const last = x.shape.slice(x.ndim - normalizedShape.length);
  for (const t of [weight, bias]) {
    if (!sameShape(last, normalizedShape) || (t && !sameShape(t.shape, normalizedShape))) {
      throw new TypeError(
        `Cannot layerNorm ${show(x.shape)} over ${show(t?.shape ?? normalizedShape)}: the last axes are ${show(last)}`,
      );
    }
  }
  requireFloat("layerNorm", x);
  const { device } = x;
  const scale = weight ?? ones(normalizedShape, { device });
  const shift = bias ?? zeros(normalizedShape, { device });
  requireSameDevice("layerNorm", [x, scale, shift]);
  const [rows, w, b] = [x, scale, shift].map((t) => packed(t.detach()));
  const columns = sizeOf(normalizedShape);
  const args = { rows: x.size / columns, columns, eps };
  const out = new Tensor(allocate(device, 4 * x.size), x.shape, "float32");
  const statistics = new Tensor(allocate(device, 8 * args.rows), [args.rows, 2], "float32");
  run({
    kernel: layerNormKernel,
    args,
    inputs: [rows.storage, w.storage, b.storage],
    outputs: [out.storage, statistics.storage],
  });
  return track(
    "layerNorm",
    [x, scale, shift],
    out,
    (g, needs) => gradients(args, [rows, w, statistics, packed(g)], needs),
  );
}
