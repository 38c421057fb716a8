/** Heads of attention side by side. @module */
import type { Tensor } from "../../../tensor/mod.ts";

/** (batch, time, dim) → (batch, heads, time, dim / heads). */
export function splitHeads(x: Tensor, heads: number): Tensor {
  const [batch, time, dim] = x.shape;
  return x.reshape([batch, time, heads, dim / heads]).permute([0, 2, 1, 3]);
}
