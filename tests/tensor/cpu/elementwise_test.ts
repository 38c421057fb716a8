import assert from "node:assert/strict";
import { Elementwise } from "../../../tensor/cpu/elementwise.ts";
import { Heap, type HeapSlice } from "../../../tensor/cpu/heap.ts";
import { Jobs } from "../../../tensor/cpu/jobs.ts";
import type { DType } from "../../../tensor/dtype.ts";
import {
  apply,
  constant,
  type ElementwiseArgs,
  type Expr,
  input,
  type Primitive,
  scalar,
} from "../../../tensor/expr/expr.ts";
import { parse } from "../../../tensor/expr/parse.ts";
import { evaluate } from "../../../tensor/expr/reference.ts";

const heap = new Heap();
const elementwise = new Elementwise(new Jobs(heap));
const plainHeap = new Heap({ relaxed: false });
const plainElementwise = new Elementwise(new Jobs(plainHeap));

function randomizer(seed: number): () => number {
  return () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    return (seed >>> 0) / 2 ** 32;
  };
}

const view = (slice: HeapSlice, dtype: DType) => dtype === "float32" ? slice.f32 : slice.i32;

/** Runs a kernel with and without relaxed SIMD, and on the interpreter: [got, wanted] of each output. */
function both(args: ElementwiseArgs, data: readonly (Float32Array | Int32Array)[]): [number[], number[]][] {
  return [...compare(heap, elementwise, args, data), ...compare(plainHeap, plainElementwise, args, data)];
}

function compare(
  heap: Heap,
  elementwise: Elementwise,
  args: ElementwiseArgs,
  data: readonly (Float32Array | Int32Array)[],
): [number[], number[]][] {
  const total = args.shape.reduce((a, b) => a * b, 1);
  const inputs = data.map((d, i) => {
    const slice = heap.allocate(d.byteLength);
    view(slice, args.inputs[i].dtype).set(d);
    return slice;
  });
  const outputs = args.outputs.map((o) => heap.allocate(4 * (o.offset + total)));
  elementwise.run(args, inputs, outputs);
  const wanted = args.outputs.map((o) => new (o.dtype === "float32" ? Float32Array : Int32Array)(o.offset + total));
  evaluate(args, data, wanted);
  const results = args.outputs.map((o, i): [number[], number[]] => [
    [...view(outputs[i], o.dtype)].slice(o.offset),
    [...wanted[i]].slice(o.offset),
  ]);
  [...inputs, ...outputs].forEach((s) => heap.release(s));
  return results;
}

function assertClose(got: readonly number[], wanted: readonly number[], relative: number, label: string): void {
  assert.equal(got.length, wanted.length, label);
  got.forEach((x, i) => {
    const y = wanted[i];
    if (Object.is(x, y) || x === y) return;
    const bound = relative * Math.abs(y) + 2 ** -126;
    assert.ok(Math.abs(x - y) <= bound, `${label}: element ${i} is ${x}, wanted ${y}`);
  });
}

const plain = (n: number, dtype: DType = "float32") => ({ strides: [1], offset: 0, dtype, n });

function unary(op: Primitive, values: readonly number[], relative: number): void {
  const args: ElementwiseArgs = {
    shape: [values.length],
    inputs: [plain(values.length)],
    outputs: [{ offset: 0, dtype: "float32", expr: apply(op, [input(0)]) }],
    scalars: [],
    counters: [],
  };
  for (const [got, wanted] of both(args, [Float32Array.from(values)])) assertClose(got, wanted, relative, op);
}

const SPECIAL = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  Infinity,
  -Infinity,
  NaN,
  2 ** -126,
  2 ** -149,
  -(2 ** -149),
  3.4e38,
  -3.4e38,
];

function spread(low: number, high: number, count = 20011): number[] {
  const next = randomizer(7);
  return [...Array(count)].map(() => low + (high - low) * next());
}

function logarithmic(count = 20011): number[] {
  const next = randomizer(3);
  return [...Array(count)].map(() => 2 ** (-149 + 277 * next()));
}

