/** Choosing between values by a mask. @module */
import { track } from "../autograd.ts";
import type { DType } from "../dtype.ts";
import { type Expr, input } from "../expr/expr.ts";
import { parse } from "../expr/parse.ts";
import { type Operand, Tensor } from "../tensor.ts";
import { mapElements } from "./elementwise.ts";
import { numberExpr, numberType } from "./number_operand.ts";

/** `condition ? x : y` of tensors and numbers; not tracked. A number takes the type of the tensor beside it. */
function choose(name: string, condition: Tensor, x: Operand, y: Operand): Tensor {
  const tensors = [condition];
  const scalars: number[] = [];
  const bind = (operand: Operand, beside: DType): Expr => {
    if (operand instanceof Tensor) return input(tensors.push(operand) - 1, operand.dtype);
    return numberExpr(operand, numberType(operand, beside), scalars.push(operand) - 1);
  };
  const typeOf = (operand: Operand): DType => (operand instanceof Tensor ? operand.dtype : "float32");
  const names = { c: input(0, condition.dtype), x: bind(x, typeOf(y)), y: bind(y, typeOf(x)) };
  return mapElements(name, parse("c ? x : y", names), tensors, { scalars });
}

/** x where the condition is not 0, else y; all three broadcast, x and y may be numbers. */
export function where(condition: Tensor, x: Operand, y: Operand): Tensor {
  const sources = [x, y].filter((t) => t instanceof Tensor);
  return track("where", sources, choose("where", condition, x, y), (g, needs) => {
    const forX = x instanceof Tensor && needs[0] ? choose("where backward", condition, g, 0) : null;
    const forY = y instanceof Tensor && needs.at(-1) ? choose("where backward", condition, 0, g) : null;
    return sources.length === 2 ? [forX, forY] : [forX ?? forY];
  });
}

/** A copy of x with `value` where the mask (broadcast) is not 0; no gradient flows there. */
export function maskedFill(x: Tensor, mask: Tensor, value: number): Tensor {
  const fill = (t: Tensor, number: number) => choose("maskedFill", mask, number, t);
  return track("maskedFill", [x], fill(x, value), (g) => [fill(g, 0)]);
}
