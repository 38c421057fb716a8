/**
 * Runs the routines on rows of contiguous matrices. Sums are divided by shape alone, so that they do not depend on the number of threads.
 * @module
 */
import { floatBits, type JobFunction, type Jobs } from "./jobs.ts";
import type { CpuSlice, RowRoutines, RowShape, SumShape } from "./runtime.ts";
import { REDUCE_ARGUMENTS } from "./wasm/gemm.ts";
import { COLUMN_SUMS_ARGUMENTS, ROW_SUMS_ARGUMENTS, ROWS_ARGUMENTS } from "./wasm/rows.ts";

/** Elements of a chunk. */
const CHUNK = 8192;
/** Rows longer than two of these are summed in pieces. */
const PIECE = 16384;
/** Most partial sums of a column. */
const MAX_BLOCKS = 64;

type RowJob = "softmaxRows" | "softmaxRowsBackward" | "logSumExpRows" | "layerNormRows" | "layerNormRowsBackward";
type SumJob = "rowSums" | "columnSums" | "layerNormWeights" | "reduce";

/** Row routines over the jobs of the kernel module. */
export class WasmRows implements RowRoutines {
  readonly #jobs: Jobs;
  readonly #functions: Record<RowJob | SumJob, JobFunction>;

  constructor(jobs: Jobs, functions: Record<RowJob | SumJob, JobFunction>) {
    this.#jobs = jobs;
    this.#functions = functions;
  }

  softmax(shape: RowShape, x: CpuSlice, y: CpuSlice): void {
    this.#rows("softmaxRows", shape, [x, y]);
  }

  logSoftmax(shape: RowShape, x: CpuSlice, y: CpuSlice): void {
    this.#rows("softmaxRows", shape, [x, y], { log: 1 });
  }

  softmaxBackward(shape: RowShape, y: CpuSlice, dy: CpuSlice, dx: CpuSlice): void {
    this.#rows("softmaxRowsBackward", shape, [y, dy, dx]);
  }

  logSoftmaxBackward(shape: RowShape, y: CpuSlice, dy: CpuSlice, dx: CpuSlice): void {
    this.#rows("softmaxRowsBackward", shape, [y, dy, dx], { log: 1 });
  }

  logSumExp(shape: RowShape, x: CpuSlice, out: CpuSlice): void {
    this.#rows("logSumExpRows", shape, [x, out]);
  }

  layerNorm(
    shape: RowShape & { readonly eps: number },
    [x, weight, bias]: readonly CpuSlice[],
    [y, statistics]: readonly CpuSlice[],
  ): void {
    this.#rows("layerNormRows", shape, [x, weight, bias, y, statistics], { eps: shape.eps });
  }

  layerNormBackward(shape: RowShape, [x, weight, statistics, dy]: readonly CpuSlice[], dx: CpuSlice): void {
    this.#rows("layerNormRowsBackward", shape, [x, weight, statistics, dy, dx]);
  }

  layerNormWeights(
    { rows, columns }: RowShape,
    [x, statistics, dy]: readonly CpuSlice[],
    [dWeight, dBias]: readonly CpuSlice[],
  ): void {
    const { block, blocks } = blocksOf(rows, columns);
    const partial = this.#jobs.heap.allocateInternal(8 * blocks * columns);
    const words = COLUMN_SUMS_ARGUMENTS.words({
      ...{ x: x.ptr, rowStep: 4 * columns, rows, columns, block, partial: partial.ptr },
      ...{ dy: dy.ptr, statistics: statistics.ptr },
    });
    this.#jobs.run(this.#functions.layerNormWeights, words, blocks);
    const whole = { count: blocks, step: 8 * columns, n: columns, scale: 1 };
    this.#reduce({ ...whole, partial: partial.ptr, out: dWeight.ptr });
    this.#reduce({ ...whole, partial: partial.ptr + 4 * columns, out: dBias.ptr });
    this.#jobs.heap.release(partial);
  }

