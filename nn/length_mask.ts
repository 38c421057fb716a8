/** Which frames of a padded batch are padding. @module */
import { arange, type Tensor } from "../tensor/mod.ts";

/**
 * int32 (batch, time), 1 where a frame is padding: at or after the utterance's length. Computed on the device, so that a captured step
 * follows new lengths.
 *
 * @param lengths int32 (batch)
 * @throws TypeError for lengths of another type or shape.
 */
export function lengthMask(lengths: Tensor, time: number): Tensor {
  if (lengths.dtype !== "int32" || lengths.ndim !== 1) {
    const found = `${lengths.dtype} [${lengths.shape.join(", ")}]`;
    throw new TypeError(`Cannot mask by lengths ${found}: expected int32 [batch]`);
  }
  return arange(0, time, 1, { device: lengths.device }).ge(lengths.unsqueeze(1));
}
