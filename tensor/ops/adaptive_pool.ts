/** Pooling by as many windows as are wanted. @module */
import { show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { each, pool, type PoolAxis, type PoolSize, requireAxes } from "./pool.ts";

/** Windows that divide each pooled axis evenly. */
function adaptiveAxes(op: string, x: Tensor, outputSize: PoolSize, axes: number): PoolAxis[] {
  const sizes = each(op, "outputSize", outputSize, axes);
  return x.shape.slice(-axes).map((size, k) => {
    if (size === 0) throw new RangeError(`Cannot ${op} ${show(x.shape)}: there are no elements`);
    return { size, out: sizes[k], kernel: 0, stride: 1, padding: 0, dilation: 1 };
  });
}

/** Means; a single window is the whole axis, whose mean has a faster kernel. */
function mean(name: string, x: Tensor, axes: readonly PoolAxis[]): Tensor {
  if (axes.some(({ out }) => out !== 1)) return pool(name, x, axes, "average");
  return x.mean(axes.map((_, k) => x.ndim - 1 - k), { keepdim: true });
}

/**
 * Means of `outputSize` windows that divide the last axis evenly: window o holds ⌊o·n/outputSize⌋ … ⌈(o + 1)·n/outputSize⌉ − 1.
 *
 * @throws TypeError for too few axes, RangeError for sizes that are not whole numbers from 1 on, or an empty axis.
 */
export function adaptiveAvgPool1d(x: Tensor, outputSize: PoolSize): Tensor {
  requireAxes("adaptiveAvgPool1d", x, 1);
  return mean("adaptiveAvgPool1d", x, adaptiveAxes("adaptiveAvgPool1d", x, outputSize, 1));
}

/** As {@linkcode adaptiveAvgPool1d} over the last two axes, [height, width]. */
export function adaptiveAvgPool2d(x: Tensor, outputSize: PoolSize): Tensor {
  requireAxes("adaptiveAvgPool2d", x, 2);
  return mean("adaptiveAvgPool2d", x, adaptiveAxes("adaptiveAvgPool2d", x, outputSize, 2));
}

/** The largest elements of the windows of {@linkcode adaptiveAvgPool1d}; the first of equal ones gets the gradient. */
export function adaptiveMaxPool1d(x: Tensor, outputSize: PoolSize): Tensor {
  requireAxes("adaptiveMaxPool1d", x, 1);
  return pool("adaptiveMaxPool1d", x, adaptiveAxes("adaptiveMaxPool1d", x, outputSize, 1), "max");
}

/** The largest elements of the windows of {@linkcode adaptiveAvgPool2d}; the first (row-major) of equal ones gets the gradient. */
export function adaptiveMaxPool2d(x: Tensor, outputSize: PoolSize): Tensor {
  requireAxes("adaptiveMaxPool2d", x, 2);
  return pool("adaptiveMaxPool2d", x, adaptiveAxes("adaptiveMaxPool2d", x, outputSize, 2), "max");
}
