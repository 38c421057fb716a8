/** Padding and rolling. @module */
import { full, tensor } from "../create.ts";
import type { Tensor } from "../tensor.ts";
import { normalizeAxis, show } from "../shape.ts";
import { cat } from "./copy.ts";
import { indexSelect } from "./gather.ts";
import { slice } from "./views.ts";

/** Options of {@linkcode pad}. */
export interface PadOptions {
  /** Default "constant". */
  mode?: "constant" | "reflect" | "replicate";
  /** For mode "constant". Default 0. */
  value?: number;
}

function padAxis(
  x: Tensor,
  axis: number,
  before: number,
  after: number,
  { mode = "constant", value = 0 }: PadOptions,
): Tensor {
  const size = x.shape[axis];
  if (mode === "constant") {
    const border = (n: number) =>
      full(x.shape.map((m, i) => (i === axis ? n : m)), value, { dtype: x.dtype, device: x.device });
    const inner = slice(x, axis, Math.max(0, -before), size - Math.max(0, -after));
    return cat([...(before > 0 ? [border(before)] : []), inner, ...(after > 0 ? [border(after)] : [])], axis);
  }
  if (before < 0 || after < 0 || (mode === "reflect" && Math.max(before, after) >= size)) {
    throw new RangeError(`Cannot pad axis ${axis} of ${show(x.shape)} by ${before} and ${after} in mode "${mode}"`);
  }
  const place = (
    i: number,
  ) => (mode === "replicate" ? Math.min(Math.max(i, 0), size - 1) : size - 1 - Math.abs(size - 1 - Math.abs(i)));
  const index = Int32Array.from({ length: before + size + after }, (_, i) => place(i - before));
  return indexSelect(x, axis, tensor(index, { device: x.device }));
}

/**
 * Widens the last axes: pairs of (before, after) from the last axis backwards, as in PyTorch. A negative number cuts (mode "constant").
 *
 * @throws RangeError if a reflection needs more elements than there are.
 */
export function pad(x: Tensor, widths: readonly number[], options: PadOptions = {}): Tensor {
  if (widths.length % 2 !== 0 || widths.length > 2 * x.ndim) {
    throw new TypeError(`Cannot pad ${show(x.shape)} by ${show(widths)}: expected pairs`);
  }
  let out = x;
  for (let i = 0; i < widths.length; i += 2) {
    if (widths[i] !== 0 || widths[i + 1] !== 0) {
      out = padAxis(out, x.ndim - 1 - i / 2, widths[i], widths[i + 1], options);
    }
  }
  return out;
}

/** Moves elements along an axis by `shift`; what leaves at one end comes back at the other. */
export function roll(x: Tensor, shift: number, dim: number): Tensor {
  const axis = normalizeAxis("roll", dim, x.ndim);
  const size = x.shape[axis];
  const split = ((-shift % size) + size) % size;
  return split === 0 || size === 0 ? x : cat([slice(x, axis, split), slice(x, axis, 0, split)], axis);
}
