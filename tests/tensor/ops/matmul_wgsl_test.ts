import assert from "node:assert/strict";
import type { GpuPlan } from "../../../tensor/device/kernel.ts";
import type { MatmulArgs } from "../../../tensor/ops/matmul_kernel.ts";
import { matmulGpu, matmulNaiveGpu } from "../../../tensor/ops/matmul.wgsl.ts";
import { matmulRegisterGpu } from "../../../tensor/ops/matmul_register.wgsl.ts";
import { matmulTiledGpu } from "../../../tensor/ops/matmul_tiled.wgsl.ts";
import { GpuRunner, hardwareTraits, softwareTraits } from "../gpu_runner.ts";

type Variant = (args: MatmulArgs) => GpuPlan;

const chosen: Record<string, Variant> = {
  naive: matmulNaiveGpu,
  software: (args) => matmulGpu(args, softwareTraits),
  hardware: (args) => matmulGpu(args, hardwareTraits),
};
/** Tiles that are otherwise chosen for larger products than a test should run. */
const forced: Record<string, Variant> = {
  "software 4x16": (args) => matmulRegisterGpu(args, [4, 16]),
  "software 16x4": (args) => matmulRegisterGpu(args, [16, 4]),
  "software 16x16": (args) => matmulRegisterGpu(args, [16, 16]),
  "hardware 64x64": (args) => matmulTiledGpu(args, [64, 64]),
  "hardware 128x64": (args) => matmulTiledGpu(args, [128, 64]),
};
const variants = { ...chosen, ...forced };

interface Case {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batch?: readonly [number, number];
  /** A and B are stored transposed. */
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** Elements between rows beyond their length, and before the first. */
  readonly padding?: number;
  /** Batch axes along which A or B repeats. */
  readonly repeatA?: readonly [boolean, boolean];
  readonly repeatB?: readonly [boolean, boolean];
  /** Every second element only, along both axes. */
  readonly strided?: boolean;
  readonly alpha?: number;
  readonly bias?: boolean;
  readonly relu?: boolean;
}

function layout(
  rows: number,
  cols: number,
  batch: readonly [number, number],
  { transpose = false, padding = 0, repeat = [false, false] as readonly [boolean, boolean], step = 1 },
) {
  const [outer, inner] = transpose ? [cols, rows] : [rows, cols];
  const pitch = inner * step + padding;
  const matrix = outer * pitch * step;
  const strides: [number, number] = [repeat[0] ? 0 : matrix * (repeat[1] ? 1 : batch[1]), repeat[1] ? 0 : matrix];
  return {
    offset: padding,
    batch: strides,
    row: transpose ? step : pitch * step,
    col: transpose ? pitch * step : step,
    size: padding + matrix * batch[0] * batch[1],
  };
}

function toArgs(
  { m, n, k, batch = [1, 1], alpha = 1, bias, relu, padding, strided, transposeA, transposeB, repeatA, repeatB }: Case,
) {
  const step = strided ? 2 : 1;
  const a = layout(m, k, batch, { transpose: transposeA, padding, repeat: repeatA, step });
  const b = layout(k, n, batch, { transpose: transposeB, padding, repeat: repeatB, step });
  const c = layout(m, n, batch, { padding });
  const args: MatmulArgs = {
    ...{ batch, m, n, k, a, b, c, alpha },
    bias: bias ? (padding ?? 0) : null,
    activation: relu ? "relu" : "none",
  };
  return { args, sizes: [a.size, b.size, n + (padding ?? 0), c.size] };
}

/** Numbers in [-1, 1), the same on every run. */
function numbers(count: number, seed: number): Float32Array<ArrayBuffer> {
  const data = new Float32Array(count);
  let state = seed;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = state / 2 ** 31 - 1;
  }
  return data;
}

