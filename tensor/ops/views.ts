/** Views: other shapes and orders of the same memory. Copies are made only where memory leaves no choice. @module */
import { inferShape, normalizeAxis, reshapeStrides, sameShape, type Shape, show } from "../shape.ts";
import { broadcastShapes, broadcastStrides } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { contiguous, scatterSlice } from "./copy.ts";
import { sumTo } from "./reduce.ts";

/** The same memory with another shape; null where strides do not allow. */
function viewAs(x: Tensor, shape: Shape): Tensor | null {
  if (sameShape(shape, x.shape)) return x;
  const strides = reshapeStrides(x.shape, x.strides, shape);
  return strides && x.alias("reshape", shape, strides, x.offset, (g) => reshape(g, x.shape));
}

/** The same elements with another shape; one size may be −1. A view where strides allow, else a copy. */
export function reshape(x: Tensor, wished: Shape): Tensor {
  const shape = inferShape("reshape", wished, x.size, x.shape);
  return viewAs(x, shape) ?? reshape(contiguous(x), shape);
}

/** As {@linkcode reshape}, but never a copy: TypeError where strides do not allow. */
export function view(x: Tensor, wished: Shape): Tensor {
  const out = viewAs(x, inferShape("view", wished, x.size, x.shape));
  if (out === null) {
    throw new TypeError(
      `Cannot view ${show(x.shape)} as ${show(wished)}: its memory lies in another order; use reshape()`,
    );
  }
  return out;
}

/** Merges axes start … end (inclusive) into one. */
export function flatten(x: Tensor, start = 0, end = -1): Tensor {
  if (x.ndim === 0) return reshape(x, [1]);
  const [from, to] = [normalizeAxis("flatten", start, x.ndim), normalizeAxis("flatten", end, x.ndim)];
  return reshape(x, [...x.shape.slice(0, from), -1, ...x.shape.slice(to + 1)]);
}

/** Axes in another order: axis i of the result is axis dims[i] of x. */
export function permute(x: Tensor, dims: readonly number[]): Tensor {
  const order = dims.map((d) => normalizeAxis("permute", d, x.ndim));
  if (order.length !== x.ndim || new Set(order).size !== x.ndim) {
    throw new RangeError(`Cannot permute ${show(x.shape)} by ${show(dims)}: name each axis once`);
  }
  const inverse = order.map((_, i) => order.indexOf(i));
  return x.alias(
    "permute",
    order.map((d) => x.shape[d]),
    order.map((d) => x.strides[d]),
    x.offset,
    (g) => permute(g, inverse),
  );
}

/** Swaps two axes. */
export function transpose(x: Tensor, dim0: number, dim1: number): Tensor {
  const order = x.shape.map((_, i) => i);
  const [a, b] = [normalizeAxis("transpose", dim0, x.ndim), normalizeAxis("transpose", dim1, x.ndim)];
  [order[a], order[b]] = [b, a];
  return permute(x, order);
}

/** Repeats axes of size 1 (and adds leading ones) without copying; −1 keeps a size. */
export function expand(x: Tensor, wished: Shape): Tensor {
  const skip = wished.length - x.ndim;
  const shape = wished.map((n, i) => (n === -1 && i >= skip ? x.shape[i - skip] : n));
  if (skip < 0 || shape.some((n) => n < 0) || !sameShape(broadcastShapes("expand", [x.shape, shape]), shape)) {
    throw new TypeError(`Cannot expand ${show(x.shape)} to ${show(wished)}: only axes of size 1 can be repeated`);
  }
  return x.alias("expand", shape, broadcastStrides(x.shape, x.strides, shape), x.offset, (g) => sumTo(g, x.shape));
}

/** Elements start, start + step, … below end along an axis; negative positions count from the end. */
export function slice(x: Tensor, dim: number, start = 0, end = Infinity, step = 1): Tensor {
  const axis = normalizeAxis("slice", dim, x.ndim);
  if (!Number.isInteger(step) || step < 1) {
    throw new RangeError(`Cannot slice with step ${step}: expected a whole number from 1 on`);
  }
  if (!Number.isInteger(start) || (end !== Infinity && !Number.isInteger(end))) {
    throw new RangeError(`Cannot slice from ${start} to ${end}: expected whole numbers`);
  }
  const size = x.shape[axis];
  const place = (i: number) => Math.min(Math.max(i < 0 ? i + size : i, 0), size);
  const [from, to] = [place(start), place(end)];
  const count = Math.max(0, Math.ceil((to - from) / step));
  if (count === size) return x;
  const shape = x.shape.map((n, i) => (i === axis ? count : n));
  const strides = x.strides.map((s, i) => (i === axis ? s * step : s));
  return x.alias(
    "slice",
    shape,
    strides,
    x.offset + from * x.strides[axis],
    (g) => scatterSlice(g, x.shape, axis, from, step),
  );
}

/** The part at one position along an axis, without that axis. */
export function select(x: Tensor, dim: number, index: number): Tensor {
  const axis = normalizeAxis("select", dim, x.ndim);
  const at = index < 0 ? index + x.shape[axis] : index;
  if (!(at >= 0 && at < x.shape[axis])) {
    throw new RangeError(`Cannot select ${index} along axis ${axis} of ${show(x.shape)}`);
  }
  return squeeze(slice(x, axis, at, at + 1), axis);
}

/** Drops axes of size 1: all of them, or one. */
export function squeeze(x: Tensor, dim?: number): Tensor {
  if (dim === undefined) return reshape(x, x.shape.filter((n) => n !== 1));
  const axis = normalizeAxis("squeeze", dim, x.ndim);
  return x.shape[axis] === 1 ? reshape(x, x.shape.filter((_, i) => i !== axis)) : x;
}

/** Adds an axis of size 1 at `dim`. */
export function unsqueeze(x: Tensor, dim: number): Tensor {
  const axis = normalizeAxis("unsqueeze", dim, x.ndim + 1);
  return reshape(x, [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)]);
}

/** Reverses the order along axes; a view with negative strides. */
export function flip(x: Tensor, dims: number | readonly number[]): Tensor {
  const axes = (typeof dims === "number" ? [dims] : dims).map((d) => normalizeAxis("flip", d, x.ndim));
  if (x.size === 0) return x;
  const offset = axes.reduce((at, axis) => at + (x.shape[axis] - 1) * x.strides[axis], x.offset);
  const strides = x.strides.map((s, i) => (axes.includes(i) ? -s : s));
  return x.alias("flip", x.shape, strides, offset, (g) => flip(g, axes));
}
