/**
 * Plans matrix products: which loops run where. Every division depends on the shape alone, so that results do not depend on the number
 * of threads.
 * @module
 */
import { naiveGemm } from "./gemm_naive.ts";
import { floatBits, type JobFunction, type Jobs, MAX_CHUNKS } from "./jobs.ts";
import type { Gemm, MatrixView } from "./runtime.ts";
import {
  BLOCK_M,
  blockK,
  GEMM_SCRATCH,
  PACK_ARGUMENTS,
  PRODUCTS_ARGUMENTS,
  REDUCE_ARGUMENTS,
  TILES_ARGUMENTS,
} from "./wasm/gemm.ts";

/** Jobs of the module that {@linkcode addGemm} writes. */
export type GemmJobs = Record<"packB" | "tiles" | "products" | "reduce", JobFunction>;

/** Multiply-adds below which a product is not divided. */
const SMALL = 2 ** 18;
/** Multiply-adds of a chunk: at least some twenty microseconds, and at most a millisecond. */
const SMALL_CHUNK = 2 ** 19;
const LARGE_CHUNK = 2 ** 24;
/** K is cut into pieces of this length where it is long and the result small. */
const SPLIT_K = 256;
const SPLIT_RESULT = 2 ** 16;
const MAX_PIECES = 32;

/** A product's addresses, byte strides and epilogue. */
interface Operands {
  readonly a: number;
  readonly aRow: number;
  readonly aCol: number;
  readonly b: number;
  readonly bRow: number;
  readonly bCol: number;
  readonly c: number;
  readonly cRow: number;
  readonly bias: number;
  readonly alpha: number;
  readonly floor: number;
}

/** Runs matrix products as jobs. */
export class GemmPlanner {
  readonly #jobs: Jobs;
  readonly #functions: GemmJobs;

  constructor(jobs: Jobs, functions: GemmJobs) {
    this.#jobs = jobs;
    this.#functions = functions;
  }

  run(args: Gemm): void {
    const g = mergeBatch(args);
    const count = g.batch[0] * g.batch[1];
    if (count * g.m * g.n === 0) return;
    if (g.k === 0) return naiveGemm(g);
    const work = g.m * g.n * g.k;
    if (count === 1 && g.k >= 4 * SPLIT_K && g.m * g.n <= SPLIT_RESULT) return this.#splitK(g);
    if (count >= 16 || work * count <= SMALL || work <= SMALL) return this.#products(g);
    for (let i = 0; i < g.batch[0]; i++) {
      for (let j = 0; j < g.batch[1]; j++) this.#tiles(g, i, j);
    }
  }

  /** Many products, each on one thread. */
  #products(g: Gemm): void {
    const total = g.batch[0] * g.batch[1];
    const perChunk = Math.max(Math.ceil(SMALL_CHUNK / (g.m * g.n * g.k)), Math.ceil(total / MAX_CHUNKS));
    const { a, b, c, m, n, k } = g;
    const words = PRODUCTS_ARGUMENTS.words({
      ...operands(g, 0, 0),
      ...{ m, n, k, kc: blockK(k), total, perChunk, batch1: g.batch[1], kStep: 0, kTotal: k },
      ...{ a0: 4 * a.batch[0], a1: 4 * a.batch[1], b0: 4 * b.batch[0], b1: 4 * b.batch[1] },
      ...{ c0: 4 * c.batch[0], c1: 4 * c.batch[1], ...this.#scratch() },
    });
    this.#jobs.run(this.#functions.products, words, Math.ceil(total / perChunk));
  }

