/** The mean of windows along the last one or two axes. @module */
import type { Tensor } from "../tensor.ts";
import { pool, type PoolSize, requireAxes, slidingAxes } from "./pool.ts";

/** Options of {@linkcode avgPool1d} and {@linkcode avgPool2d}. */
export interface AvgPoolOptions {
  /** Elements of a window. */
  kernelSize: PoolSize;
  /** Steps from window to window. Default: the window's size. */
  stride?: PoolSize;
  /** Zeros before and after the axis that windows may reach into. At most half a window. Default 0. */
  padding?: PoolSize;
  /** Counts padding as elements of a window. Default true. */
  countIncludePad?: boolean;
}

/**
 * The mean of each window along the last axis.
 *
 * @param x float32 (batch, channels, time)
 * @throws TypeError for too few axes, RangeError for an option out of range or a window longer than the axis.
 */
export function avgPool1d(x: Tensor, options: AvgPoolOptions): Tensor {
  requireAxes("avgPool1d", x, 1);
  return pool("avgPool1d", x, slidingAxes("avgPool1d", x, options, 1), "average", options.countIncludePad);
}

/**
 * The mean of each window over the last two axes.
 *
 * @param x float32 (batch, channels, height, width)
 * @throws TypeError for too few axes, RangeError for an option out of range or a window longer than an axis.
 */
export function avgPool2d(x: Tensor, options: AvgPoolOptions): Tensor {
  requireAxes("avgPool2d", x, 2);
  return pool("avgPool2d", x, slidingAxes("avgPool2d", x, options, 2), "average", options.countIncludePad);
}
