/** Sliding windows. @module */
import { normalizeAxis, show } from "../shape.ts";
import { zeros } from "../create.ts";
import { Tensor } from "../tensor.ts";
import { copyIntoView } from "./copy.ts";

/**
 * Windows of `size` every `step` along an axis, as a view: the axis holds the windows, a new last axis their elements. Windows may overlap.
 */
export function unfold(x: Tensor, dim: number, size: number, step: number): Tensor {
  const axis = normalizeAxis("unfold", dim, x.ndim);
  if (!(Number.isInteger(size) && size >= 1 && size <= x.shape[axis] && Number.isInteger(step) && step >= 1)) {
    throw new RangeError(`Cannot unfold ${show(x.shape)} along axis ${axis} into windows of ${size} every ${step}`);
  }
  const windows = Math.floor((x.shape[axis] - size) / step) + 1;
  const shape = [...x.shape.map((n, i) => (i === axis ? windows : n)), size];
  const strides = [...x.strides.map((s, i) => (i === axis ? s * step : s)), x.strides[axis]];
  return x.alias("unfold", shape, strides, x.offset, (g) => {
    // one pass for each place in the window: within a pass no element is written twice
    const out = zeros(x.shape, { device: x.device });
    for (let k = 0; k < size; k++) {
      const part = out.strides.map((s, i) => (i === axis ? s * step : s));
      copyIntoView(
        new Tensor(
          out.storage,
          x.shape.map((n, i) => (i === axis ? windows : n)),
          "float32",
          part,
          k * out.strides[axis],
        ),
        g.select(-1, k),
        true,
      );
    }
    return out;
  });
}
