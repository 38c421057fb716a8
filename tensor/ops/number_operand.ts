/**
 * Numbers as operands: they are handed over at run time, so that a new number needs neither a new kernel nor a tensor.
 * @module
 */
import type { DType } from "../dtype.ts";
import { apply, constant, type Expr, scalar } from "../expr/expr.ts";

/** Whole numbers up to here are exact as float32, which is how run-time numbers travel. */
const EXACT = 2 ** 24;

/** The type that a number takes beside a tensor: a whole one meeting int32 stays int32, as in PyTorch. */
export function numberType(value: number, beside: DType): DType {
  const fits = Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31;
  return beside === "int32" && fits ? "int32" : "float32";
}

/** A text that is equal for numbers that give the same expression. */
export function numberKey(value: number, type: DType): string {
  return type === "int32" && Math.abs(value) > EXACT ? `int32 ${value}` : `number ${type}`;
}

/** Run-time scalar `index`, whose value is `value`, as an expression of a type. */
export function numberExpr(value: number, type: DType, index: number): Expr {
  if (type === "float32") return scalar(index);
  return Math.abs(value) > EXACT ? constant(Math.trunc(value), "int32") : apply("int", [scalar(index)]);
}
