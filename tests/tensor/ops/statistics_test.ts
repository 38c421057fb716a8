import assert from "node:assert/strict";
import { cosineSimilarity, logSumExp, norm, normalize, std, tensor, variance } from "../../../tensor/mod.ts";
import { assertClose, tabulate } from "../../close.ts";
import { forEachDevice } from "../../devices.ts";
import { drawn, gradcheck, sequence } from "../../gradcheck.ts";
import { gradcheckLayouts, layouts } from "../../layouts.ts";

const sumOf = (v: ArrayLike<number>, f: (x: number) => number) => Array.from(v).reduce((a, x) => a + f(x), 0);

function plainVariance(v: ArrayLike<number>, divisor = v.length - 1): number {
  const mean = sumOf(v, (x) => x) / v.length;
  return sumOf(v, (x) => (x - mean) ** 2) / divisor;
}

forEachDevice("variance, deviation, norms and log-sum-exp of odd sizes and every layout", async () => {
  for (const n of [2, 63, 64, 65, 257]) {
    const values = sequence(n, 2 * n);
    const row = (i: number) => values.slice(i * n, i * n + n);
    const wanted = (f: (v: Float32Array) => number) => tabulate([2], (i) => f(row(i)));
    for (
      const { name, x } of n === 63
        ? layouts(values, [2, n])
        : [{ name: `size ${n}`, x: tensor(values, { shape: [2, n] }) }]
    ) {
      await Promise.all([
        assertClose(variance(x, 1), wanted((v) => plainVariance(v)), { name }),
        assertClose(variance(x, 1, { unbiased: false }), wanted((v) => plainVariance(v, n)), { name }),
        assertClose(std(x, -1, { keepdim: true }), wanted((v) => Math.sqrt(plainVariance(v))), { name, shape: [2, 1] }),
        assertClose(norm(x, 1), wanted((v) => Math.hypot(...v)), { name }),
        assertClose(norm(x, 1, { p: 1 }), wanted((v) => sumOf(v, Math.abs)), { name }),
        assertClose(logSumExp(x, 1), wanted((v) => Math.log(sumOf(v, Math.exp))), { name }),
      ]);
    }
  }
});

forEachDevice("statistics over several axes, with a large offset, and of large logits", async () => {
  const values = sequence(7, 24);
  const x = tensor(values, { shape: [2, 3, 4] });
  const column = (j: number) => [0, 1].flatMap((i) => [0, 1, 2, 3].map((k) => values[12 * i + 4 * j + k]));
  await assertClose(std(x, [0, 2]), tabulate([3], (j) => Math.sqrt(plainVariance(column(j)))));
  await assertClose(norm(x), [Math.hypot(...values)], { shape: [] });
  const shifted = values.map((v) => v + 1000);
  await assertClose(variance(tensor(shifted)), [plainVariance(shifted)], { tolerance: 1e-4 });
  await assertClose(logSumExp(tensor([[1000, 1000], [-1000, -1001]]), 1), [
    1000 + Math.log(2),
    -1000 + Math.log1p(Math.exp(-1)),
  ]);
});

forEachDevice("gradients of statistics", async () => {
  const x = drawn(1, [3, 4]);
  await gradcheckLayouts((x) => variance(x, 1), [x]);
  await gradcheck((x) => std(x, 0, { unbiased: false }), [x]);
  await gradcheckLayouts((x) => norm(x, 1), [x]);
  await gradcheck((x) => norm(x, 1, { p: 1 }), [drawn(1, [2, 3], 0.2, 1)]);
  await gradcheck((x) => logSumExp(x, [0, 1]), [x]);
  await gradcheck((x) => normalize(x), [x]);
  await gradcheck((x, y) => cosineSimilarity(x, y), [x, drawn(2, [3, 4])]);
});

forEachDevice("the gradient of a deviation or a norm that is 0 is 0, not NaN", async () => {
  const x = tensor([[3, 3, 3], [0, 0, 0]], { requiresGrad: true });
  std(x, 1).sum().backward();
  await assertClose(x.grad!, [0, 0, 0, 0, 0, 0], { tolerance: 0 });
  x.grad = null;
  norm(x, 1).sum().backward();
  await assertClose(x.grad!, [1, 1, 1, 0, 0, 0].map((v) => v / Math.sqrt(3)));
});

forEachDevice("normalize and cosineSimilarity: unit vectors, zero vectors, other axes, broadcasting", async () => {
  const x = tensor([[3, 4], [0, 0]]);
  await assertClose(normalize(x), [0.6, 0.8, 0, 0]);
  await assertClose(normalize(x, { dim: 0 }), [1, 1, 0, 0]);
  await assertClose(cosineSimilarity(x, tensor([4, 3])), [0.96, 0], { shape: [2] });
  await assertClose(cosineSimilarity(x, x, { dim: 0 }), [1, 1]);
});

Deno.test("statistics along an axis that is not there", () => {
  assert.throws(() => variance(tensor([1, 2]), 1), { message: "Cannot variance along axis 1: the tensor has 1 axis" });
  assert.throws(() => logSumExp(tensor([1, 2]), -2), { name: "RangeError" });
});
