/**
 * Cutting a tensor into pieces. Their gradients are written into one tensor, where each piece has its place: slices would each
 * give one of the whole size, and those would have to be added.
 * @module
 */
import { track } from "../autograd.ts";
import { normalizeAxis } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { copyIntoView, scatterSlice } from "./copy.ts";
import { slice } from "./views.ts";

/** Splits into pieces of ⌈size / chunks⌉ along an axis; the last may be smaller, as in PyTorch. */
export function chunk(x: Tensor, chunks: number, dim = 0): Tensor[] {
  if (!Number.isInteger(chunks) || chunks < 1) {
    throw new RangeError(`Cannot chunk into ${chunks} pieces: expected a whole number from 1 on`);
  }
  const axis = normalizeAxis("chunk", dim, x.ndim);
  return split(x, Math.ceil(x.shape[axis] / chunks), axis);
}

/** Splits into pieces of `size` along an axis; the last may be smaller. */
export function split(x: Tensor, size: number, dim = 0): Tensor[] {
  const axis = normalizeAxis("split", dim, x.ndim);
  if (!Number.isInteger(size) || size < 1) {
    throw new RangeError(`Cannot split into pieces of ${size}: expected a whole number from 1 on`);
  }
  let joined: Tensor | null = null; // gradients of the pieces that the walk back has met
  // only the pieces come from this alias, so that nothing is added to its gradient before all of them are in it
  const whole = x.alias("split", x.shape, x.strides, x.offset, (g) => {
    joined = null;
    return g;
  });
  const join = (g: Tensor, start: number): Tensor | null => {
    if (joined === null) return joined = scatterSlice(g, x.shape, axis, start, 1);
    const { storage, strides } = joined;
    copyIntoView(new Tensor(storage, g.shape, g.dtype, strides, start * strides[axis]), g);
    return null;
  };
  const pieces: Tensor[] = [];
  for (let start = 0; start < x.shape[axis]; start += size) {
    const piece = slice(x.detach(), axis, start, start + size);
    pieces.push(track("split", [whole], piece, (g) => [join(g, start)]));
  }
  return pieces;
}
