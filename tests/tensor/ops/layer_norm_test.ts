import assert from "node:assert/strict";
import { layerNorm, tensor } from "../../../tensor/mod.ts";
import { assertClose, tabulate } from "../../close.ts";
import { forEachVariant } from "../../devices.ts";
import { drawn, gradcheck, sequence } from "../../gradcheck.ts";
import { gradcheckLayouts, layouts } from "../../layouts.ts";

function plain(row: ArrayLike<number>, eps = 1e-5): number[] {
  const n = row.length;
  const mean = Array.from(row).reduce((a, b) => a + b, 0) / n;
  const variance = Array.from(row).reduce((a, b) => a + (b - mean) ** 2, 0) / n;
  return Array.from(row, (x) => (x - mean) / Math.sqrt(variance + eps));
}

forEachVariant("layerNorm of odd sizes and every layout, with and without weight and bias", async () => {
  for (const n of [1, 63, 64, 65, 257]) {
    const [values, weight, bias] = [sequence(n, 3 * n, 0, 2), sequence(n + 1, n), sequence(n + 2, n)];
    const rows = [0, 1, 2].flatMap((i) => plain(values.slice(i * n, i * n + n)));
    const scaled = tabulate([3, n], (i, j) => rows[i * n + j] * weight[j] + bias[j]);
    for (
      const { name, x } of n === 63 ? layouts(values, [3, n]) : [{ name: `${n}`, x: tensor(values, { shape: [3, n] }) }]
    ) {
      await assertClose(layerNorm(x, [n]), rows, { name, shape: [3, n] });
      await assertClose(layerNorm(x, [n], { weight: tensor(weight), bias: tensor(bias) }), scaled, { name });
    }
  }
  await assertClose(layerNorm(tensor([[1, 2], [3, 4]]), [2, 2], { eps: 0.5 }), plain([1, 2, 3, 4], 0.5));
  await assertClose(layerNorm(tensor([[5e4, 5e4 + 1]]), [2]), plain([0, 1]), { tolerance: 1e-4 });
});

forEachVariant("gradients of layerNorm for x, weight and bias, together and alone", async () => {
  const [x, weight, bias] = [drawn(1, [3, 4], -3, 3), drawn(2, [4], 0.5, 1.5), drawn(3, [4])];
  await gradcheckLayouts((x, weight, bias) => layerNorm(x, [4], { weight, bias }), [x, weight, bias]);
  await gradcheck((x) => layerNorm(x, [3, 4]), [x]);
  await gradcheck((weight) => layerNorm(x, [4], { weight }), [weight]);
  await gradcheck((bias) => layerNorm(x, [4], { bias }), [bias]);
  await gradcheck((x) => layerNorm(x.transpose(0, 1), [3]), [x]);
});

forEachVariant("weight gradients over more rows than one block", async () => {
  const [rows, n] = [300, 5];
  const [x, g] = [
    tensor(sequence(4, rows * n), { shape: [rows, n] }),
    tensor(sequence(5, rows * n), { shape: [rows, n] }),
  ];
  const [weight, bias] = [tensor(new Float32Array(n).fill(1)).requireGrad(), tensor(new Float32Array(n)).requireGrad()];
  layerNorm(x, [n], { weight, bias }).backward({ gradient: g });
  const [values, slopes] = [await x.data(), await g.data()];
  const unit = Array.from({ length: rows }, (_, i) => plain(values.slice(i * n, i * n + n)));
  const total = (j: number, f: (i: number) => number) => unit.reduce((sum, _, i) => sum + slopes[i * n + j] * f(i), 0);
  await assertClose(weight.grad!, tabulate([n], (j) => total(j, (i) => unit[i][j])), { tolerance: 1e-4 });
  await assertClose(bias.grad!, tabulate([n], (j) => total(j, () => 1)), { tolerance: 1e-4 });
});

Deno.test("errors of layerNorm", () => {
  const x = tensor([[1, 2, 3]]);
  assert.throws(() => layerNorm(x, [2]), {
    name: "TypeError",
    message: "Cannot layerNorm [1, 3] over [2]: the last axes are [3]",
  });
  assert.throws(() => layerNorm(x, [3], { weight: tensor([1]) }), {
    message: "Cannot layerNorm [1, 3] over [1]: the last axes are [3]",
  });
});
