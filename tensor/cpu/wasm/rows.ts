/**
 * Jobs on the rows of contiguous matrices: softmax, layer normalisation, sums.
 * @module
 */
import { JobArguments } from "./job_arguments.ts";
import type { Body, ModuleBuilder } from "./module.ts";
import { f32, f32x4, i32, type V128, v128 } from "./ops.ts";
import { RowLoops } from "./row_loops.ts";
import type { Local } from "./value.ts";

/** Arguments of the jobs on rows: sizes, rows of a chunk, eps, and up to six addresses. `log` picks the logarithmic form. */
export const ROWS_ARGUMENTS = new JobArguments(
  ...["rows", "columns", "perChunk", "eps", "log", "p0", "p1", "p2", "p3", "p4"] as const,
);
/** Arguments of the job `rowSums`: sums of pieces of rows. */
export const ROW_SUMS_ARGUMENTS = new JobArguments(
  ...["x", "rowStep", "columns", "piece", "pieces", "items", "perChunk", "out", "scale", "squares"] as const,
);
/** Arguments of the jobs `columnSums` and `layerNormWeights`: partial sums of blocks of rows. */
export const COLUMN_SUMS_ARGUMENTS = new JobArguments(
  ...["x", "rowStep", "rows", "columns", "block", "partial", "dy", "statistics"] as const,
);

type RowWords = Readonly<Record<"p0" | "p1" | "p2" | "p3" | "p4" | "row" | "log" | "columns", Local<"i32">>>;

/** A row of a matrix that has `columns` columns. */
function rowOf(f: Body, matrix: Local<"i32">, { row, columns }: RowWords): Local<"i32"> {
  return f.local("i32", i32.add(matrix, i32.shl(i32.mul(row, columns), 2)));
}

/** Adds a job that runs `body` for each row of a chunk. */
function addRowJob(
  module: ModuleBuilder,
  name: string,
  body: (loops: RowLoops, words: RowWords, eps: Local<"f32">) => void,
) {
  module.func(["i32", "i32", "i32"], (f, args, chunk) => {
    const words = ROWS_ARGUMENTS.read(f, args);
    const { eps } = ROWS_ARGUMENTS.readFloats(f, args, ["eps"]);
    const row = f.local("i32", i32.mul(chunk, words.perChunk));
    const end = f.local("i32", i32.minS(i32.add(row, words.perChunk), words.rows));
    const loops = new RowLoops(f, module.target, words.columns);
    f.while(i32.ltS(row, end), () => {
      body(loops, { ...words, row }, eps);
      f.step(row, 1);
    });
  }, name);
}

/** Adds all jobs on rows. */
export function addRows(module: ModuleBuilder): void {
  addRowJob(module, "softmaxRows", softmaxRow);
  addRowJob(module, "softmaxRowsBackward", softmaxBackwardRow);
  addRowJob(module, "logSumExpRows", logSumExpRow);
  addRowJob(module, "layerNormRows", layerNormRow);
  addRowJob(module, "layerNormRowsBackward", layerNormBackwardRow);
  addRowSums(module);
  addColumnSums(module);
  addLayerNormWeights(module);
}

const add = (a: V128, b: V128) => f32x4.add(a, b);

function largestOf(loops: RowLoops, x: Local<"i32">): Local<"v128"> {
  return loops.fold([x], [loops.math.constant(-Infinity)], ([v], [top]) => [f32x4.pmax(top, v)], f32x4.pmax)[0];
}

/** p0 → p1. */
function softmaxRow(loops: RowLoops, words: RowWords): void {
  const { f, math } = loops;
  const [x, y] = [rowOf(f, words.p0, words), rowOf(f, words.p1, words)];
  const top = largestOf(loops, x);
  f.if(words.log, () => {
    const shift = math.keep(f32x4.add(top, math.log(sumOfExp(loops, x, top))));
    loops.map([x], y, ([v]) => f32x4.sub(v, shift));
  }, () => {
    loops.map([x], y, ([v]) => math.expOfNegative(f32x4.sub(v, top)));
    const [total] = loops.fold([y], [math.constant(0)], ([v], [sum]) => [add(sum, v)], add);
    const inverse = math.keep(f32x4.div(math.constant(1), total));
    loops.map([y], y, ([v]) => f32x4.mul(v, inverse));
  });
}

function sumOfExp(loops: RowLoops, x: Local<"i32">, top: V128): Local<"v128"> {
  const { math } = loops;
  const step = ([v]: readonly V128[], [sum]: readonly V128[]) => [add(sum, math.expOfNegative(f32x4.sub(v, top)))];
  return loops.fold([x], [math.constant(0)], step, add)[0];
}

/** p0 → p1 (a number a row). */
function logSumExpRow(loops: RowLoops, words: RowWords): void {
  const { f, math } = loops;
  const x = rowOf(f, words.p0, words);
  const top = largestOf(loops, x);
  const value = f32x4.add(top, math.log(sumOfExp(loops, x, top)));
  f.do(v128.store32Lane(i32.add(words.p1, i32.shl(words.row, 2)), value, 0));
}

