/**
 * Elementwise arithmetic as data: a small expression tree, so that one text such as `x * sigmoid(x)` becomes WGSL, WASM SIMD
 * and a reference in JavaScript, and so that neighbouring ops of a captured step fuse by substitution.
 * @module
 */
import { type DType, promote } from "../dtype.ts";

/** Functions that every lowering (WGSL, WASM, reference) implements; all others are written in terms of these. */
export type Primitive =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "neg"
  | "abs"
  | "min"
  | "max"
  | "floor"
  | "sqrt"
  | "exp"
  | "log"
  | "sin"
  | "cos"
  | "tanh"
  | "pow"
  | "lt"
  | "le"
  | "gt"
  | "ge"
  | "eq"
  | "ne" // int32 results, 1 where true
  | "select" // select(condition, whenTrue, whenFalse); the condition is true where it is not 0
  | "float"
  | "int"; // conversions; int truncates towards zero

/** An expression for one output element. Nodes are shared by identity: a lowering computes each object once. */
export type Expr =
  | { readonly op: "const"; readonly value: number; readonly dtype: DType }
  /** The element of input `index` at this place. */
  | { readonly op: "input"; readonly index: number; readonly dtype: DType }
  /** A float32 given at run time, so that a new value needs no new shader. */
  | { readonly op: "scalar"; readonly index: number; readonly dtype: "float32" }
  /** A random float32 in [0, 1) for this output element: see tensor/random.ts. `state` is the input that holds the key. */
  | { readonly op: "random"; readonly state: number; readonly counter: number; readonly dtype: "float32" }
  | { readonly op: Primitive; readonly args: readonly Expr[]; readonly dtype: DType };

/** An input of an elementwise kernel: how the iteration space walks over it, in elements. */
export interface ElementwiseInput {
  readonly strides: readonly number[];
  readonly offset: number;
  readonly dtype: DType;
  /** Set where this input is output number `inPlace` read before it is written (same place, same element). */
  readonly inPlace?: number;
  /** Set where an earlier input number `shares` has the same storage: WGSL binds it once. */
  readonly shares?: number;
}

/** An output of an elementwise kernel: contiguous over the iteration space from `offset` on. */
export interface ElementwiseOutput {
  readonly offset: number;
  readonly dtype: DType;
  readonly expr: Expr;
}

/** Everything an elementwise kernel needs besides storages. */
export interface ElementwiseArgs {
  /** Iteration space, collapsed to as few axes as the strides allow; [] is one element. */
  readonly shape: readonly number[];
  readonly inputs: readonly ElementwiseInput[];
  readonly outputs: readonly ElementwiseOutput[];
  readonly scalars: readonly number[];
  /** Random counters, unsigned 32-bit, added to the base in the state. */
  readonly counters: readonly number[];
}

const COMPARISONS = new Set(["lt", "le", "gt", "ge", "eq", "ne"]);
const FLOAT_ONLY = new Set(["div", "floor", "sqrt", "exp", "log", "sin", "cos", "tanh", "pow", "float"]);

/** A float32 constant, or int32 where said. */
export function constant(value: number, dtype: DType = "float32"): Expr {
  return { op: "const", value, dtype };
}

/** Input `index` as an expression. */
export function input(index: number, dtype: DType = "float32"): Expr {
  return { op: "input", index, dtype };
}

/** Run-time scalar `index` as an expression. */
export function scalar(index: number): Expr {
  return { op: "scalar", index, dtype: "float32" };
}

function asFloat(x: Expr): Expr {
  if (x.dtype === "float32") return x;
  return x.op === "const" ? constant(x.value) : { op: "float", args: [x], dtype: "float32" };
}

/** A whole constant takes the type of what it meets, so that `x + 1` of an int32 x stays int32. */
function commonType(args: readonly Expr[]): DType {
  const typed = args.filter((a) => !(a.op === "const" && Number.isInteger(a.value)));
  return (typed.length > 0 ? typed : args).map((a) => a.dtype).reduce(promote);
}

function asInt(x: Expr): Expr {
  return x.op === "const" ? constant(x.value, "int32") : x;
}

/** Applies a primitive; mixed operands are computed in float32, as in PyTorch. */
export function apply(op: Primitive, args: readonly Expr[]): Expr {
  if (op === "int") return args[0].dtype === "int32" ? args[0] : { op, args, dtype: "int32" };
  if (op === "float") return asFloat(args[0]);
  if (op === "select") {
    const dtype = commonType(args.slice(1));
    const branches = args.slice(1).map(dtype === "float32" ? asFloat : asInt);
    return { op, args: [args[0], ...branches], dtype };
  }
  const dtype = FLOAT_ONLY.has(op) ? "float32" : commonType(args);
  const converted = args.map(dtype === "float32" ? asFloat : asInt);
  return { op, args: converted, dtype: COMPARISONS.has(op) ? "int32" : dtype };
}

/** Calls `visit` on every node once, children first. */
export function walk(roots: readonly Expr[], visit: (node: Expr) => void): void {
  const seen = new Set<Expr>();
  const go = (node: Expr): void => {
    if (seen.has(node)) return;
    seen.add(node);
    if ("args" in node) node.args.forEach(go);
    visit(node);
  };
  roots.forEach(go);
}

/** Rewrites leaves (inputs, scalars, random numbers) and keeps sharing. */
export function mapLeaves(roots: readonly Expr[], leaf: (node: Expr) => Expr): Expr[] {
  const done = new Map<Expr, Expr>();
  const go = (node: Expr): Expr => {
    let out = done.get(node);
    if (out === undefined) {
      out = "args" in node ? apply(node.op, node.args.map(go)) : leaf(node);
      done.set(node, out);
    }
    return out;
  };
  return roots.map(go);
}

/**
 * A text that is equal for equal structures, for caches of compiled kernels: sharing, input numbers and types are part of it,
 * run-time scalars' values are not.
 */
export function structureKey(args: ElementwiseArgs): string {
  const ids = new Map<Expr, number>();
  const parts: string[] = [];
  walk(args.outputs.map((o) => o.expr), (n) => {
    ids.set(n, ids.size);
    if (n.op === "const") parts.push(`${n.value}:${n.dtype}`);
    else if (n.op === "input") parts.push(`i${n.index}:${n.dtype}`);
    else if (n.op === "scalar") parts.push(`s${n.index}`);
    else if (n.op === "random") parts.push(`r${n.state},${n.counter}`);
    else parts.push(`${n.op}(${n.args.map((a) => ids.get(a)).join()})${n.dtype}`);
  });
  return `${parts.join(" ")}|${args.outputs.map((o) => `${ids.get(o.expr)}:${o.dtype}`).join()}`;
}