/** Writes the float64 product into `c`, elements in between untouched. */
function oracle(args: MatmulArgs, a: Float32Array, b: Float32Array, bias: Float32Array, c: Float32Array): void {
  const at = (l: MatmulArgs["a"], z0: number, z1: number) => l.offset + z0 * l.batch[0] + z1 * l.batch[1];
  for (let z = 0; z < args.batch[0] * args.batch[1]; z++) {
    const [z0, z1] = [Math.floor(z / args.batch[1]), z % args.batch[1]];
    const [a0, b0, c0] = [at(args.a, z0, z1), at(args.b, z0, z1), at(args.c, z0, z1)];
    for (let i = 0; i < args.m; i++) {
      for (let j = 0; j < args.n; j++) {
        let sum = 0;
        for (let p = 0; p < args.k; p++) {
          sum += a[a0 + i * args.a.row + p * args.a.col] * b[b0 + p * args.b.row + j * args.b.col];
        }
        sum = args.alpha * sum + (args.bias === null ? 0 : bias[args.bias + j]);
        c[c0 + i * args.c.row + j] = args.activation === "relu" ? Math.max(sum, 0) : sum;
      }
    }
  }
}

async function check(runner: GpuRunner, name: string, shape: Case): Promise<void> {
  const { args, sizes } = toArgs(shape);
  const [a, b, bias] = [numbers(sizes[0], 1), numbers(sizes[1], 2), numbers(sizes[2], 3)];
  const expected = new Float32Array(sizes[3]).fill(7);
  oracle(args, a, b, bias, expected);
  const [actual] = await runner.run(
    variants[name](args),
    args.bias === null ? [a, b] : [a, b, bias],
    [new Float32Array(sizes[3]).fill(7)],
  );
  const tolerance = 1e-6 * Math.sqrt(args.k) * 4 * Math.max(1, args.alpha);
  const wrong = expected.findIndex((value, i) => !(Math.abs(actual[i] - value) <= tolerance));
  const text = `${name} ${JSON.stringify(shape)}: element ${wrong} is ${actual[wrong]}, not ${expected[wrong]}`;
  assert.equal(wrong, -1, text);
}

const transposes = [[false, false], [false, true], [true, false], [true, true]];
const epilogues: Partial<Case>[] = [{}, { bias: true }, { alpha: 0.25, bias: true, relu: true }];
const sizes = [[1, 1, 1], [1, 257, 65], [257, 1, 64], [63, 65, 1], [64, 64, 64], [65, 63, 257], [257, 130, 65]];
const odd: Case[] = sizes.flatMap(([m, n, k], i) =>
  transposes.map(([transposeA, transposeB], j) => ({
    ...{ m, n, k, transposeA, transposeB },
    ...epilogues[(i + j) % epilogues.length],
  }))
);
const special: Case[] = [
  { m: 65, n: 33, k: 40, padding: 3, bias: true },
  { m: 65, n: 33, k: 40, padding: 3, transposeA: true, transposeB: true },
  { m: 64, n: 64, k: 32, padding: 4 },
  { m: 33, n: 34, k: 35, strided: true },
  { m: 33, n: 34, k: 35, strided: true, transposeA: true, batch: [2, 2] },
  { m: 20, n: 17, k: 9, batch: [3, 2], alpha: 0.5 },
  { m: 20, n: 17, k: 9, batch: [3, 2], repeatA: [true, false], relu: true },
  { m: 128, n: 128, k: 20, batch: [3, 2], transposeB: true, repeatB: [false, true] },
  { m: 20, n: 17, k: 9, batch: [2, 3], repeatA: [false, true], repeatB: [true, true], transposeA: true },
  { m: 40, n: 80, k: 2048, transposeA: true, alpha: 2 },
  { m: 40, n: 81, k: 2047, transposeA: true, bias: true, relu: true },
  { m: 7, n: 9, k: 1500, batch: [2, 2] },
  { m: 300, n: 240, k: 80, bias: true },
  { m: 512, n: 96, k: 33, transposeB: true },
];

for (const name of Object.keys(variants)) {
  Deno.test(`matmul ${name} equals the product in float64`, async () => {
    const runner = await GpuRunner.open();
    if (!runner) return;
    for (const shape of name in chosen ? [...odd, ...special] : special) await check(runner, name, shape);
    runner.close();
  });
}

Deno.test("matmul folds more than 65,535 workgroups", async () => {
  const runner = await GpuRunner.open();
  if (!runner) return;
  await check(runner, "software", { m: 3, n: 2, k: 2, batch: [70_001, 8] });
  await check(runner, "naive", { m: 4_200_000, n: 1, k: 1 });
  runner.close();
});
