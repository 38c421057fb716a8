/** The largest element of windows along the last one or two axes. @module */
import type { Tensor } from "../tensor.ts";
import { pool, type PoolSize, requireAxes, slidingAxes } from "./pool.ts";

/** Options of {@linkcode maxPool1d} and {@linkcode maxPool2d}. */
export interface MaxPoolOptions {
  /** Elements of a window. */
  kernelSize: PoolSize;
  /** Steps from window to window. Default: the window's size. */
  stride?: PoolSize;
  /** Places before and after the axis that windows may reach into; they are never the largest. At most half a window. Default 0. */
  padding?: PoolSize;
  /** Steps between a window's elements. Default 1. */
  dilation?: PoolSize;
}

/**
 * The largest element of each window along the last axis; the first of equal ones gets the gradient.
 *
 * @param x float32 (batch, channels, time)
 * @throws TypeError for too few axes, RangeError for an option out of range or a window longer than the axis.
 */
export function maxPool1d(x: Tensor, options: MaxPoolOptions): Tensor {
  requireAxes("maxPool1d", x, 1);
  return pool("maxPool1d", x, slidingAxes("maxPool1d", x, options, 1), "max");
}

/**
 * The largest element of each window over the last two axes; the first (row-major) of equal ones gets the gradient.
 *
 * @param x float32 (batch, channels, height, width)
 * @throws TypeError for too few axes, RangeError for an option out of range or a window longer than an axis.
 */
export function maxPool2d(x: Tensor, options: MaxPoolOptions): Tensor {
  requireAxes("maxPool2d", x, 2);
  return pool("maxPool2d", x, slidingAxes("maxPool2d", x, options, 2), "max");
}