/** Result p0 and its gradient p1 → p2. */
function softmaxBackwardRow(loops: RowLoops, words: RowWords): void {
  const { f, math } = loops;
  const [y, dy, dx] = [rowOf(f, words.p0, words), rowOf(f, words.p1, words), rowOf(f, words.p2, words)];
  const zero = math.constant(0);
  f.if(words.log, () => {
    const [total] = loops.fold([dy], [zero], ([g], [sum]) => [add(sum, g)], add);
    loops.map([y, dy], dx, ([v, g]) => f32x4.sub(g, f32x4.mul(math.expOfNegative(v), total)));
  }, () => {
    const [dot] = loops.fold([y, dy], [zero], ([v, g], [sum]) => [math.madd(v, g, sum)], add);
    loops.map([y, dy], dx, ([v, g]) => f32x4.mul(v, f32x4.sub(g, dot)));
  });
}

/** 1 / columns in all lanes. */
function inverseColumns({ f }: RowLoops, { columns }: RowWords): Local<"v128"> {
  return f.hoist(f32x4.splat(f32.div(1, f32.fromI32(columns))));
}

/** x p0, weight p1, bias p2 → y p3, (mean, 1/deviation) p4. */
function layerNormRow(loops: RowLoops, words: RowWords, eps: Local<"f32">): void {
  const { f, math } = loops;
  const [x, y] = [rowOf(f, words.p0, words), rowOf(f, words.p3, words)];
  const [inverse, zero] = [inverseColumns(loops, words), math.constant(0)];
  const [total] = loops.fold([x], [zero], ([v], [sum]) => [add(sum, v)], add);
  const mean = math.keep(f32x4.mul(total, inverse));
  const [spread] = loops.fold([x], [zero], ([v], [sum]) => {
    const d = math.keep(f32x4.sub(v, mean));
    return [math.madd(d, d, sum)];
  }, add);
  const variance = math.madd(spread, inverse, f.hoist(f32x4.splat(eps)));
  const rstd = math.keep(f32x4.div(math.constant(1), f32x4.sqrt(variance)));
  loops.map([x, words.p1, words.p2], y, ([v, w, b]) => math.madd(f32x4.mul(f32x4.sub(v, mean), rstd), w, b));
  const at = i32.add(words.p4, i32.shl(words.row, 3));
  f.do(v128.store32Lane(at, mean, 0), v128.store32Lane(at, rstd, 0, 4));
}

/** x p0, weight p1, (mean, 1/deviation) p2, dy p3 → dx p4. */
function layerNormBackwardRow(loops: RowLoops, words: RowWords): void {
  const { f, math } = loops;
  const [x, dy, dx] = [rowOf(f, words.p0, words), rowOf(f, words.p3, words), rowOf(f, words.p4, words)];
  const at = i32.add(words.p2, i32.shl(words.row, 3));
  const [mean, rstd] = [math.keep(v128.load32Splat(at)), math.keep(v128.load32Splat(at, 4))];
  const [inverse, zero] = [inverseColumns(loops, words), math.constant(0)];
  const normal = (v: V128) => f32x4.mul(f32x4.sub(v, mean), rstd);
  const [sum, dot] = loops.fold([x, words.p1, dy], [zero, zero], ([v, w, g], [a, b]) => {
    const d = math.keep(f32x4.mul(g, w));
    return [add(a, d), math.madd(d, normal(v), b)];
  }, add);
  const [a, b] = [math.keep(f32x4.mul(sum, inverse)), math.keep(f32x4.mul(dot, inverse))];
  loops.map([x, words.p1, dy], dx, ([v, w, g]) => {
    const d = f32x4.sub(f32x4.mul(g, w), a);
    return f32x4.mul(rstd, f32x4.sub(d, f32x4.mul(normal(v), b)));
  });
}

function addRowSums(module: ModuleBuilder): void {
  module.func(["i32", "i32", "i32"], (f, args, chunk) => {
    const w = ROW_SUMS_ARGUMENTS.read(f, args);
    const { scale } = ROW_SUMS_ARGUMENTS.readFloats(f, args, ["scale"]);
    const item = f.local("i32", i32.mul(chunk, w.perChunk));
    const end = f.local("i32", i32.minS(i32.add(item, w.perChunk), w.items));
    const count = f.local("i32");
    const loops = new RowLoops(f, module.target, count);
    const { math } = loops;
    const sum = f.local("v128");
    f.while(i32.ltS(item, end), () => {
      const row = f.local("i32", i32.divU(item, w.pieces));
      const first = f.local("i32", i32.mul(i32.sub(item, i32.mul(row, w.pieces)), w.piece));
      f.set(count, i32.minS(w.piece, i32.sub(w.columns, first)));
      const x = f.local("i32", i32.add(w.x, i32.add(i32.mul(row, w.rowStep), i32.shl(first, 2))));
      const total = (step: (v: V128, sum: V128) => V128) =>
        f.set(sum, loops.fold([x], [math.constant(0)], ([v], [s]) => [step(v, s)], add)[0]);
      f.if(w.squares, () => total((v, s) => math.madd(v, v, s)), () => total((v, s) => add(s, v)));
      f.do(f32.store(i32.add(w.out, i32.shl(item, 2)), f32.mul(f32x4.lane(sum, 0), scale)));
      f.step(item, 1);
    });
  }, "rowSums");
}

