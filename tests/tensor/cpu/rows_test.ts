import assert from "node:assert/strict";
import { Heap, type HeapSlice } from "../../../tensor/cpu/heap.ts";
import { Jobs } from "../../../tensor/cpu/jobs.ts";
import { WasmRuntime } from "../../../tensor/cpu/wasm_runtime.ts";

const heap = new Heap();
const { rows: routines } = new WasmRuntime(heap, new Jobs(heap));

let seed = 9;
function random(length: number, scale = 4): HeapSlice {
  const slice = heap.allocate(4 * length);
  slice.f32.forEach((_, i, all) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    all[i] = scale * ((seed >>> 0) / 2 ** 32 - 0.5);
  });
  return slice;
}

function assertClose(got: ArrayLike<number>, wanted: readonly number[], tolerance: number, label: string): void {
  wanted.forEach((y, i) => assert.ok(Math.abs(got[i] - y) <= tolerance, `${label}: ${i} is ${got[i]}, wanted ${y}`));
}

/** Computes each row of a matrix from the same row of others. */
function byRow(
  rows: number,
  columns: number,
  matrices: readonly HeapSlice[],
  row: (...x: number[][]) => number[],
): number[] {
  const data = matrices.map((m) => [...m.f32]);
  return [...Array(rows).keys()].flatMap((i) => row(...data.map((d) => d.slice(i * columns, (i + 1) * columns))));
}

const sum = (x: readonly number[]) => x.reduce((a, b) => a + b, 0);

function logSumExp(x: readonly number[]): number {
  const top = Math.max(...x);
  return top + Math.log(sum(x.map((v) => Math.exp(v - top))));
}

const SHAPES = [[1, 1], [3, 2], [5, 3], [7, 63], [64, 64], [9, 65], [300, 80], [4, 257], [2, 5000]];

Deno.test("softmax and its logarithm, forward and backward, equal plain sums", () => {
  for (const [rows, columns] of SHAPES) {
    const label = `[${rows}, ${columns}]`;
    const [x, dy, y, dx] = [20, 4, 1, 1].map((scale) => random(rows * columns, scale));
    const soft = (v: number[]) => v.map((e) => Math.exp(e - logSumExp(v)));
    routines.softmax({ rows, columns }, x, y);
    assertClose(y.f32, byRow(rows, columns, [x], soft), 3e-7, `softmax ${label}`);
    routines.softmaxBackward({ rows, columns }, y, dy, dx);
    const backward = (v: number[], g: number[]) => v.map((p, j) => p * (g[j] - sum(v.map((q, i) => q * g[i]))));
    if (columns < 1000) assertClose(dx.f32, byRow(rows, columns, [y, dy], backward), 1e-6, `softmaxBackward ${label}`);
    routines.logSoftmax({ rows, columns }, x, y);
    assertClose(y.f32, byRow(rows, columns, [x], (v) => v.map((e) => e - logSumExp(v))), 4e-6, `logSoftmax ${label}`);
    routines.logSoftmaxBackward({ rows, columns }, y, dy, dx);
    const logBackward = (v: number[], g: number[]) => v.map((p, j) => g[j] - Math.exp(p) * sum(g));
    if (columns < 1000) {
      assertClose(dx.f32, byRow(rows, columns, [y, dy], logBackward), 2e-5, `logSoftmaxBackward ${label}`);
    }
    const out = heap.allocate(4 * rows);
    routines.logSumExp({ rows, columns }, x, out);
    assertClose(out.f32, byRow(rows, columns, [x], (v) => [logSumExp(v)]), 4e-6, `logSumExp ${label}`);
    routines.softmax({ rows, columns }, x, x);
    assert.ok(Math.abs(sum([...x.f32]) - rows) < 1e-4 * rows, "in place");
    [x, dy, y, dx, out].forEach((s) => heap.release(s));
  }
});

