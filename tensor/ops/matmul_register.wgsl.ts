/**
 * Matrix product for software adapters: one big tile of C in each invocation's registers and no shared memory. An adapter such as
 * llvmpipe runs eight invocations as lanes of one SIMD register and loads lane by lane, whether their addresses agree or not: loads take
 * most of the time. So the tile is large, both operands are read as vec4 along their outer axis (packed so where they do not lie so), on
 * llvmpipe as texels (`tensor/webgpu/texel_reads.ts`). The sums of a tile are too many for a processor's registers: k steps by four, so
 * that each is loaded and stored a quarter as often.
 * @module
 */
import type { Dispatch, GpuPlan } from "../device/kernel.ts";
import type { MatmulArgs } from "./matmul_kernel.ts";
import { matmulLabel } from "./matmul_params.ts";
import { asStrips, isPacked, pack, type Panel, panelOfA, panelOfB, type Strips } from "./matmul_pack.wgsl.ts";
import { reduceSplits } from "./matmul_reduce.wgsl.ts";
import { floatBits, foldGrid, uniformLets, uniformWords } from "./wgsl.ts";

/** Rows and columns of C an invocation computes; multiples of 4. */
export type RegisterTile = readonly [rows: number, cols: number];

const TILES: readonly RegisterTile[] = [[16, 16], [4, 16], [16, 4]];
/** Slower, but compiled in a fifth of the time: for products of at most so many multiplications. */
const SMALL_TILE: RegisterTile = [4, 4];
const SMALL = 2 ** 18;
/** Columns of A in a round of the inner loop. */
const UNROLL = 4;
const WORKGROUP = 8;
/** Invocations that keep a few cores busy. */
const ENOUGH = 256;
/** Least k of a split, and most: llvmpipe ends loops after 65,535 turns. */
const MIN_SPLIT = 64;
const MAX_SPLIT = 32768;

/** Plan of a product: packing where needed, the product, and a reduction where k is split. Inputs [A, B, bias?], output C. */
export function matmulRegisterGpu(args: MatmulArgs, tile: RegisterTile = chooseTile(args)): GpuPlan {
  const { m, n, k, batch } = args;
  const dispatches: Dispatch[] = [];
  const scratch: number[] = [];
  const hasBias = args.bias !== null;
  const c = hasBias ? 3 : 2;
  const place = (panel: Panel, size: number, from: number): [Strips, number] => {
    if (isPacked(panel, size)) return [asStrips(panel), from];
    const packing = pack(panel, { k, size, batch, from, to: c + 1 + scratch.length });
    dispatches.push(packing.dispatch);
    scratch.push(packing.bytes);
    return [packing.strips, c + scratch.length];
  };
  const [a, aBinding] = place(panelOfA(args.a), m, 0);
  const [b, bBinding] = place(panelOfB(args.b), n, 1);
  const bindings = { a: aBinding, b: bBinding, bias: hasBias ? 2 : null, c, parts: c + 1 + scratch.length };
  const plan = multiplyStrips(args, { a, b, tile, bindings });
  dispatches.push(...plan.dispatches);
  if (plan.partBytes > 0) scratch.push(plan.partBytes);
  return scratch.length ? { dispatches, scratch } : { dispatches };
}

/** What {@linkcode multiplyStrips} reads and writes: bindings of the call, `parts` for partial products. */
interface StripBindings {
  readonly a: number;
  readonly b: number;
  readonly bias: number | null;
  readonly c: number;
  readonly parts: number;
}

/** The product of operands in strips (`args.a` and `args.b` are not looked at), and the bytes that partial products need. */
export function multiplyStrips(
  args: MatmulArgs,
  { a, b, tile = chooseTile(args), bindings }: { a: Strips; b: Strips; tile?: RegisterTile; bindings: StripBindings },
): { dispatches: Dispatch[]; partBytes: number } {
  const splits = chooseSplits(args, tile);
  const { bias, c, parts } = bindings;
  const operands = [bindings.a, bindings.b];
  if (splits === 1) {
    const all = [...operands, ...(bias === null ? [] : [bias]), c];
    return { dispatches: [product(args, { a, b, tile, bindings: all, splits })], partBytes: 0 };
  }
  const { batch, m, n } = args;
  return {
    dispatches: [
      product(partial(args), { a, b, tile, bindings: [...operands, parts], splits }),
      reduceSplits(args, { splits, parts, bias, c }),
    ],
    partBytes: splits * batch[0] * batch[1] * m * n * 4,
  };
}

