import assert from "node:assert/strict";
import { naiveGemm } from "../../../tensor/cpu/gemm_naive.ts";
import { Heap, type HeapSlice } from "../../../tensor/cpu/heap.ts";
import { Jobs } from "../../../tensor/cpu/jobs.ts";
import type { Gemm, MatrixView } from "../../../tensor/cpu/runtime.ts";
import { WasmRuntime } from "../../../tensor/cpu/wasm_runtime.ts";

const heap = new Heap();
const runtime = new WasmRuntime(heap, new Jobs(heap));

let seed = 1;
function next(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
  return (seed >>> 0) / 2 ** 32 - 0.5;
}

function filled(length: number): HeapSlice {
  const slice = heap.allocate(4 * length);
  const { f32 } = slice;
  for (let i = 0; i < length; i++) f32[i] = next();
  return slice;
}

type Order = "row" | "column" | "strided" | "padded";

/** A view of (batch0, batch1, rows, columns) in a storage of its own. */
function matrix(batch: readonly [number, number], rows: number, columns: number, order: Order): MatrixView {
  const [row, col] = {
    row: [columns, 1],
    column: [1, rows],
    strided: [3 * columns + 1, 3],
    padded: [columns + 5, 1],
  }[order];
  const size = Math.max(1, (rows - 1) * row + (columns - 1) * col + 1);
  const offset = Math.floor(3 * (next() + 0.5));
  const steps: [number, number] = [batch[0] > 1 ? size * batch[1] : 0, batch[1] > 1 ? size : 0];
  return { slice: filled(offset + size * batch[0] * batch[1]), offset, batch: steps, row, col };
}

function check(g: Gemm, label: string): void {
  const c = g.c.slice as HeapSlice;
  const before = c.f32.slice();
  runtime.gemm(g);
  const got = c.f32.slice();
  c.f32.set(before);
  naiveGemm(g);
  const tolerance = 1e-6 * Math.sqrt(g.k) + 1e-6;
  c.f32.forEach((wanted, i) => {
    assert.ok(Math.abs(got[i] - wanted) <= tolerance, `${label}: element ${i} is ${got[i]}, wanted ${wanted}`);
  });
  for (const s of new Set([g.a.slice, g.b.slice, g.c.slice])) heap.release(s as HeapSlice);
}

interface Options {
  readonly batch?: [number, number];
  readonly orders?: [Order, Order, Order];
  readonly alpha?: number;
  readonly bias?: boolean;
  readonly relu?: boolean;
}

function product(m: number, n: number, k: number, options: Options = {}): void {
  const { batch = [1, 1], orders = ["row", "row", "row"], alpha, bias, relu } = options;
  const vector = bias ? filled(n + 1) : undefined;
  check({
    ...{ batch, m, n, k, alpha, activation: relu ? "relu" : "none" },
    a: matrix(batch, m, k, orders[0]),
    b: matrix(batch, k, n, orders[1]),
    c: matrix(batch, m, n, orders[2]),
    bias: vector && { slice: vector, offset: 1 },
  }, `${m}x${n}x${k} ${JSON.stringify(options)}`);
  if (vector !== undefined) heap.release(vector);
}

const ORDERS: Order[] = ["row", "column", "strided"];

Deno.test("products of small and odd sizes in every order equal the plain loop", () => {
  for (const m of [1, 2, 5, 6, 7, 13]) {
    for (const n of [1, 3, 4, 5, 8, 9, 15]) {
      for (const k of [1, 3, 4, 17, 65]) {
        for (const a of ORDERS) for (const b of ORDERS) product(m, n, k, { orders: [a, b, "padded"] });
      }
    }
  }
});

Deno.test("larger products cross all block boundaries", () => {
  for (const [m, n, k] of [[97, 263, 385], [300, 40, 800], [25, 530, 129], [200, 129, 1000], [128, 512, 256]]) {
    for (const a of ORDERS) for (const b of ORDERS) product(m, n, k, { orders: [a, b, "padded"] });
  }
});

Deno.test("a long K with a small result is cut into pieces and summed", () => {
  for (const [m, n, k] of [[80, 40, 2048], [7, 13, 1027], [1, 80, 4099], [33, 3, 20000]]) {
    for (const a of ORDERS) product(m, n, k, { orders: [a, "row", "padded"], alpha: 0.5, bias: true, relu: true });
  }
});

Deno.test("alpha, bias and relu are applied once, after the last block of K", () => {
  for (const [m, n, k] of [[5, 7, 9], [100, 70, 400], [64, 100, 900]]) {
    product(m, n, k, { alpha: 0.25 });
    product(m, n, k, { alpha: -2, bias: true });
    product(m, n, k, { bias: true, relu: true });
    product(m, n, k, { relu: true, orders: ["column", "column", "padded"] });
  }
});

Deno.test("batches over two axes, many small and few large", () => {
  product(16, 20, 5, { batch: [3, 4] });
  product(33, 20, 40, { batch: [4, 8], orders: ["row", "column", "padded"], alpha: 0.3 });
  product(70, 90, 60, { batch: [2, 2], orders: ["column", "row", "row"], bias: true });
  product(128, 128, 20, { batch: [5, 4], orders: ["padded", "column", "row"] });
});

Deno.test("a matrix shared by the batch is a broadcast or one tall product", () => {
  const batch: [number, number] = [3, 5];
  const b = { ...matrix([1, 1], 30, 50, "column") };
  check({ batch, m: 40, n: 50, k: 30, a: matrix(batch, 40, 30, "row"), b, c: matrix(batch, 40, 50, "row") }, "tall");
  const a = { ...matrix([1, 1], 40, 30, "row") };
  check(
    { batch, m: 40, n: 50, k: 30, a, b: matrix(batch, 30, 50, "row"), c: matrix(batch, 40, 50, "row") },
    "shared A",
  );
});

Deno.test("without relaxed SIMD and shared memory the results are as good", () => {
  const heap = new Heap({ relaxed: false, shared: false });
  const plain = new WasmRuntime(heap, new Jobs(heap));
  const view = (rows: number, columns: number) => {
    const slice = heap.allocate(4 * rows * columns);
    slice.f32.forEach((_, i, all) => all[i] = next());
    return { slice, offset: 0, batch: [0, 0] as [number, number], row: columns, col: 1 };
  };
  const g: Gemm = { batch: [1, 1], m: 50, n: 70, k: 500, a: view(50, 500), b: view(500, 70), c: view(50, 70) };
  plain.gemm(g);
  const got = g.c.slice.f32.slice();
  naiveGemm(g);
  got.forEach((x, i) => assert.ok(Math.abs(x - g.c.slice.f32[i]) < 3e-5));
});

Deno.test("an empty K gives the bias, an empty result touches nothing", () => {
  product(3, 5, 0, { bias: true, relu: true });
  product(0, 5, 3);
});
