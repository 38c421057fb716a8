/** Triangles of matrices. @module */
import { show } from "../shape.ts";
import { arange } from "../create.ts";
import type { Tensor } from "../tensor.ts";
import { where } from "./where.ts";

/** Column minus row of each element of the last two axes. */
function distance(op: string, x: Tensor): Tensor {
  if (x.ndim < 2) throw new TypeError(`Cannot ${op} ${show(x.shape)}: expected at least two axes`);
  const [rows, columns] = x.shape.slice(-2);
  const { device } = x;
  return arange(0, columns, 1, { device }).sub(arange(0, rows, 1, { device }).unsqueeze(1));
}

/** x with everything above a diagonal of its last two axes set to 0. */
export function tril(x: Tensor, diagonal = 0): Tensor {
  return where(distance("tril", x).le(diagonal), x, 0);
}

/** x with everything below a diagonal of its last two axes set to 0. */
export function triu(x: Tensor, diagonal = 0): Tensor {
  return where(distance("triu", x).ge(diagonal), x, 0);
}