  /** One product whose K is cut into pieces; the pieces' results are summed afterwards. */
  #splitK(g: Gemm): void {
    const { m, n, k } = g;
    const length = Math.max(SPLIT_K, Math.ceil(k / MAX_PIECES / 16) * 16);
    const pieces = Math.ceil(k / length);
    const partial = this.#jobs.heap.allocateInternal(4 * m * n * pieces);
    const o = operands(g, 0, 0);
    const words = PRODUCTS_ARGUMENTS.words({
      ...o,
      ...{ c: partial.ptr, cRow: 4 * n, bias: 0, alpha: floatBits(1), floor: floatBits(-Infinity) },
      ...{ m, n, k: length, kc: blockK(length), total: pieces, perChunk: 1, batch1: pieces, kStep: length, kTotal: k },
      ...{ a0: 0, a1: length * o.aCol, b0: 0, b1: length * o.bRow, c0: 0, c1: 4 * m * n, ...this.#scratch() },
    });
    this.#jobs.run(this.#functions.products, words, pieces);
    const rows = Math.max(1, Math.ceil(SMALL / 4 / (n * pieces)));
    const reduce = { ...o, partial: partial.ptr, count: pieces, step: 4 * m * n, m, n, rows };
    this.#jobs.run(this.#functions.reduce, REDUCE_ARGUMENTS.words(reduce), Math.ceil(m / rows));
    this.#jobs.heap.release(partial);
  }

  /** One large product: B is packed once for all threads, then blocks of C are chunks. */
  #tiles(g: Gemm, batch0: number, batch1: number): void {
    const { m, n, k } = g;
    const o = operands(g, batch0, batch1);
    const packed = this.#jobs.heap.allocateInternal(4 * k * (n + 8));
    const kc = blockK(k);
    const panels = Math.max(1, Math.ceil(16384 / 8 / kc));
    const groups = Math.ceil(n / 8 / panels);
    const pack = { b: o.b, row: o.bRow, column: o.bCol, k, n, kc, to: packed.ptr, panels, groups };
    this.#jobs.run(this.#functions.packB, PACK_ARGUMENTS.words(pack), groups * Math.ceil(k / kc));
    const { mb, nb } = tileSizes(m, n, k);
    const nBlocks = Math.ceil(n / nb);
    const words = TILES_ARGUMENTS.words({ ...o, packed: packed.ptr, m, n, k, kc, mb, nb, nBlocks, ...this.#scratch() });
    this.#jobs.run(this.#functions.tiles, words, nBlocks * Math.ceil(m / mb));
    this.#jobs.heap.release(packed);
  }

  #scratch(): { scratch: number; stride: number } {
    const { ptr, stride } = this.#jobs.scratch(GEMM_SCRATCH);
    return { scratch: ptr, stride };
  }
}

/** Rows and columns of C in a chunk: no longer than a millisecond, and at least 16 chunks unless they become tiny. */
function tileSizes(m: number, n: number, k: number): { mb: number; nb: number } {
  let mb = BLOCK_M;
  let nb = Math.min(n, Math.max(128, Math.ceil(LARGE_CHUNK / (mb * k) / 8) * 8));
  const chunks = () => Math.ceil(m / mb) * Math.ceil(n / nb);
  while (chunks() < 16 && mb * nb * k > 2 * SMALL) {
    if (nb > 64) nb = Math.ceil(nb / 16) * 8;
    else if (mb > 24) mb /= 2;
    else break;
  }
  while (chunks() > MAX_CHUNKS) nb *= 2;
  return { mb, nb };
}

function operands(g: Gemm, batch0: number, batch1: number): Operands {
  const at = (v: MatrixView) => v.slice.ptr + 4 * (v.offset + batch0 * v.batch[0] + batch1 * v.batch[1]);
  return {
    a: at(g.a),
    aRow: 4 * g.a.row,
    aCol: 4 * g.a.col,
    b: at(g.b),
    bRow: 4 * g.b.row,
    bCol: 4 * g.b.col,
    c: at(g.c),
    cRow: 4 * g.c.row,
    bias: g.bias === undefined ? 0 : g.bias.slice.ptr + 4 * g.bias.offset,
    alpha: floatBits(g.alpha ?? 1),
    floor: floatBits(g.activation === "relu" ? 0 : -Infinity),
  };
}

/** Rows of all batches as one matrix where B is the same for all and A and C allow it. */
function mergeBatch(g: Gemm): Gemm {
  const [outer, inner] = g.batch;
  const merges = (axis: 0 | 1, m: number) =>
    g.b.batch[axis] === 0 && g.a.batch[axis] === m * g.a.row && g.c.batch[axis] === m * g.c.row;
  if (inner > 1 && merges(1, g.m)) return mergeBatch({ ...g, batch: [outer, 1], m: g.m * inner });
  if (inner === 1 && outer > 1 && merges(0, g.m)) return { ...g, batch: [1, 1], m: g.m * outer };
  return g;
}