/** The same product without epilogue into contiguous (batch, m, n). */
function partial(args: MatmulArgs): MatmulArgs {
  const { batch, m, n } = args;
  const c = { offset: 0, batch: [batch[1] * m * n, m * n], row: n, col: 1 } as const;
  return { ...args, c, alpha: 1, bias: null, activation: "none" };
}

function tileCount({ m, n, batch }: MatmulArgs, [rows, cols]: RegisterTile): number {
  return batch[0] * batch[1] * Math.ceil(m / rows) * Math.ceil(n / cols);
}

/** The tile with the least estimated time: loads at 4.5 ns for eight lanes, multiplications with additions at 0.35 ns. */
function chooseTile(args: MatmulArgs): RegisterTile {
  const cost = ([rows, cols]: RegisterTile) =>
    tileCount(args, [rows, cols]) * (4.5 * (rows + cols) + 0.35 * rows * cols + 5);
  const multiplications = args.batch[0] * args.batch[1] * args.m * args.n * args.k;
  if (multiplications <= SMALL) return SMALL_TILE;
  return TILES.reduce((best, tile) => cost(tile) < cost(best) ? tile : best);
}

function chooseSplits(args: MatmulArgs, tile: RegisterTile): number {
  const wanted = Math.ceil(ENOUGH / tileCount(args, tile));
  const most = Math.max(1, Math.floor(args.k / MIN_SPLIT));
  return Math.max(Math.min(wanted, most), Math.ceil(args.k / MAX_SPLIT));
}

interface Product {
  readonly a: Strips;
  readonly b: Strips;
  readonly tile: RegisterTile;
  readonly bindings: readonly number[];
  readonly splits: number;
}

function product(args: MatmulArgs, { a, b, tile, bindings, splits }: Product): Dispatch {
  const { m, n, k, batch, c } = args;
  const count = tileCount(args, tile) * splits;
  const vec4 = [n, c.offset, c.row, ...c.batch].every((x) => x % 4 === 0);
  const words = [
    ...[count, m, n, k, Math.ceil(m / tile[0]), Math.ceil(n / tile[1]), batch[0] * batch[1], batch[1]],
    ...[a.offset / 4, a.batch[0] / 4, a.batch[1] / 4, a.inner / 4],
    ...[b.offset / 4, b.batch[0] / 4, b.batch[1] / 4, b.inner / 4],
    ...[c.offset, c.batch[0], c.batch[1], c.row],
    ...[args.bias ?? 0, floatBits(args.alpha), Number(args.activation === "relu")],
    ...[Math.ceil(k / splits), batch[0] * batch[1] * m * n, a.strip / 4, b.strip / 4],
  ];
  return {
    label: matmulLabel(`matmul ${tile[0]}x${tile[1]}${splits > 1 ? ` split ${splits}` : ""}`, args),
    source: source(tile, { vec4, bias: args.bias !== null }),
    bindings,
    uniform: uniformWords(words),
    grid: foldGrid(Math.ceil(count / WORKGROUP)),
  };
}

const LETS = uniformLets(
  [
    ..."count m n k rowTiles colTiles batches batch1 a0 aBatch0 aBatch1 aInner b0 bBatch0 bBatch1 bInner".split(" "),
    ..."c0 cBatch0 cBatch1 cRow bias0 alpha relu splitLength splitStride aStrip bStrip".split(" "),
  ],
  ["alpha"],
);

/**
 * Bands of as many rows of tiles as a workgroup has lanes, and within a band column after column: so the rows of A stay in the cache
 * while those of B pass by. Rows that fill no band come last.
 */
const TRAVERSAL = `
  let place = index - matrix * rowTiles * colTiles;
  let whole = rowTiles - rowTiles % ${WORKGROUP}u;
  let isWhole = place < whole * colTiles;
  let height = select(rowTiles - whole, ${WORKGROUP}u, isWhole);
  let band = select(whole / ${WORKGROUP}u, place / (${WORKGROUP}u * colTiles), isWhole);
  let inBand = place - band * ${WORKGROUP}u * colTiles;
  let rowTile = band * ${WORKGROUP}u + inBand % height;
  let colTile = inBand / height;`;

function times(count: number, line: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => line(i)).join("\n");
}

