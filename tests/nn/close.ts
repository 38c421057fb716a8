/** Comparisons that the tests of modules share. */
import assert from "node:assert/strict";
import { Tensor } from "../../tensor/mod.ts";

/** Fails unless every value of two tensors (or a tensor and numbers) is within `tolerance`. */
export async function assertClose(
  found: Tensor,
  wanted: Tensor | ArrayLike<number>,
  tolerance = 1e-5,
  what = "values",
): Promise<void> {
  const a = [...await found.data()];
  const b = wanted instanceof Tensor ? await wanted.data() : wanted;
  assert.equal(a.length, b.length, `${what}: lengths differ`);
  const worst = a.reduce((most, x, i) => Math.max(most, x === b[i] ? 0 : Math.abs(x - b[i])), 0);
  const broken = a.some((x) => Number.isNaN(x));
  assert.ok(!broken && worst <= tolerance, `${what} differ by ${broken ? NaN : worst}, wanted at most ${tolerance}`);
}

/** The largest distance between two tensors of one shape. */
export async function distance(a: Tensor, b: Tensor): Promise<number> {
  const [x, y] = [await a.data(), await b.data()];
  return [...x].reduce((most, value, i) => Math.max(most, Math.abs(value - y[i])), 0);
}
