import assert from "node:assert/strict";
import { groupNorm, instanceNorm, tensor, zeros } from "../../../tensor/mod.ts";
import { assertClose } from "../../close.ts";
import { forEachDevice, forEachVariant } from "../../devices.ts";
import { drawn, gradcheck, sequence } from "../../gradcheck.ts";
import { gradcheckLayouts, layouts } from "../../layouts.ts";

/** Plain loops over rows of `n` values; place `i` of a row belongs to channel `channel(i)`. */
function plain(x: ArrayLike<number>, n: number, affine: (place: number) => readonly [number, number], eps = 1e-5) {
  const y = new Float64Array(x.length);
  for (let row = 0; row < x.length; row += n) {
    const values = Array.from({ length: n }, (_, i) => x[row + i]);
    const mean = values.reduce((a, b) => a + b) / n;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / n;
    values.forEach((v, i) => {
      const [weight, bias] = affine(row + i);
      y[row + i] = (v - mean) / Math.sqrt(variance + eps) * weight + bias;
    });
  }
  return y;
}

forEachVariant("groupNorm equals plain loops for odd sizes, groups and layouts", async () => {
  for (const n of [1, 63, 64, 65, 257]) {
    for (const groups of [1, 3, 6]) {
      const x = sequence(n, 2 * 6 * n, 4, 6);
      const [weight, bias] = [sequence(2, 6, 0.5, 2), sequence(3, 6)];
      const channel = (place: number) => Math.floor(place / n) % 6;
      const wanted = plain(x, 6 / groups * n, (p) => [weight[channel(p)], bias[channel(p)]]);
      const options = { weight: tensor(weight), bias: tensor(bias) };
      const inputs = n === 63 ? layouts(x, [2, 6, n]) : [{ name: `${n}`, x: tensor(x, { shape: [2, 6, n] }) }];
      for (const { name, x } of inputs) {
        await assertClose(groupNorm(x, groups, options), wanted, { name: `${name}, ${groups}`, shape: [2, 6, n] });
      }
    }
  }
  const image = drawn(1, [2, 3, 4, 5]);
  const wanted = plain(await image.data(), 20, () => [1, 0], 0.1);
  await assertClose(instanceNorm(image, { eps: 0.1 }), wanted, { shape: [2, 3, 4, 5] });
});

forEachDevice("gradients of groupNorm and instanceNorm", async () => {
  const [x, weight, bias] = [drawn(1, [2, 4, 3], -2, 2), drawn(2, [4], 0.5, 1.5), drawn(3, [4])];
  await gradcheckLayouts((x, weight, bias) => groupNorm(x, 2, { weight, bias }), [x, weight, bias]);
  await gradcheck((x) => groupNorm(x, 1), [x]);
  await gradcheck((weight) => groupNorm(x, 2, { weight }), [weight]);
  await gradcheck((bias) => groupNorm(x, 2, { bias }), [bias]);
  await gradcheck((x) => groupNorm(x, 2), [drawn(4, [3, 4], -2, 2)]);
  await gradcheckLayouts((x, weight) => instanceNorm(x, { weight }), [x, weight]);
});

Deno.test("errors of groupNorm and instanceNorm", () => {
  assert.throws(() => groupNorm(zeros([2, 6, 5]), 4), {
    name: "RangeError",
    message: "Cannot groupNorm [2, 6, 5] in 4 groups: they do not divide 6 channels",
  });
  assert.throws(() => groupNorm(zeros([2, 6]), 2, { bias: zeros([5]) }), {
    name: "TypeError",
    message: "Cannot groupNorm [2, 6]: bias is [5], expected [6]",
  });
  assert.throws(() => groupNorm(zeros([2, 6]), 2, { weight: zeros([6], { dtype: "int32" }) }), { name: "TypeError" });
  assert.throws(() => instanceNorm(zeros([2, 6])), {
    name: "TypeError",
    message: "Cannot instanceNorm [2, 6]: expected (batch, channels, time)",
  });
  assert.throws(() => instanceNorm(zeros([2, 6, 1])), {
    name: "RangeError",
    message: "Cannot instanceNorm [2, 6, 1]: one value a channel has no variance; give longer samples",
  });
});
