/** Gated linear unit (Dauphin et al. 2017, arXiv 1612.08083). @module */
import { track } from "../autograd.ts";
import { arange } from "../create.ts";
import { input } from "../expr/expr.ts";
import { parse } from "../expr/parse.ts";
import { normalizeAxis, show } from "../shape.ts";
import { requireFloat, type Tensor } from "../tensor.ts";
import { mapElements } from "./elementwise.ts";
import { expand, permute, reshape, slice } from "./views.ts";

const FORWARD = parse("a * sigmoid(b)", { a: input(0), b: input(1) });
// both halves of the gradient in one kernel: no pieces to join
const BACKWARD = parse("half == 0 ? g * sigmoid(b) : g * a * sigmoid(b) * (1 - sigmoid(b))", {
  ...{ a: input(0), b: input(1), g: input(2), half: input(3, "int32") },
});

/** Axes from the largest step in memory to the smallest. */
function memoryOrder({ strides }: Tensor): number[] {
  return strides.map((_, axis) => axis).sort((a, b) => Math.abs(strides[b]) - Math.abs(strides[a]) || a - b);
}

/**
 * The first half of an axis (default the last) times the sigmoid of the second half. The result lies in memory as x does.
 *
 * @throws TypeError if the axis has an odd size.
 */
export function glu(x: Tensor, dim = -1): Tensor {
  requireFloat("glu", x);
  const axis = normalizeAxis("glu", dim, x.ndim);
  const size = x.shape[axis] / 2;
  if (!Number.isInteger(size)) {
    throw new TypeError(`Cannot glu ${show(x.shape)} along axis ${axis}: ${x.shape[axis]} has no halves`);
  }
  const order = memoryOrder(x);
  const back = order.map((_, i) => order.indexOf(i));
  const placed = permute(x.detach(), order);
  const at = order.indexOf(axis);
  const [a, b] = [slice(placed, at, 0, size), slice(placed, at, size)];
  const out = permute(mapElements("glu", FORWARD, [a, b]), back);
  return track("glu", [x], out, (gradient) => {
    const halves = a.shape.flatMap((n, i) => (i === at ? [2, n] : [n]));
    const spread = (t: Tensor) => expand(t.unsqueeze(at), halves);
    const half = reshape(arange(0, 2, 1, { device: x.device }), halves.map((_, i) => (i === at ? 2 : 1)));
    const parts = [a, b, permute(gradient, order)].map(spread);
    return [permute(reshape(mapElements("glu", BACKWARD, [...parts, half]), placed.shape), back)];
  });
}
