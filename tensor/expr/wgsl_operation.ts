/**
 * One node of an elementwise expression as WGSL: for one element, or for four neighbours in a vec4.
 * @module
 */
import type { DType } from "../dtype.ts";
import type { Expr } from "./expr.ts";

/** Elements that an invocation computes side by side. */
export type Width = 1 | 4;

/** What WGSL calls a value. */
export function wgslType(dtype: DType, width: Width): string {
  const scalar = dtype === "float32" ? "f32" : "i32";
  return width === 1 ? scalar : `vec4<${scalar}>`;
}

/** One number for all elements. */
export function splat(text: string, dtype: DType, width: Width): string {
  return width === 1 ? text : `${wgslType(dtype, width)}(${text})`;
}

/** Literals are written so that WGSL reads the same float32. */
export function literal(value: number, dtype: DType): string {
  if (dtype === "int32") return value === -2147483648 ? "i32(-2147483647 - 1)" : `i32(${value})`;
  if (!Number.isFinite(value)) throw new RangeError(`internal: WGSL has no literal for ${value}`);
  const text = String(Math.fround(value));
  return `f32(${/[.e]/.test(text) ? text : `${text}.0`})`;
}

const INFIX: Record<string, string> = {
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
  lt: "<",
  le: "<=",
  gt: ">",
  ge: ">=",
  eq: "==",
  ne: "!=",
};
const COMPARISONS = new Set(["lt", "le", "gt", "ge", "eq", "ne"]);

// tanh of a large argument overflows in some drivers; beyond 15 it is 1 in float32 anyway
const HELPERS = `
fn safeTanh(x: f32) -> f32 { return tanh(clamp(x, -15.0, 15.0)); }
fn safePow(x: f32, y: f32) -> f32 {
  if (y == 0.0) { return 1.0; }
  if (x == 0.0) { return select(0.0, 1.0 / x, y < 0.0); }
  let size = exp2(y * log2(abs(x)));
  if (x > 0.0) { return size; }
  let odd = fract(abs(y) * 0.5) != 0.0;
  return select(select(size, -size, odd), sqrt(x), fract(y) != 0.0);
}
`;

const WIDE_HELPERS = `
fn safeTanh4(x: vec4<f32>) -> vec4<f32> { return tanh(clamp(x, vec4<f32>(-15.0), vec4<f32>(15.0))); }
fn safePow4(x: vec4<f32>, y: vec4<f32>) -> vec4<f32> {
  return vec4<f32>(safePow(x.x, y.x), safePow(x.y, y.y), safePow(x.z, y.z), safePow(x.w, y.w));
}
`;

/** Functions that {@linkcode operation} calls. */
export function helpers(width: Width): string {
  return width === 1 ? HELPERS : HELPERS + WIDE_HELPERS;
}

/** Text of one node, its operands being names of earlier ones. */
export function operation(
  node: Expr & { args: readonly Expr[] },
  { width, name }: { width: Width; name: (e: Expr) => string },
): string {
  const [a, b, c] = node.args.map(name);
  const int = (text: string) => splat(text, "int32", width);
  if (COMPARISONS.has(node.op)) return `select(${int("0")}, ${int("1")}, ${a} ${INFIX[node.op]} ${b})`;
  if (node.op in INFIX) return `${a} ${INFIX[node.op]} ${b}`;
  switch (node.op) {
    case "neg":
      return `-${a}`;
    case "select": {
      const { dtype } = node.args[0];
      return `select(${c}, ${b}, ${a} != ${splat(dtype === "int32" ? "0" : "0.0", dtype, width)})`;
    }
    case "float":
      return `${wgslType("float32", width)}(${a})`;
    case "int":
      return `${wgslType("int32", width)}(${a})`;
    case "tanh":
      return `safeTanh${width === 4 ? "4" : ""}(${a})`;
    case "pow":
      return `safePow${width === 4 ? "4" : ""}(${a}, ${b})`;
    default:
      return `${node.op}(${node.args.map(name).join(", ")})`;
  }
}