Deno.test("vector functions stay within 2e-7 of JavaScript's, specials included", () => {
  unary("exp", [...SPECIAL, -200, 100, 88.7, -103.9, -87.4, ...spread(-103, 88.7), ...spread(-1, 1)], 2e-7);
  unary("log", [...SPECIAL, ...logarithmic(), ...spread(0.5, 2)], 2e-7);
  unary("tanh", [...SPECIAL, 50, -50, ...spread(-10, 10), ...spread(-0.7, 0.7), ...spread(-1e-3, 1e-3)], 2e-7);
  unary("sqrt", [...SPECIAL, ...logarithmic()], 1e-7);
});

Deno.test("sine and cosine stay within 2e-7, near multiples of pi and at huge arguments too", () => {
  const multiples = [...Array(2000).keys()].map((n) => Math.fround(n * Math.PI / 2));
  const values = [
    ...SPECIAL,
    1e6,
    2 ** 20,
    2 ** 21,
    1e9,
    -1e9,
    1e30,
    ...multiples,
    ...spread(-10, 10),
    ...spread(-1e6, 1e6),
  ];
  unary("sin", values, 2e-7);
  unary("cos", values, 2e-7);
});

Deno.test("powers stay within 2e-7 and follow C at the edges", () => {
  const bases = [...SPECIAL, 2, -2, -3, 10, 0.1, 1e-10, ...logarithmic(300), ...spread(-5, 5, 300)];
  const exponents = [...SPECIAL, 2, -2, 3, -3, 1 / 3, 7, 100, -100, 0.75, ...spread(-8, 8, 40)];
  const pairs = bases.flatMap((b) => exponents.map((e) => [b, e]));
  const args: ElementwiseArgs = {
    shape: [pairs.length],
    inputs: [plain(pairs.length), plain(pairs.length)],
    outputs: [{ offset: 0, dtype: "float32", expr: apply("pow", [input(0), input(1)]) }],
    scalars: [],
    counters: [],
  };
  const data = [0, 1].map((side) => Float32Array.from(pairs.map((p) => p[side])));
  for (const [got, wanted] of both(args, data)) assertClose(got, wanted, 2e-7, "pow");
  for (const power of [2, 3, -1]) {
    const constantArgs = {
      ...args,
      outputs: [{ offset: 0, dtype: "float32" as const, expr: apply("pow", [input(0), constant(power)]) }],
    };
    for (const [g, w] of both(constantArgs, data)) assertClose(g, w, 3e-7, `pow ${power}`);
  }
});

const FLOAT_OPS: Primitive[] = [
  "add",
  "sub",
  "mul",
  "min",
  "max",
  "neg",
  "abs",
  "floor",
  "select",
  "lt",
  "ge",
  "eq",
  "float",
  "int",
];
const ARITY: Partial<Record<Primitive, number>> = { neg: 1, abs: 1, floor: 1, float: 1, int: 1, select: 3 };

function randomExpr(next: () => number, leaves: readonly Expr[], depth: number): Expr {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)];
  if (depth === 0 || next() < 0.15) return pick(leaves);
  const op = pick(FLOAT_OPS);
  return apply(op, [...Array(ARITY[op] ?? 2)].map(() => randomExpr(next, leaves, depth - 1)));
}

/** Strides of a tensor that is broadcast, permuted or contiguous over the shape, and how many elements that reaches. */
function randomStrides(next: () => number, shape: readonly number[]): { strides: number[]; length: number } {
  const order = shape.map((_, i) => [next(), i]).sort((a, b) => next() < 0.5 ? a[1] - b[1] : a[0] - b[0]).map((p) =>
    p[1]
  );
  const strides = shape.map(() => 0);
  let size = 1;
  for (const axis of order.reverse()) {
    if (next() < 0.25) continue;
    strides[axis] = size;
    size *= shape[axis];
  }
  return { strides, length: size };
}

