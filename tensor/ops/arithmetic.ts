/**
 * Elementwise ops under PyTorch's names; formulas and derivatives stand in pointwise.ts. Operands broadcast; int32 with int32
 * stays int32, anything else is float32. Comparisons give int32, 1 where true.
 * @module
 */
import { apply, input } from "../expr/expr.ts";
import type { Operand, Tensor } from "../tensor.ts";
import { mapElements } from "./elementwise.ts";
import { pointwise } from "./pointwise.ts";

/** x + z. */
export function add(x: Tensor, z: Operand): Tensor {
  return pointwise("add", x, z);
}

/** x − z. */
export function sub(x: Tensor, z: Operand): Tensor {
  return pointwise("sub", x, z);
}

/** x · z. */
export function mul(x: Tensor, z: Operand): Tensor {
  return pointwise("mul", x, z);
}

/** x / z, float32. */
export function div(x: Tensor, z: Operand): Tensor {
  return pointwise("div", x, z);
}

/** x to the power z, float32; a negative base needs a whole exponent. */
export function pow(x: Tensor, z: Operand): Tensor {
  return z === 2 ? square(toFloat(x)) : pointwise("pow", x, z);
}

/** The larger of x and z. */
export function maximum(x: Tensor, z: Operand): Tensor {
  return pointwise("maximum", x, z);
}

/** The smaller of x and z. */
export function minimum(x: Tensor, z: Operand): Tensor {
  return pointwise("minimum", x, z);
}

/** −x. */
export function neg(x: Tensor): Tensor {
  return pointwise("neg", x);
}

/** |x|. */
export function abs(x: Tensor): Tensor {
  return pointwise("abs", x);
}

/** −1, 0 or 1. */
export function sign(x: Tensor): Tensor {
  return x.dtype === "int32" ? toInt(pointwise("sign", x)) : pointwise("sign", x);
}

/** The largest whole number not above x. */
export function floor(x: Tensor): Tensor {
  return x.dtype === "int32" ? x : pointwise("floor", x);
}

/** e to the power x. */
export function exp(x: Tensor): Tensor {
  return pointwise("exp", x);
}

/** Natural logarithm. */
export function log(x: Tensor): Tensor {
  return pointwise("log", x);
}

/** log(1 + x), exact for small x. */
export function log1p(x: Tensor): Tensor {
  return pointwise("log1p", x);
}

/** Square root. */
export function sqrt(x: Tensor): Tensor {
  return pointwise("sqrt", x);
}

/** 1 / √x. */
export function rsqrt(x: Tensor): Tensor {
  return pointwise("rsqrt", x);
}

/** 1 / x. */
export function reciprocal(x: Tensor): Tensor {
  return pointwise("reciprocal", x);
}

/** x². */
export function square(x: Tensor): Tensor {
  return pointwise("square", x);
}

/** Sine. */
export function sin(x: Tensor): Tensor {
  return pointwise("sin", x);
}

/** Cosine. */
export function cos(x: Tensor): Tensor {
  return pointwise("cos", x);
}

/** Hyperbolic tangent. */
export function tanh(x: Tensor): Tensor {
  return pointwise("tanh", x);
}

/** 1 / (1 + e⁻ˣ). */
export function sigmoid(x: Tensor): Tensor {
  return pointwise("sigmoid", x);
}

/** The error function. */
export function erf(x: Tensor): Tensor {
  return pointwise("erf", x);
}

/** max(x, 0). */
export function relu(x: Tensor): Tensor {
  return pointwise("relu", x);
}

/** x where positive, else slope · x. The default slope is 0.01. */
export function leakyRelu(x: Tensor, slope = 0.01): Tensor {
  return pointwise("leakyRelu", x, undefined, [slope]);
}

/** x where positive, else alpha · (eˣ − 1). The default alpha is 1 (Clevert et al. 2015, arXiv 1511.07289). */
export function elu(x: Tensor, alpha = 1): Tensor {
  return pointwise("elu", x, undefined, [alpha]);
}

/** Options of {@linkcode gelu}. */
export interface GeluOptions {
  /** "tanh" for the approximation by a hyperbolic tangent. Default "none": exact. */
  approximate?: "none" | "tanh";
}

/** x · Φ(x), Φ the normal distribution function (Hendrycks and Gimpel 2016, arXiv 1606.08415). */
export function gelu(x: Tensor, { approximate = "none" }: GeluOptions = {}): Tensor {
  return pointwise(approximate === "tanh" ? "geluTanh" : "gelu", x);
}

/** x · sigmoid(x), also known as Swish. */
export function silu(x: Tensor): Tensor {
  return pointwise("silu", x);
}

/** log(1 + eˣ). */
export function softplus(x: Tensor): Tensor {
  return pointwise("softplus", x);
}

/**
 * x limited to [min, max]; one of the two may be absent. The gradient is 0 outside.
 *
 * @throws TypeError if both are absent.
 */
export function clamp(x: Tensor, min?: number, max?: number): Tensor {
  if (min === undefined && max === undefined) throw new TypeError("Cannot clamp without limits: give min, max or both");
  if (min !== undefined && max !== undefined && x.dtype === "float32") {
    return pointwise("clamp", x, undefined, [min, max]);
  }
  const above = min === undefined ? x : pointwise("clampMin", x, min);
  return max === undefined ? above : pointwise("clampMax", above, max);
}

/** 1 where x < z. */
export function lt(x: Tensor, z: Operand): Tensor {
  return pointwise("lt", x, z);
}

/** 1 where x ≤ z. */
export function le(x: Tensor, z: Operand): Tensor {
  return pointwise("le", x, z);
}

/** 1 where x > z. */
export function gt(x: Tensor, z: Operand): Tensor {
  return pointwise("gt", x, z);
}

/** 1 where x ≥ z. */
export function ge(x: Tensor, z: Operand): Tensor {
  return pointwise("ge", x, z);
}

/** 1 where x = z. */
export function eq(x: Tensor, z: Operand): Tensor {
  return pointwise("eq", x, z);
}

/** 1 where x ≠ z. */
export function ne(x: Tensor, z: Operand): Tensor {
  return pointwise("ne", x, z);
}

/** The values as float32, outside the graph if they were int32. */
export function toFloat(x: Tensor): Tensor {
  return x.dtype === "float32" ? x : mapElements("toFloat", apply("float", [input(0, "int32")]), [x]);
}

/** The values as int32, truncated towards zero, outside the graph. */
export function toInt(x: Tensor): Tensor {
  return x.dtype === "int32" ? x : mapElements("toInt", apply("int", [input(0)]), [x]);
}
