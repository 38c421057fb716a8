/**
 * The plain interpreter of elementwise kernels: the oracle for WASM and WGSL.
 * @module
 */
import type { DType } from "../dtype.ts";
import type { ElementwiseArgs, Expr, Primitive } from "./expr.ts";

/** A storage as the interpreter sees it. */
export type Data = Float32Array | Int32Array;

type Scalar = (a: number, b: number, c: number) => number;

const bool = (x: boolean): number => x ? 1 : 0;

/** Primitives on JavaScript numbers; results are rounded to the node's type afterwards. */
const PRIMITIVES: Readonly<Record<Primitive, Scalar>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  neg: (a) => -a,
  abs: Math.abs,
  min: (a, b) => Math.min(a, b),
  max: (a, b) => Math.max(a, b),
  floor: Math.floor,
  sqrt: Math.sqrt,
  exp: Math.exp,
  log: Math.log,
  sin: Math.sin,
  cos: Math.cos,
  tanh: Math.tanh,
  pow: powerAsInC,
  lt: (a, b) => bool(a < b),
  le: (a, b) => bool(a <= b),
  gt: (a, b) => bool(a > b),
  ge: (a, b) => bool(a >= b),
  eq: (a, b) => bool(a === b),
  ne: (a, b) => bool(a !== b),
  select: (condition, whenTrue, whenFalse) => condition !== 0 ? whenTrue : whenFalse,
  float: (a) => a,
  int: (a) => Number.isNaN(a) ? 0 : Math.trunc(Math.min(Math.max(a, -(2 ** 31)), 2 ** 31 - 1)),
};

/** C has 1 where JavaScript has NaN: 1 to any power, and −1 to an infinite one. */
function powerAsInC(a: number, b: number): number {
  return a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b;
}

/** Computes an elementwise kernel. Inputs and outputs are whole storages of the kernel's types. */
export function evaluate(args: ElementwiseArgs, inputs: readonly Data[], outputs: readonly Data[]): void {
  const total = args.shape.reduce((a, b) => a * b, 1);
  for (let i = 0; i < total; i++) {
    const at = args.inputs.map((input) => input.offset + position(args.shape, input.strides, i));
    const values = new Map<Expr, number>();
    const value = (e: Expr): number => {
      const known = values.get(e);
      if (known !== undefined) return known;
      const computed = round(node(e, value), e.dtype);
      values.set(e, computed);
      return computed;
    };
    const node = (e: Expr, of: (e: Expr) => number): number => {
      if (e.op === "const") return e.value;
      if (e.op === "input") return inputs[e.index][at[e.index]];
      if (e.op === "scalar") return args.scalars[e.index];
      if (e.op === "random") return randomElement(inputs[e.state], at[e.state], args.counters[e.counter], i);
      const [a, b, c] = e.args.map(of);
      if (e.op === "mul" && e.dtype === "int32") return Math.imul(a, b);
      return PRIMITIVES[e.op](a, b, c);
    };
    const results = args.outputs.map((o) => value(o.expr));
    args.outputs.forEach((o, n) => outputs[n][o.offset + i] = results[n]);
  }
}

function position(shape: readonly number[], strides: readonly number[], linear: number): number {
  let at = 0;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    at += (linear % shape[axis]) * strides[axis];
    linear = Math.floor(linear / shape[axis]);
  }
  return at;
}

function round(x: number, dtype: DType): number {
  return dtype === "float32" ? Math.fround(x) : x | 0;
}

function randomElement(state: Data, at: number, counter: number, element: number): number {
  const [key0, key1, low, high] = [0, 1, 2, 3].map((i) => state[at + i]);
  const inBlock = element & 15;
  const words = philox([4 * (element >>> 4) + (inBlock & 3), low + counter, high, 0], [key0, key1]);
  return (words[inBlock >> 2] >>> 8) * 2 ** -24;
}

/** Philox4x32-10 (Salmon et al. 2011): four random words from four counter words and two key words. */
export function philox(counter: readonly number[], key: readonly number[]): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = product(0xd2511f53, c0);
    const [high1, low1] = product(0xcd9e8d57, c2);
    [c0, c1, c2, c3] = [high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0];
    k0 = k0 + 0x9e3779b9 | 0;
    k1 = k1 + 0xbb67ae85 | 0;
  }
  return [c0, c1, c2, c3].map((word) => word >>> 0) as [number, number, number, number];
}

function product(a: number, b: number): [high: number, low: number] {
  const full = BigInt(a >>> 0) * BigInt(b >>> 0);
  return [Number(full >> 32n) | 0, Number(full & 0xffffffffn) | 0];
}