  columnSums(
    { rows, columns, offset = 0, rowStride = columns, scale = 1 }: SumShape,
    x: CpuSlice,
    out: CpuSlice,
  ): void {
    const { block, blocks } = blocksOf(rows, columns);
    const partial = this.#jobs.heap.allocateInternal(4 * blocks * columns);
    const words = COLUMN_SUMS_ARGUMENTS.words({
      ...{ x: x.ptr + 4 * offset, rowStep: 4 * rowStride, rows, columns, block, partial: partial.ptr },
      ...{ dy: 0, statistics: 0 },
    });
    this.#jobs.run(this.#functions.columnSums, words, blocks);
    this.#reduce({ partial: partial.ptr, count: blocks, step: 4 * columns, n: columns, scale, out: out.ptr });
    this.#jobs.heap.release(partial);
  }

  rowSums(shape: SumShape, x: CpuSlice, out: CpuSlice): void {
    this.#rowSums(shape, x, out, false);
  }

  rowSumsOfSquares(shape: SumShape, x: CpuSlice, out: CpuSlice): void {
    this.#rowSums(shape, x, out, true);
  }

  #rowSums(shape: SumShape, x: CpuSlice, out: CpuSlice, squares: boolean): void {
    const { rows, columns, offset = 0, rowStride = columns, scale = 1 } = shape;
    if (columns <= 2 * PIECE) {
      return this.#sums({
        rows,
        columns,
        x: x.ptr + 4 * offset,
        rowStride,
        piece: columns,
        squares,
        scale,
        out: out.ptr,
      });
    }
    const pieces = Math.ceil(columns / PIECE);
    const partial = this.#jobs.heap.allocateInternal(4 * rows * pieces);
    const first = { rows, columns, x: x.ptr + 4 * offset, rowStride, piece: PIECE, squares };
    this.#sums({ ...first, scale: 1, out: partial.ptr });
    this.#rowSums({ rows, columns: pieces, scale }, partial, out, false);
    this.#jobs.heap.release(partial);
  }

  #sums(
    s:
      & { x: number; out: number; rowStride: number; piece: number; squares: boolean }
      & Required<
        Pick<SumShape, "rows" | "columns" | "scale">
      >,
  ): void {
    const { rows, columns, piece } = s;
    const pieces = Math.max(1, Math.ceil(columns / piece));
    const [items, perChunk] = [rows * pieces, Math.max(1, Math.ceil(CHUNK / piece))];
    const words = ROW_SUMS_ARGUMENTS.words({
      ...{ x: s.x, rowStep: 4 * s.rowStride, columns, piece, pieces, items, perChunk, out: s.out },
      ...{ scale: floatBits(s.scale), squares: s.squares ? 1 : 0 },
    });
    this.#jobs.run(this.#functions.rowSums, words, Math.ceil(items / perChunk));
  }

  #rows(
    job: RowJob,
    { rows, columns }: RowShape,
    slices: readonly CpuSlice[],
    { eps = 0, log = 0 }: { readonly eps?: number; readonly log?: 0 | 1 } = {},
  ): void {
    const [p0, p1 = 0, p2 = 0, p3 = 0, p4 = 0] = slices.map((s) => s.ptr);
    const perChunk = Math.max(1, Math.ceil(CHUNK / columns));
    const words = ROWS_ARGUMENTS.words({ rows, columns, perChunk, eps: floatBits(eps), log, p0, p1, p2, p3, p4 });
    this.#jobs.run(this.#functions[job], words, columns === 0 ? 0 : Math.ceil(rows / perChunk));
  }

  /** Sums `count` vectors of n, `step` bytes apart. */
  #reduce(r: { partial: number; count: number; step: number; n: number; scale: number; out: number }): void {
    const { partial, count, step, n } = r;
    const words = REDUCE_ARGUMENTS.words({
      ...{ partial, count, step, c: r.out, cRow: 4 * n, m: 1, n, rows: 1 },
      ...{ bias: 0, alpha: floatBits(r.scale), floor: floatBits(-Infinity) },
    });
    this.#jobs.run(this.#functions.reduce, words, 1);
  }
}

/** Rows whose sums one chunk makes, and the number of such blocks, at least 1. */
function blocksOf(rows: number, columns: number): { block: number; blocks: number } {
  const block = Math.max(1, Math.ceil(rows / MAX_BLOCKS), Math.ceil(CHUNK / Math.max(1, columns)));
  return { block, blocks: Math.max(1, Math.ceil(rows / block)) };
}
