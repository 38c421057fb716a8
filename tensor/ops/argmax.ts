/** Position of the largest element. @module */
import { normalizeAxis, show } from "../shape.ts";
import type { ReduceOptions, Tensor } from "../tensor.ts";
import { largest } from "./topk.ts";
import { reshape, squeeze } from "./views.ts";

/**
 * Position of the largest element along an axis (the first of equal ones), or in the flattened tensor; int32. NaN counts as the largest,
 * as in PyTorch.
 *
 * @throws RangeError if there are no elements to choose from.
 */
export function argmax(x: Tensor, dim?: number, { keepdim = false }: ReduceOptions = {}): Tensor {
  const line = dim === undefined ? reshape(x.detach(), [-1]) : x;
  const axis = normalizeAxis("argmax", dim ?? 0, line.ndim);
  if (line.shape[axis] === 0) {
    throw new RangeError(`Cannot take the argmax of ${show(x.shape)} along axis ${axis}: there are no elements`);
  }
  const indices = largest(line, 1, axis);
  return keepdim && dim !== undefined ? indices : squeeze(indices, axis);
}