function source([rows, cols]: RegisterTile, { vec4, bias }: { vec4: boolean; bias: boolean }): string {
  const [rows4, cols4] = [rows / 4, cols / 4];
  const last = bias ? 3 : 2;
  return `
@group(0) @binding(0) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;
${bias ? "@group(0) @binding(2) var<storage, read> bias: array<f32>;" : ""}
@group(0) @binding(${last}) var<storage, read_write> c: array<${vec4 ? "vec4<f32>" : "f32"}>;
@group(0) @binding(${last + 1}) var<uniform> P: array<vec4<u32>, 7>;
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>) {
${LETS}
  let index = id.y * grid.x * ${WORKGROUP}u + id.x;
  if (index >= count) { return; }
  let matrix = index / (rowTiles * colTiles);
${TRAVERSAL}
  let row4 = rowTile * ${rows4}u;
  let col4 = colTile * ${cols4}u;
  let z = matrix % batches;
  let z0 = z / batch1;
  let z1 = z % batch1;
  let split = matrix / batches;
  let first = split * splitLength;
  let steps = min(splitLength, max(k, first) - first);
  var ai = a0 + z0 * aBatch0 + z1 * aBatch1 + first * aInner + (row4 >> 2u) * aStrip + (row4 & 3u);
  var bi = b0 + z0 * bBatch0 + z1 * bBatch1 + first * bInner + (col4 >> 2u) * bStrip + (col4 & 3u);
${times(rows, (i) => times(cols4, (j) => `  var c${i}_${j} = vec4<f32>(0.0);`))}
  for (var left = steps / ${UNROLL}u; left > 0u; left--) {
${round([rows, cols], UNROLL)}
  }
  for (var left = steps % ${UNROLL}u; left > 0u; left--) {
${round([rows, cols], 1)}
  }
  let columns = min(${cols}u, n - col4 * 4u);
${bias ? biasLets(cols) : ""}
  var ci = c0 + split * splitStride + z0 * cBatch0 + z1 * cBatch1 + row4 * 4u * cRow + col4 * 4u;
  for (var left = min(${rows}u, m - row4 * 4u); left > 0u; left--) {
${times(cols4, (j) => storeVec4(j, { vec4, bias }))}
    ci += cRow;
${times(rows - 1, (i) => times(cols4, (j) => `    c${i}_${j} = c${i + 1}_${j};`))}
  }
}
`;
}

/** Multiplies \`steps\` columns of A by as many rows of B: the sums are too many for registers, so each visit to one has to be worth it. */
function round([rows, cols]: RegisterTile, steps: number): string {
  const [rows4, cols4] = [rows / 4, cols / 4];
  const terms = (i: number, j: number) =>
    Array.from({ length: steps }, (_, u) => `a${u}_${i >> 2}.${"xyzw"[i & 3]} * b${u}_${j}`).join(" + ");
  return `
${
    times(steps, (u) =>
      `${times(rows4, (i) => `    let a${u}_${i} = a[ai + ${i}u];`)}
${times(cols4, (j) => `    let b${u}_${j} = b[bi + ${j}u];`)}
    ai += aInner;
    bi += bInner;`)
  }
${times(rows, (i) => times(cols4, (j) => `    c${i}_${j} = c${i}_${j} + ${terms(i, j)};`))}`;
}

function biasLets(cols: number): string {
  const read = (j: number) => `bias[bias0 + min(col4 * 4u + ${j}u, n - 1u)]`;
  return times(cols / 4, (j) => `  let d${j} = vec4<f32>(${[0, 1, 2, 3].map((i) => read(j * 4 + i)).join(", ")});`);
}

/** Stores columns 4j … 4j + 3 of the first row; the loop moves the other rows up, so that the code holds one row's stores. */
function storeVec4(j: number, { vec4, bias }: { vec4: boolean; bias: boolean }): string {
  const value = `let v${j} = alpha * c0_${j}${bias ? ` + d${j}` : ""};
    let w${j} = select(v${j}, max(v${j}, vec4<f32>(0.0)), relu != 0u);`;
  if (vec4) return `    ${value}\n    if (${j * 4}u < columns) { c[(ci >> 2u) + ${j}u] = w${j}; }`;
  const stores = [0, 1, 2, 3].map((i) =>
    `    if (${j * 4 + i}u < columns) { c[ci + ${j * 4 + i}u] = w${j}.${"xyzw"[i]}; }`
  );
  return `    ${value}\n${stores.join("\n")}`;
}
