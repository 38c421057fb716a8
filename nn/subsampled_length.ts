/** How many frames convolutional subsampling leaves. @module */
import type { Tensor } from "../tensor/mod.ts";

/**
 * Frames that two convolutions of kernel 3 and stride 2 without padding make of `length`: ⌊(⌊(length − 1) / 2⌋ − 1) / 2⌋, and 0 for
 * lengths below 7. Of an int32 tensor, each element's, computed on its device.
 */
export function subsampledLength(length: number): number;
/** Of each element of an int32 tensor. */
export function subsampledLength(length: Tensor): Tensor;
export function subsampledLength(length: number | Tensor): number | Tensor {
  if (typeof length === "number") return Math.max(0, (((length - 1) >> 1) - 1) >> 1);
  const halved = (x: Tensor) => x.sub(1).div(2).floor();
  return halved(halved(length)).clamp(0).toInt();
}

/** What a centred convolution of stride 2 leaves of so many places: half of them, rounded up. */
export function halvedLength(length: number): number;
/** Of each element of an int32 tensor, computed on its device. */
export function halvedLength(length: Tensor): Tensor;
export function halvedLength(length: number | Tensor): number | Tensor {
  return typeof length === "number" ? Math.ceil(length / 2) : length.add(1).div(2).floor().toInt();
}
