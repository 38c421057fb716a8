/** Random whole numbers whose limits are drawn or given on the device. @module */
import { type Operand, rand, type Tensor, type TensorOptions } from "../tensor/mod.ts";

/**
 * Whole float32 numbers of a shape, each of 0 … `most` equally likely. `most` (whole, from 0 on) may be a tensor of that shape; one that
 * broadcasts does as well, but costs a captured step a kernel.
 */
export function randomWhole(shape: readonly number[], most: Operand, options?: TensorOptions): Tensor {
  const draws = rand(shape, options);
  const choices = typeof most === "number" ? most + 1 : most.add(1);
  return draws.mul(choices).floor().minimum(most); // a product that rounds up would be one too many
}