/** Calls `body` for every group of columns; a group has `vectors` vectors, or is one column (`vectors` 0). */
export function forColumnGroups(
  f: Body,
  columns: Local<"i32">,
  widths: readonly number[],
  body: (offset: Local<"i32">, vectors: number) => void,
): void {
  const offset = f.local("i32", i32.const(0));
  const left = f.local("i32", columns);
  for (const vectors of widths) {
    const width = Math.max(1, 4 * vectors);
    f.while(i32.geS(left, width), () => {
      body(offset, vectors);
      f.step(offset, 4 * width);
      f.step(left, -width);
    });
  }
}

/** A vector of the group, or its one column in all lanes. */
export const loadGroup = (vectors: number, p: Local<"i32">, v: number): V128 =>
  vectors === 0 ? v128.load32Splat(p) : v128.load(p, 16 * v);

/** Stores what was gathered for a group. */
export function storeGroup(f: Body, vectors: number, p: Local<"i32">, sums: readonly V128[]): void {
  sums.forEach((s, v) => f.do(vectors === 0 ? v128.store32Lane(p, s, 0) : v128.store(p, s, 16 * v)));
}

function addColumnSums(module: ModuleBuilder): void {
  module.func(["i32", "i32", "i32"], (f, args, chunk) => {
    const w = COLUMN_SUMS_ARGUMENTS.read(f, args);
    const first = f.local("i32", i32.mul(chunk, w.block));
    const count = f.local("i32", i32.minS(w.block, i32.sub(w.rows, first)));
    const block = f.local("i32", i32.add(w.x, i32.mul(first, w.rowStep)));
    const partial = f.local("i32", i32.add(w.partial, i32.shl(i32.mul(chunk, w.columns), 2)));
    forColumnGroups(f, w.columns, [4, 1, 0], (offset, vectors) => {
      const sums = [...Array(Math.max(1, vectors))].map(() => f.local("v128", f32x4.splat(0)));
      const [p, left] = [f.local("i32", i32.add(block, offset)), f.local("i32", count)];
      f.while(i32.gtS(left, 0), () => {
        sums.forEach((s, v) => f.set(s, add(s, loadGroup(vectors, p, v))));
        f.step(p, w.rowStep);
        f.step(left, -1);
      });
      storeGroup(f, vectors, f.local("i32", i32.add(partial, offset)), sums);
    });
  }, "columnSums");
}

/** Σ dy·(x − mean)·rstd and, after all of them, Σ dy over a block of rows. */
function addLayerNormWeights(module: ModuleBuilder): void {
  module.func(["i32", "i32", "i32"], (f, args, chunk) => {
    const w = COLUMN_SUMS_ARGUMENTS.read(f, args);
    const first = f.local("i32", i32.mul(chunk, w.block));
    const count = f.local("i32", i32.minS(w.block, i32.sub(w.rows, first)));
    const start = f.local("i32", i32.mul(first, w.rowStep));
    const partial = f.local("i32", i32.add(w.partial, i32.shl(i32.mul(chunk, w.columns), 3)));
    const loops = new RowLoops(f, module.target, w.columns);
    forColumnGroups(f, w.columns, [2, 1, 0], (offset, vectors) => {
      const zeros = () => [...Array(Math.max(1, vectors))].map(() => f.local("v128", f32x4.splat(0)));
      const [weights, biases] = [zeros(), zeros()];
      const x = f.local("i32", i32.add(i32.add(w.x, start), offset));
      const dy = f.local("i32", i32.add(i32.add(w.dy, start), offset));
      const statistics = f.local("i32", i32.add(w.statistics, i32.shl(first, 3)));
      const left = f.local("i32", count);
      f.while(i32.gtS(left, 0), () => {
        const [mean, rstd] = [v128.load32Splat(statistics), v128.load32Splat(statistics, 4)].map((v) =>
          loops.math.keep(v)
        );
        weights.forEach((s, v) => {
          const g = loops.math.keep(loadGroup(vectors, dy, v));
          const normal = f32x4.mul(f32x4.sub(loadGroup(vectors, x, v), mean), rstd);
          f.set(s, loops.math.madd(g, normal, s));
          f.set(biases[v], add(biases[v], g));
        });
        f.step(x, w.rowStep);
        f.step(dy, w.rowStep);
        f.step(statistics, 8);
        f.step(left, -1);
      });
      const to = f.local("i32", i32.add(partial, offset));
      storeGroup(f, vectors, to, weights);
      storeGroup(f, vectors, f.local("i32", i32.add(to, i32.shl(w.columns, 2))), biases);
    });
  }, "layerNormWeights");
}