Deno.test("a NaN spoils its own row only, and huge scores do not overflow", () => {
  const x = heap.allocate(4 * 30);
  x.f32.fill(1);
  x.f32[13] = NaN;
  x.f32.set([3e38, -3e38], 20);
  const y = heap.allocate(4 * 30);
  routines.softmax({ rows: 3, columns: 10 }, x, y);
  assert.ok([...y.f32.slice(10, 20)].every(Number.isNaN));
  assertClose(y.f32.slice(0, 10), Array(10).fill(0.1), 1e-7, "before");
  assertClose(y.f32.slice(20), [1, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0, "after");
});

Deno.test("layer normalisation and all its gradients equal plain sums", () => {
  const eps = 1e-5;
  for (const [rows, columns] of SHAPES) {
    const label = `[${rows}, ${columns}]`;
    const [x, dy, y, dx] = [...Array(4)].map(() => random(rows * columns));
    const [weight, bias, dWeight, dBias] = [...Array(4)].map(() => random(columns));
    const statistics = heap.allocate(8 * rows);
    const stats = (v: number[]) => {
      const mean = sum(v) / columns;
      return [mean, 1 / Math.sqrt(sum(v.map((e) => (e - mean) ** 2)) / columns + eps)];
    };
    const normal = (v: number[]) => v.map((e) => (e - stats(v)[0]) * stats(v)[1]);
    const [w, b] = [[...weight.f32], [...bias.f32]];
    routines.layerNorm({ rows, columns, eps }, [x, weight, bias], [y, statistics]);
    if (columns > 1000) continue;
    assertClose(y.f32, byRow(rows, columns, [x], (v) => normal(v).map((e, j) => e * w[j] + b[j])), 1e-5, `y ${label}`);
    assertClose(statistics.f32, byRow(rows, columns, [x], stats), 2e-3, `statistics ${label}`);
    routines.layerNormBackward({ rows, columns }, [x, weight, statistics, dy], dx);
    const backward = (v: number[], g: number[]) => {
      const [n, rstd] = [normal(v), stats(v)[1]];
      const d = g.map((e, j) => e * w[j]);
      const [a, c] = [sum(d) / columns, sum(d.map((e, j) => e * n[j])) / columns];
      return d.map((e, j) => rstd * (e - a - n[j] * c));
    };
    // two equal columns have no spread, and rstd is huge there
    const tolerance = columns < 4 ? 1e-3 : 2e-5;
    assertClose(dx.f32, byRow(rows, columns, [x, dy], backward), tolerance, `dx ${label}`);
    routines.layerNormWeights({ rows, columns }, [x, statistics, dy], [dWeight, dBias]);
    const normals = byRow(rows, columns, [x], normal);
    const column = (values: readonly number[], j: number) => sum(values.filter((_, i) => i % columns === j));
    const gradients = w.map((_, j) => column([...dy.f32].map((g, i) => g * normals[i]), j));
    assertClose(dWeight.f32, gradients, 1e-4, `dWeight ${label}`);
    assertClose(dBias.f32, w.map((_, j) => column([...dy.f32], j)), 1e-4, `dBias ${label}`);
    [x, dy, y, dx, weight, bias, dWeight, dBias, statistics].forEach((s) => heap.release(s));
  }
});

Deno.test("sums over rows and columns, of parts of a matrix, of one long row", () => {
  for (const [rows, columns] of [...SHAPES, [0, 5], [1, 100_003], [2, 70_001], [4096, 80]]) {
    const [offset, rowStride, scale] = [3, columns + 2, 0.5];
    const x = random(offset + rows * rowStride + 1);
    const [total, squares, byColumn] = [rows, rows, columns].map((n) => heap.allocate(4 * n + 4));
    const shape = { rows, columns, offset, rowStride, scale };
    routines.rowSums(shape, x, total);
    routines.rowSumsOfSquares(shape, x, squares);
    routines.columnSums(shape, x, byColumn);
    const wanted = [...Array(rows)].map((_, i) => [...x.f32.subarray(offset + i * rowStride).subarray(0, columns)]);
    assertClose(total.f32, wanted.map((r) => scale * sum(r)), 1e-3, `rows [${rows}, ${columns}]`);
    assertClose(squares.f32, wanted.map((r) => scale * sum(r.map((v) => v * v))), 1e-5 * columns + 1e-4, "squares");
    const columnTotals = new Float64Array(columns);
    for (const r of wanted) r.forEach((v, j) => columnTotals[j] += v);
    assertClose(byColumn.f32, [...columnTotals].map((v) => scale * v), 1e-3, `columns [${rows}, ${columns}]`);
    [x, total, squares, byColumn].forEach((s) => heap.release(s));
  }
});
