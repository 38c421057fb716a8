/** The gradient of a ReLU that ran in the epilogue of another kernel. @module */
import { input } from "../expr/expr.ts";
import { parse } from "../expr/parse.ts";
import type { Tensor } from "../tensor.ts";
import { mapElements } from "./elementwise.ts";

/** g where the result y is positive, else 0. */
export function reluGradient(y: Tensor, g: Tensor): Tensor {
  return mapElements("relu backward", parse("y > 0 ? g : 0", { y: input(0), g: input(1) }), [y.detach(), g]);
}