Deno.test("random trees over odd sizes, broadcast and permuted strides equal the interpreter", () => {
  const next = randomizer(11);
  const shapes = [[], [1], [63], [64], [65], [257], [3, 65], [65, 3], [7, 1, 5], [2, 3, 4, 5], [2, 2, 3, 2, 3, 5], [
    40000,
  ], [300, 257]];
  for (const shape of [...shapes, ...shapes, ...shapes]) {
    const dtypes: DType[] = ["float32", "float32", "int32"];
    const layouts = dtypes.map(() => randomStrides(next, shape));
    const offsets = dtypes.map(() => Math.floor(next() * 5));
    const data = layouts.map(({ length }, i) => {
      const values = [...Array(length + offsets[i])].map(() =>
        dtypes[i] === "int32" ? Math.floor(20 * next() - 10) : 8 * next() - 4
      );
      return dtypes[i] === "int32" ? Int32Array.from(values) : Float32Array.from(values);
    });
    const leaves = [
      input(0),
      input(1),
      input(2, "int32"),
      scalar(0),
      scalar(1),
      constant(2),
      constant(-0.75),
      constant(3, "int32"),
    ];
    const outputs = [...Array(1 + Math.floor(3 * next()))].map(() => {
      const expr = randomExpr(next, leaves, 4);
      return { offset: Math.floor(3 * next()), dtype: expr.dtype, expr };
    });
    const inputs = layouts.map(({ strides }, i) => ({ strides, offset: offsets[i], dtype: dtypes[i] }));
    const args = { shape, inputs, outputs, scalars: [1.5, -2.25].map(Math.fround), counters: [] };
    for (const [got, wanted] of both(args, data)) assertClose(got, wanted, 0, `shape [${shape}]`);
  }
});

Deno.test("written functions such as erf, log1p and sigmoid are close to the interpreter", () => {
  for (const text of ["erf(x)", "log1p(abs(x))", "sigmoid(x)", "softplus(x)", "expm1(x)", "x > 0 ? x : 0.01 * x"]) {
    const args: ElementwiseArgs = {
      shape: [1001],
      inputs: [plain(1001)],
      outputs: [{ offset: 0, dtype: "float32", expr: parse(text, { x: input(0) }) }],
      scalars: [],
      counters: [],
    };
    for (const [got, wanted] of both(args, [Float32Array.from(spread(-4, 4, 1001))])) {
      assertClose(got, wanted, 2e-6, text);
    }
  }
});

Deno.test("random numbers equal Philox of the interpreter, rows cut anywhere", () => {
  const state = Int32Array.from([0x12345678, -5, 77, 3]);
  for (const shape of [[5], [16], [1000], [40000], [70, 33], [3, 2000], [2, 5, 7]]) {
    const strides = shape.map(() => 0);
    const random = (counter: number): Expr => ({ op: "random", state: 0, counter, dtype: "float32" });
    const args: ElementwiseArgs = {
      shape,
      inputs: [{ strides, offset: 0, dtype: "int32" }],
      outputs: [
        { offset: 0, dtype: "float32", expr: random(0) },
        { offset: 0, dtype: "float32", expr: apply("sub", [random(1), random(0)]) },
      ],
      scalars: [],
      counters: [9, 0xffffffff],
    };
    for (const [got, wanted] of both(args, [state])) assertClose(got, wanted, 0, `random [${shape}]`);
  }
});

Deno.test("an output may be the input it is computed from", () => {
  const slice = heap.allocate(4 * 100);
  slice.f32.forEach((_, i, all) => all[i] = i);
  const args: ElementwiseArgs = {
    shape: [100],
    inputs: [plain(100)],
    outputs: [{ offset: 0, dtype: "float32", expr: apply("mul", [input(0), scalar(0)]) }],
    scalars: [2],
    counters: [],
  };
  elementwise.run(args, [slice], [slice]);
  assert.deepEqual([...slice.f32], [...Array(100).keys()].map((i) => 2 * i));
});
