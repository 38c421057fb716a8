/** Instance normalisation (Ulyanov et al. 2016, arXiv 1607.08022). @module */
import { show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { type GroupNormOptions, normalizeGroups } from "./group_norm.ts";

/**
 * Normalises each channel of each sample over its places: {@linkcode groupNorm} with a group for each channel.
 *
 * @param x float32 (batch, channels, time) or (batch, channels, height, width)
 * @throws TypeError for fewer axes, or weight or bias of another shape; RangeError where a channel has one place alone.
 */
export function instanceNorm(x: Tensor, options: GroupNormOptions = {}): Tensor {
  if (x.ndim < 3) throw new TypeError(`Cannot instanceNorm ${show(x.shape)}: expected (batch, channels, time)`);
  if (x.shape.slice(2).every((n) => n === 1)) {
    throw new RangeError(
      `Cannot instanceNorm ${show(x.shape)}: one value a channel has no variance; give longer samples`,
    );
  }
  return normalizeGroups("instanceNorm", x, { ...options, groups: x.shape[1] });
}
