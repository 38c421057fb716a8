/**
 * Matrix product for GPUs: a workgroup of 256 stages tiles of A and B through shared memory and computes a tile of C, several outputs a
 * thread. A thread's columns lie 16 apart and so do its rows: shared reads are free of bank conflicts, stores to C coalesce.
 * @module
 */
import type { Dispatch, GpuPlan } from "../device/kernel.ts";
import type { MatmulArgs, MatrixLayout } from "./matmul_kernel.ts";
import { epilogue, MATMUL_WORDS, matmulBindingIndices, matmulLabel, matmulLets, matmulWords } from "./matmul_params.ts";
import { reduceSplits } from "./matmul_reduce.wgsl.ts";
import { foldGrid, uniformWords } from "./wgsl.ts";

/** Rows and columns of C a workgroup computes; multiples of 16. */
export type WorkgroupTile = readonly [rows: number, cols: number];

const THREADS = 256;
/** k of a stage. */
const DEPTH = 16;
/** Workgroups that keep a large GPU busy, and the least k of a split. */
const ENOUGH = 256;
const MIN_SPLIT = 128;

/** One dispatch, or two where k is split. Inputs [A, B, bias?], output C. */
export function matmulTiledGpu(args: MatmulArgs, tile: WorkgroupTile = chooseTile(args)): GpuPlan {
  const wanted = Math.floor(ENOUGH / tileCount(args, tile));
  const splits = Math.max(1, Math.min(wanted, Math.floor(args.k / MIN_SPLIT)));
  if (splits === 1) return { dispatches: [product(args, tile, { splits, bindings: matmulBindingIndices(args) })] };
  const { batch, m, n } = args;
  const c = { offset: 0, batch: [batch[1] * m * n, m * n], row: n, col: 1 } as const;
  const partial: MatmulArgs = { ...args, c, alpha: 1, bias: null, activation: "none" };
  const output = args.bias === null ? 2 : 3;
  const bias = args.bias === null ? null : 2;
  return {
    dispatches: [
      product(partial, tile, { splits, bindings: [0, 1, output + 1] }),
      reduceSplits(args, { splits, parts: output + 1, bias, c: output }),
    ],
    scratch: [splits * batch[0] * batch[1] * m * n * 4],
  };
}

function tileCount({ m, n, batch }: MatmulArgs, [rows, cols]: WorkgroupTile): number {
  return batch[0] * batch[1] * Math.ceil(m / rows) * Math.ceil(n / cols);
}

/** The largest tile that is mostly filled and leaves work for every core. */
function chooseTile(args: MatmulArgs): WorkgroupTile {
  if (args.m <= 32 || args.n <= 32) return [32, 32];
  return tileCount(args, [128, 64]) >= ENOUGH ? [128, 64] : [64, 64];
}

function product(
  args: MatmulArgs,
  tile: WorkgroupTile,
  { splits, bindings }: { splits: number; bindings: readonly number[] },
): Dispatch {
  const { m, n, k, batch } = args;
  const count = tileCount(args, tile) * splits;
  const splitLength = Math.ceil(k / splits / DEPTH) * DEPTH;
  const batches = batch[0] * batch[1];
  return {
    label: matmulLabel(`matmul tiled ${tile.join("x")}${splits > 1 ? ` split ${splits}` : ""}`, args),
    source: source(args, tile),
    bindings,
    uniform: uniformWords([
      ...matmulWords(args),
      ...[count, Math.ceil(m / tile[0]), Math.ceil(n / tile[1]), batches, splitLength, batches * m * n],
    ]),
    grid: foldGrid(count),
  };
}

const EXTRA = ["count", "rowTiles", "colTiles", "batches", "splitLength", "splitStride"];

/** How a tile is read: which axis is contiguous, and whether in vec4. */
interface Reading {
  readonly name: "a" | "b";
  /** Elements of the tile along m or n. */
  readonly size: number;
  /** Whether consecutive threads go along k. */
  readonly alongK: boolean;
  readonly vec4: boolean;
}

function reading(name: "a" | "b", layout: MatrixLayout, args: MatmulArgs, size: number): Reading {
  const [inner, outer] = name === "a" ? [layout.col, layout.row] : [layout.row, layout.col];
  const alongK = inner === 1 || (outer !== 1 && inner < outer);
  const [step, pitch, length] = alongK ? [inner, outer, args.k] : [outer, inner, name === "a" ? args.m : args.n];
  const vec4 = step === 1 && [layout.offset, ...layout.batch, pitch, length].every((x) => x % 4 === 0);
  return { name, size, alongK, vec4 };
}

function times(count: number, line: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => line(i)).join("\n");
}

