/**
 * Lowers elementwise expressions to vector code: four output elements at a time.
 * @module
 */
import type { DType } from "../../dtype.ts";
import type { Expr, Primitive } from "../../expr/expr.ts";
import type { Body, Target } from "./module.ts";
import { f32x4, i32x4, type V128, v128 } from "./ops.ts";
import { VectorMath } from "./vec_math.ts";
import { type HostMath, VectorMath64 } from "./vec_math64.ts";

/** Where leaves come from: inputs at this place, scalars, random numbers. */
export interface Leaves {
  input(index: number): V128;
  scalar(index: number): V128;
  random(node: Extract<Expr, { op: "random" }>): V128;
}

type Binary = (a: V128, b: V128) => V128;

const FLOAT_BINARY: Partial<Record<Primitive, Binary>> = {
  add: f32x4.add,
  sub: f32x4.sub,
  mul: f32x4.mul,
  div: f32x4.div,
  min: f32x4.min,
  max: f32x4.max,
};
const INT_BINARY: Partial<Record<Primitive, Binary>> = {
  add: i32x4.add,
  sub: i32x4.sub,
  mul: i32x4.mul,
  min: i32x4.min,
  max: i32x4.max,
};
const FLOAT_UNARY: Partial<Record<Primitive, (a: V128) => V128>> = {
  neg: f32x4.neg,
  abs: f32x4.abs,
  floor: f32x4.floor,
  sqrt: f32x4.sqrt,
};
const INT_UNARY: Partial<Record<Primitive, (a: V128) => V128>> = { neg: i32x4.neg, abs: i32x4.abs };
const FLOAT_COMPARE: Partial<Record<Primitive, Binary>> = {
  lt: f32x4.lt,
  le: f32x4.le,
  gt: f32x4.gt,
  ge: f32x4.ge,
  eq: f32x4.eq,
  ne: f32x4.ne,
};
const INT_COMPARE: Partial<Record<Primitive, Binary>> = {
  lt: i32x4.lt,
  le: i32x4.le,
  gt: i32x4.gt,
  ge: i32x4.ge,
  eq: i32x4.eq,
  ne: i32x4.ne,
};

/** An operation node. */
type Operation = Extract<Expr, { readonly args: readonly Expr[] }>;

/** Lowers expressions into one function's body. */
export class ExpressionLowering {
  readonly #f: Body;
  readonly #math: VectorMath;
  readonly #math64: VectorMath64;

  constructor(body: Body, target: Target, host: HostMath) {
    this.#f = body;
    this.#math = new VectorMath(body, target);
    this.#math64 = new VectorMath64(body, host);
  }

  /** The values of the roots; each node is computed once. */
  lower(roots: readonly Expr[], leaves: Leaves): V128[] {
    const values = new Map<Expr, V128>();
    const masks = new Map<Expr, V128>();
    const value = (node: Expr): V128 =>
      remember(values, node, () => this.#math.keep(this.#node(node, leaves, value, mask)));
    const mask = (node: Expr): V128 => remember(masks, node, () => this.#math.keep(this.#mask(node, value)));
    return roots.map(value);
  }

  #node(node: Expr, leaves: Leaves, value: (e: Expr) => V128, mask: (e: Expr) => V128): V128 {
    switch (node.op) {
      case "const":
        return this.#constant(node.value, node.dtype);
      case "input":
        return leaves.input(node.index);
      case "scalar":
        return leaves.scalar(node.index);
      case "random":
        return leaves.random(node);
      default:
        return this.#operation(node, value, mask);
    }
  }

  #constant(x: number, dtype: DType): V128 {
    return dtype === "float32" ? this.#math.constant(x) : this.#math.integer(x);
  }

  #operation(node: Operation, value: (e: Expr) => V128, mask: (e: Expr) => V128): V128 {
    const { op, args } = node;
    const [a, b] = args;
    if (op in FLOAT_COMPARE) return v128.and(mask(node), this.#math.integer(1));
    if (op === "select") return v128.bitselect(value(b), value(args[2]), mask(a));
    if (op === "float") {
      if (a.dtype === "float32") return value(a);
      return a.op in FLOAT_COMPARE ? v128.and(mask(a), this.#math.constant(1)) : f32x4.fromInt(value(a));
    }
    if (op === "int") return a.dtype === "int32" ? value(a) : i32x4.fromFloat(value(a));
    if (args.length === 1) return this.#unary(op, value(a), node.dtype);
    return this.#binary(node, value);
  }

  #unary(op: Primitive, a: V128, dtype: DType): V128 {
    const simple = (dtype === "float32" ? FLOAT_UNARY : INT_UNARY)[op];
    if (simple !== undefined) return simple(a);
    switch (op) {
      case "exp":
        return this.#math.exp(a);
      case "log":
        return this.#math.log(a);
      case "tanh":
        return this.#math.tanh(a);
      case "sin":
        return this.#math64.sin(a);
      case "cos":
        return this.#math64.cos(a);
      default:
        throw new Error(`internal: no vector code for ${op} of ${dtype}`);
    }
  }

  #binary(node: Operation, value: (e: Expr) => V128): V128 {
    const { op, args: [a, b], dtype } = node;
    if (op === "pow") return this.#pow(value(a), b, value);
    if (dtype === "float32" && (op === "min" || op === "max")) {
      // with a number on one side the quick instructions keep NaN as well
      const quick = op === "min" ? f32x4.pmin : f32x4.pmax;
      if (isNumber(b)) return quick(value(a), value(b));
      if (isNumber(a)) return quick(value(b), value(a));
    }
    const simple = (dtype === "float32" ? FLOAT_BINARY : INT_BINARY)[op];
    if (simple === undefined) throw new Error(`internal: no vector code for ${op} of ${dtype}`);
    return simple(value(a), value(b));
  }

  /** x to the 2 and x to the 1/2 come up often enough to be done at once. */
  #pow(x: V128, exponent: Expr, value: (e: Expr) => V128): V128 {
    if (exponent.op === "const" && exponent.value === 2) return f32x4.mul(x, x);
    if (exponent.op === "const" && exponent.value === 3) return f32x4.mul(f32x4.mul(x, x), x);
    if (exponent.op === "const" && exponent.value === -1) return f32x4.div(this.#math.constant(1), x);
    return this.#math64.pow(x, value(exponent));
  }

  /** All bits set where the node is not 0. */
  #mask(node: Expr, value: (e: Expr) => V128): V128 {
    if ("args" in node && node.op in FLOAT_COMPARE) {
      const [a, b] = node.args;
      const compare = (a.dtype === "float32" ? FLOAT_COMPARE : INT_COMPARE)[node.op];
      if (compare !== undefined) return compare(value(a), value(b));
    }
    const zero = this.#constant(0, node.dtype);
    return (node.dtype === "float32" ? f32x4.ne : i32x4.ne)(value(node), zero);
  }
}

function isNumber(node: Expr): boolean {
  return node.op === "const" && !Number.isNaN(node.value);
}

function remember<K, V>(map: Map<K, V>, key: K, compute: () => V): V {
  let found = map.get(key);
  if (found === undefined) {
    found = compute();
    map.set(key, found);
  }
  return found;
}
