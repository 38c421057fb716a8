import assert from "node:assert/strict";
import { track } from "../tensor/autograd.ts";
import type { Tensor } from "../tensor/mod.ts";
import { forEachDevice } from "./devices.ts";
import { drawn, gradcheck } from "./gradcheck.ts";

/** x² with `factor` · x · g as its gradient; 2 is right. */
function squareWith(factor: number): (x: Tensor) => Tensor {
  return (x) => track("square", [x], x.detach().square(), (g) => [g.mul(x.detach()).mul(factor)]);
}

forEachDevice("gradcheck accepts a right gradient and rejects one that is 2 % off", async () => {
  const x = drawn(1, [5], 0.5, 2);
  await gradcheck(squareWith(2), [x]);
  await assert.rejects(gradcheck(squareWith(2.04), [x]), /input 0, element \d: gradient .*, wanted/);
});

forEachDevice("gradcheck rejects a missing gradient and one that reaches the wrong input", async () => {
  const [x, y] = [drawn(2, [4]), drawn(3, [4])];
  await assert.rejects(gradcheck((x) => x.detach().add(drawn(4, [4]).requireGrad()), [x]), /gradient NaN/);
  const swapped = (a: Tensor, b: Tensor) =>
    track("mul", [a, b], a.detach().mul(b.detach()), (g) => [g.mul(a), g.mul(b)]);
  await assert.rejects(gradcheck(swapped, [x, y]), /wanted/);
  await gradcheck((a, b) => a.mul(b), [x, y]);
});
