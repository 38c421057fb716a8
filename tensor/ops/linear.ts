/** A linear map with bias and activation in the product's epilogue. @module */
import { track } from "../autograd.ts";
import { show } from "../shape.ts";
import { requireFloat, requireSameDevice, type Tensor } from "../tensor.ts";
import { contiguous } from "./copy.ts";
import { multiply } from "./matmul.ts";
import { sum } from "./reduce.ts";
import { reluGradient } from "./relu_gradient.ts";
import { reshape, transpose } from "./views.ts";

/** Options of {@linkcode linear}. */
export interface LinearOptions {
  /** Applied to the result in the same kernel. Default "none". */
  activation?: "none" | "relu";
}

/**
 * x · weightᵀ + bias over the last axis, as PyTorch's `linear`: x (…, in), weight (out, in), bias (out) or null → (…, out).
 *
 * @throws TypeError if the sizes do not agree.
 */
export function linear(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  { activation = "none" }: LinearOptions = {},
): Tensor {
  requireSameDevice("linear", bias === null ? [x, weight] : [x, weight, bias]);
  requireFloat("linear", x, weight);
  const [outSize, inSize] = weight.shape;
  if (
    weight.ndim !== 2 || x.ndim === 0 || x.shape.at(-1) !== inSize ||
    (bias !== null && (bias.ndim !== 1 || bias.size !== outSize))
  ) {
    throw new TypeError(
      `Cannot apply linear weight ${show(weight.shape)} and bias ${bias && show(bias.shape)} to ${show(x.shape)}`,
    );
  }
  const rows = reshape(contiguous(x.detach()), [-1, inSize]);
  const flat = multiply(rows, transpose(weight.detach(), 0, 1), {
    bias: bias && contiguous(bias.detach()),
    activation,
  });
  const out = reshape(flat, [...x.shape.slice(0, -1), outSize]);
  const inputs = bias === null ? [x, weight] : [x, weight, bias];
  return track("linear", inputs, out, (grad, needs) => {
    const dense = reshape(contiguous(grad), [-1, outSize]);
    const g = activation === "relu" ? reluGradient(flat, dense) : dense;
    return [
      needs[0] ? reshape(multiply(g, weight.detach()), x.shape) : null,
      needs[1] ? multiply(transpose(g, 0, 1), rows) : null,
      needs[2] ? sum(g, 0) : null,
    ];
  });
}
