/** Variance, deviation, norms and log-sum-exp, written in terms of other ops, whose gradients they inherit. @module */
import { noGrad } from "../autograd.ts";
import { normalizeAxes } from "../shape.ts";
import type { ReduceOptions, Tensor } from "../tensor.ts";
import { pointwise } from "./pointwise.ts";
import { reshape } from "./views.ts";

/** Options of {@linkcode variance} and {@linkcode std}. */
export interface VarianceOptions extends ReduceOptions {
  /** Divides by n − 1 instead of n. Default true, as in PyTorch. */
  unbiased?: boolean;
}

/** Variance along axes; the mean is subtracted first, so a large offset costs no precision. */
export function variance(
  x: Tensor,
  dim?: number | readonly number[],
  { unbiased = true, keepdim = false }: VarianceOptions = {},
): Tensor {
  const axes = normalizeAxes("variance", dim, x.ndim);
  const n = axes.reduce((product, a) => product * x.shape[a], 1);
  const spread = x.sub(x.mean(axes, { keepdim: true })).square().mean(axes, { keepdim });
  return unbiased ? spread.mul(n / (n - 1)) : spread;
}

/** Standard deviation along axes; the gradient where it is 0 is 0. */
export function std(x: Tensor, dim?: number | readonly number[], options?: VarianceOptions): Tensor {
  return pointwise("root", variance(x, dim, options));
}

/** Options of {@linkcode norm}. */
export interface NormOptions extends ReduceOptions {
  /** Order of the norm: 2 (default) or 1. */
  p?: 1 | 2;
}

/** Euclidean length (or sum of absolute values) along axes; the gradient at 0 is 0. */
export function norm(
  x: Tensor,
  dim?: number | readonly number[],
  { p = 2, keepdim = false }: NormOptions = {},
): Tensor {
  if (p === 1) return x.abs().sum(dim, { keepdim });
  return pointwise("root", x.square().sum(dim, { keepdim }));
}

/** log Σ eˣ along axes, safe for large x. */
export function logSumExp(
  x: Tensor,
  dim?: number | readonly number[],
  { keepdim = false }: ReduceOptions = {},
): Tensor {
  const axes = normalizeAxes("logSumExp", dim, x.ndim);
  const top = noGrad(() => x.detach().amax(axes, { keepdim: true }));
  const out = x.sub(top).exp().sum(axes, { keepdim: true }).log().add(top);
  return keepdim ? out : reshape(out, x.shape.filter((_, i) => !axes.includes(i)));
}

/** x divided by its length along an axis, at least eps (default 1e-12). */
export function normalize(x: Tensor, { dim = -1, eps = 1e-12 }: { dim?: number; eps?: number } = {}): Tensor {
  return x.div(norm(x, dim, { keepdim: true }).clamp(eps));
}
