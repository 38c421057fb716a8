/** Position of the largest element. @module */
import { type ReduceOptions, Tensor } from "../tensor.ts";
import { normalizeAxis } from "../shape.ts";
import { topk } from "./topk.ts";
import { reshape } from "./views.ts";

/** Position of the largest element along an axis (the first of equal ones), or in the flattened tensor; int32. */
export function argmax(x: Tensor, dim?: number, { keepdim = false }: ReduceOptions = {}): Tensor {
  if (dim === undefined) return reshape(topk(reshape(x.detach(), [-1]), 1).indices, []);
  const axis = normalizeAxis("argmax", dim, x.ndim);
  const { indices } = topk(x.detach(), 1, axis);
  return keepdim ? indices : indices.squeeze(axis);
}
