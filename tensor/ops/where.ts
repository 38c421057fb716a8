/** Choosing between values by a mask. @module */
import { track } from "../autograd.ts";
import { input, scalar } from "../expr/expr.ts";
import { parse } from "../expr/parse.ts";
import { full, type Operand, Tensor } from "../tensor.ts";
import { mapElements } from "./elementwise.ts";

/** x where the condition is not 0, else y; all three broadcast. The condition is int32. */
export function where(condition: Tensor, x: Operand, y: Operand): Tensor {
  const tensors = [x, y].map((t) => (typeof t === "number" ? full([], t, { device: condition.device }) : t));
  const pick = (text: string, a: Tensor, b?: Tensor) => {
    const names = { c: input(0, condition.dtype), x: input(1, a.dtype), ...(b && { y: input(2, b.dtype) }) };
    return mapElements("where", parse(text, names), [condition, a, ...(b ? [b] : [])]);
  };
  const out = pick("c ? x : y", tensors[0], tensors[1]);
  return track(
    "where",
    tensors,
    out,
    (g, needs) => [needs[0] ? pick("c ? x : 0", g) : null, needs[1] ? pick("c ? 0 : x", g) : null],
  );
}

/** A copy of x with `value` where the mask (int32, broadcast) is not 0; no gradient flows there. */
export function maskedFill(x: Tensor, mask: Tensor, value: number): Tensor {
  const fill = (t: Tensor, scalars: readonly number[]) =>
    mapElements("maskedFill", parse("m ? p : x", { x: input(0, t.dtype), m: input(1, mask.dtype), p: scalar(0) }), [
      t,
      mask,
    ], { scalars });
  return track("maskedFill", [x], fill(x, [value]), (g) => [fill(g, [0])]);
}
