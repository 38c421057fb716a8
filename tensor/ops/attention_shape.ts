/** The shapes that all kinds of attention share. @module */
import { sameShape, show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

/** TypeError unless q is (batch, heads, queries, channels) and k and v are (batch, heads, keys, channels). */
export function requireHeads(q: Tensor, k: Tensor, v: Tensor): void {
  const fits = [q, k, v].every((t) => t.ndim === 4) && sameShape(k.shape, v.shape) &&
    [0, 1, 3].every((i) => q.shape[i] === k.shape[i]);
  if (!fits) {
    const [from, to, values] = [q, k, v].map(({ shape }) => show(shape));
    throw new TypeError(`Cannot attend from ${from} to ${to} and ${values}: expected [batch, heads, time, channels]`);
  }
}