function source(args: MatmulArgs, [rows, cols]: WorkgroupTile): string {
  const [tm, tn] = [rows / 16, cols / 16];
  const a = reading("a", args.a, args, rows);
  const b = reading("b", args.b, args, cols);
  const cells = (line: (i: number, j: number) => string) => times(tm, (i) => times(tn, (j) => line(i, j)));
  return `
${bindingsOf(args, a.vec4, b.vec4)}
var<workgroup> tileA: array<f32, ${DEPTH * (rows + 1)}>;
var<workgroup> tileB: array<f32, ${DEPTH * (cols + 1)}>;
@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
${matmulLets(EXTRA)}
  let index = group.y * grid.x + group.x;
  if (index >= count) { return; }
  let col0 = (index % colTiles) * ${cols}u;
  let row0 = ((index / colTiles) % rowTiles) * ${rows}u;
  let matrix = index / (colTiles * rowTiles);
  let z0 = (matrix % batches) / batch1;
  let z1 = (matrix % batches) % batch1;
  let split = matrix / batches;
  let end = min(k, (split + 1u) * splitLength);
  let aBase = a0 + z0 * aBatch0 + z1 * aBatch1;
  let bBase = b0 + z0 * bBatch0 + z1 * bBatch1;
  let tx = thread % 16u;
  let ty = thread / 16u;
${cells((i, j) => `  var s${i}_${j} = 0.0;`)}
  for (var p0 = split * splitLength; p0 < end; p0 += ${DEPTH}u) {
${stage(a)}
${stage(b)}
    workgroupBarrier();
    for (var p = 0u; p < ${DEPTH}u; p++) {
${times(tm, (i) => `      let a${i} = tileA[p * ${rows + 1}u + ty + ${i * 16}u];`)}
${times(tn, (j) => `      let b${j} = tileB[p * ${cols + 1}u + tx + ${j * 16}u];`)}
${cells((i, j) => `      s${i}_${j} += a${i} * b${j};`)}
    }
    workgroupBarrier();
  }
  let cBase = c0 + split * splitStride + z0 * cBatch0 + z1 * cBatch1;
${cells((i, j) => storeCell(args, i, j))}
}
`;
}

function bindingsOf(args: MatmulArgs, aVec4: boolean, bVec4: boolean): string {
  const type = (vec4: boolean) => vec4 ? "vec4<f32>" : "f32";
  const last = args.bias === null ? 2 : 3;
  return `
@group(0) @binding(0) var<storage, read> a: array<${type(aVec4)}>;
@group(0) @binding(1) var<storage, read> b: array<${type(bVec4)}>;
${args.bias === null ? "" : "@group(0) @binding(2) var<storage, read> bias: array<f32>;"}
@group(0) @binding(${last}) var<storage, read_write> c: array<f32>;
@group(0) @binding(${last + 1}) var<uniform> P: array<vec4<u32>, ${Math.ceil((MATMUL_WORDS + EXTRA.length) / 4)}>;`;
}

/** Copies the tile of \`name\` at k = p0 into shared memory, four elements a thread at a time, zeros outside. */
function stage({ name, size, alongK, vec4 }: Reading): string {
  const [limit, first, shared] = name === "a" ? ["m", "row0", "tileA"] : ["n", "col0", "tileB"];
  const [outerStride, innerStride] = name === "a" ? ["aRow", "aCol"] : ["bCol", "bRow"];
  const [p, x, perLine] = alongK ? ["near", "far", DEPTH / 4] : ["far", "near", size / 4];
  const element = (e: number) => {
    const [pe, xe] = alongK ? [`p0 + p + ${e}u`, "outer"] : ["p0 + p", `outer + ${e}u`];
    return `select(0.0, ${name}[at + ${e}u * ${alongK ? innerStride : outerStride}], ${pe} < end && ${xe} < ${limit})`;
  };
  const value = vec4
    ? `select(vec4<f32>(0.0), ${name}[at / 4u], p0 + p < end && outer < ${limit})`
    : `vec4<f32>(${[0, 1, 2, 3].map(element).join(",\n        ")})`;
  const place = (e: number) => alongK ? `(p + ${e}u) * ${size + 1}u + x` : `p * ${size + 1}u + x + ${e}u`;
  return `
    for (var quad = thread; quad < ${DEPTH * size / 4}u; quad += ${THREADS}u) {
      let near = (quad % ${perLine}u) * 4u;
      let far = quad / ${perLine}u;
      let p = ${p};
      let x = ${x};
      let outer = ${first} + x;
      let at = ${name}Base + (p0 + p) * ${innerStride} + outer * ${outerStride};
      let value = ${value};
${times(4, (e) => `      ${shared}[${place(e)}] = value.${"xyzw"[e]};`)}
    }`;
}

function storeCell(args: MatmulArgs, i: number, j: number): string {
  const [row, col] = [`row0 + ty + ${i * 16}u`, `col0 + tx + ${j * 16}u`];
  const value = epilogue(args, `s${i}_${j}`, `${col}`);
  return `  if (${row} < m && ${col} < n) { c[cBase + (${row}) * cRow + ${col}] = ${value}; }`;
}
