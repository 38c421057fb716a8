/** What depends on the distance of two frames, as a view by pairs of frames. @module */
import { show } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { contiguous, copyIntoView, fill } from "./copy.ts";
import { expand, unsqueeze } from "./views.ts";

/**
 * Rows by distance, (…, time, 2 · time − 1), as a view by pairs, (…, time, time): row i holds at j what it has for distance j − i, in column
 * time − 1 + j − i; a step to the next row moves one column less than a row's width (the relative shift of Dai et al. 2019, Transformer-XL,
 * arXiv 1901.02860).
 *
 * @throws TypeError if the last two axes are not (time, 2 · time − 1).
 */
export function relativeShift(x: Tensor): Tensor {
  const { ndim, shape } = x;
  const [time, width] = shape.slice(-2);
  if (ndim < 2 || width !== 2 * time - 1) {
    throw new TypeError(`Cannot shift ${show(shape)} by distance: expected […, time, 2 · time − 1]`);
  }
  const shift = ({ strides, offset }: Tensor) => {
    const [row, column] = strides.slice(-2);
    return { strides: [...strides.slice(0, -2), row - column, column], offset: offset + (time - 1) * column };
  };
  const { strides, offset } = shift(x);
  return x.alias("relativeShift", [...shape.slice(0, -1), time], strides, offset, (g) => {
    const out = fill(g.device, shape, 0, "float32"); // distances that no pair of frames has get no gradient
    const place = shift(out);
    copyIntoView(new Tensor(out.storage, g.shape, "float32", place.strides, place.offset), g);
    return out;
  });
}

/**
 * A table by distance, (…, 2 · time − 1) from time − 1 back to time − 1 ahead, as a view by pairs of frames, (…, time, time): element (i, j)
 * is the table's at distance j − i, so that every diagonal has one value (a Toeplitz matrix). No memory but the table's; the table's gradient is the
 * sum over each diagonal. For the `bias` of {@linkcode scaledDotProductAttention}.
 *
 * @throws TypeError if the last axis is not odd.
 */
export function toeplitz(table: Tensor): Tensor {
  const width = table.shape.at(-1) ?? 0;
  if (width % 2 === 0) {
    throw new TypeError(
      `Cannot make a Toeplitz matrix of ${show(table.shape)}: expected […, 2 · time − 1], an odd last axis`,
    );
  }
  const dense = contiguous(table); // biases of neighbouring keys side by side are read fastest
  return relativeShift(expand(unsqueeze(dense, -2), [...table.shape.slice(0, -1), (width + 1) / 2, width]));
}
