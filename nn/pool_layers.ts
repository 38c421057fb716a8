/** Pooling over windows as layers; see the ops of the same names. The mean over true frames is in pooling.ts. @module */
import {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  avgPool1d,
  avgPool2d,
  type AvgPoolOptions,
  maxPool1d,
  maxPool2d,
  type MaxPoolOptions,
  type PoolSize,
  type Tensor,
} from "../tensor/mod.ts";
import { Module } from "./module.ts";

/** Options of pooling layers beside the window's size. */
export type MaxPoolModuleOptions = Omit<MaxPoolOptions, "kernelSize">;
/** Options of averaging layers beside the window's size. */
export type AvgPoolModuleOptions = Omit<AvgPoolOptions, "kernelSize">;

/** The largest element of each window of (batch, channels, time). */
export class MaxPool1d extends Module {
  /** Size, stride, padding and dilation of windows. */
  readonly windows: MaxPoolOptions;

  /** Windows of `kernelSize` elements. */
  constructor(kernelSize: PoolSize, options: MaxPoolModuleOptions = {}) {
    super();
    this.windows = { ...options, kernelSize };
  }

  /** See {@linkcode maxPool1d}. */
  forward(x: Tensor): Tensor {
    return maxPool1d(x, this.windows);
  }
}

/** The largest element of each window of (batch, channels, height, width). */
export class MaxPool2d extends Module {
  /** Size, stride, padding and dilation of windows. */
  readonly windows: MaxPoolOptions;

  /** Windows of `kernelSize` rows and columns, or of [rows, columns]. */
  constructor(kernelSize: PoolSize, options: MaxPoolModuleOptions = {}) {
    super();
    this.windows = { ...options, kernelSize };
  }

  /** See {@linkcode maxPool2d}. */
  forward(x: Tensor): Tensor {
    return maxPool2d(x, this.windows);
  }
}

/** The mean of each window of (batch, channels, time). */
export class AvgPool1d extends Module {
  /** Size, stride and padding of windows. */
  readonly windows: AvgPoolOptions;

  /** Windows of `kernelSize` elements. */
  constructor(kernelSize: PoolSize, options: AvgPoolModuleOptions = {}) {
    super();
    this.windows = { ...options, kernelSize };
  }

  /** See {@linkcode avgPool1d}. */
  forward(x: Tensor): Tensor {
    return avgPool1d(x, this.windows);
  }
}

/** The mean of each window of (batch, channels, height, width). */
export class AvgPool2d extends Module {
  /** Size, stride and padding of windows. */
  readonly windows: AvgPoolOptions;

  /** Windows of `kernelSize` rows and columns, or of [rows, columns]. */
  constructor(kernelSize: PoolSize, options: AvgPoolModuleOptions = {}) {
    super();
    this.windows = { ...options, kernelSize };
  }

  /** See {@linkcode avgPool2d}. */
  forward(x: Tensor): Tensor {
    return avgPool2d(x, this.windows);
  }
}

/** Means of windows that divide (batch, channels, time) evenly. */
export class AdaptiveAvgPool1d extends Module {
  /** Windows along time. */
  readonly outputSize: PoolSize;

  /** `outputSize` windows. */
  constructor(outputSize: PoolSize) {
    super();
    this.outputSize = outputSize;
  }

  /** See {@linkcode adaptiveAvgPool1d}. */
  forward(x: Tensor): Tensor {
    return adaptiveAvgPool1d(x, this.outputSize);
  }
}

/** Means of windows that divide (batch, channels, height, width) evenly. */
export class AdaptiveAvgPool2d extends Module {
  /** Windows along each axis. */
  readonly outputSize: PoolSize;

  /** `outputSize` windows along each axis, or [rows, columns]. */
  constructor(outputSize: PoolSize) {
    super();
    this.outputSize = outputSize;
  }

  /** See {@linkcode adaptiveAvgPool2d}. */
  forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize);
  }
}

/** Largest elements of windows that divide (batch, channels, height, width) evenly. */
export class AdaptiveMaxPool2d extends Module {
  /** Windows along each axis. */
  readonly outputSize: PoolSize;

  /** `outputSize` windows along each axis, or [rows, columns]. */
  constructor(outputSize: PoolSize) {
    super();
    this.outputSize = outputSize;
  }

  /** See {@linkcode adaptiveMaxPool2d}. */
  forward(x: Tensor): Tensor {
    return adaptiveMaxPool2d(x, this.outputSize);
  }
}
