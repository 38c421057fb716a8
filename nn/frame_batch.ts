/** What works on batches of frames asks of them. @module */
import type { Tensor } from "../tensor/mod.ts";
import { show } from "../tensor/shape.ts";

/**
 * Checks that x is float32 with a time axis behind the batch, and that there is one int32 length a sample where lengths are given.
 *
 * @throws TypeError naming what was found.
 */
export function requireFrames(op: string, x: Tensor, lengths: Tensor | null): void {
  if (x.dtype !== "float32" || x.ndim < 2) {
    throw new TypeError(`Cannot ${op} ${x.dtype} ${show(x.shape)}: expected float32 [batch, time, …]`);
  }
  if (lengths === null) return;
  if (lengths.dtype !== "int32" || lengths.ndim !== 1 || lengths.size !== x.shape[0]) {
    throw new TypeError(
      `Cannot ${op} ${show(x.shape)} with lengths ${lengths.dtype} ${show(lengths.shape)}: expected int32 [${
        x.shape[0]
      }]`,
    );
  }
}
