/** Dropout without a stored mask. @module */
import { track } from "../autograd.ts";
import type { Expr } from "../expr/expr.ts";
import { input, scalar } from "../expr/expr.ts";
import { parse } from "../expr/parse.ts";
import { nextRandomCall } from "../random.ts";
import { requireFloat, Tensor } from "../tensor.ts";
import { mapElements } from "./elementwise.ts";

/**
 * Sets each element to 0 with probability p and divides the others by 1 − p (Srivastava et al. 2014). The mask is a function of
 * the call's number, so that backward computes it again instead of storing it. Modules decide about training and evaluation.
 *
 * @throws RangeError unless 0 ≤ p < 1.
 */
export function dropout(x: Tensor, p: number): Tensor {
  if (!(p >= 0 && p < 1)) throw new RangeError(`Cannot drop out with probability ${p}: expected 0 <= p < 1`);
  requireFloat("dropout", x);
  if (p === 0) return x;
  const { state, counter } = nextRandomCall(x.device);
  const u: Expr = { op: "random", state: 1, counter: 0, dtype: "float32" };
  const expr = parse("u < p ? 0 : x * q", { u, x: input(0), p: scalar(0), q: scalar(1) });
  const apply = (t: Tensor): Tensor => {
    const key = new Tensor(state.storage, t.shape, "int32", t.shape.map(() => 0));
    return mapElements("dropout", expr, [t, key], { scalars: [p, 1 / (1 - p)], counters: [counter] });
  };
  return track("dropout", [x], apply(x), (g) => [apply(g)]);
}
