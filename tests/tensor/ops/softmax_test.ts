import assert from "node:assert/strict";
import { logSoftmax, softmax, tensor } from "../../../tensor/mod.ts";
import { assertClose, tabulate } from "../../close.ts";
import { forEachVariant } from "../../devices.ts";
import { drawn, gradcheck, sequence } from "../../gradcheck.ts";
import { gradcheckLayouts, layouts } from "../../layouts.ts";

function plain(row: ArrayLike<number>): number[] {
  const top = Math.max(...Array.from(row));
  const terms = Array.from(row, (x) => Math.exp(x - top));
  const total = terms.reduce((a, b) => a + b, 0);
  return terms.map((t) => t / total);
}

forEachVariant("softmax and its logarithm of odd sizes, every layout and axis", async () => {
  for (const n of [1, 63, 64, 65, 257]) {
    const values = sequence(n, 2 * n, -4, 4);
    const rows = [0, 1].flatMap((i) => plain(values.slice(i * n, i * n + n)));
    const down = tabulate([2, n], (i, j) => plain([values[j], values[n + j]])[i]);
    for (
      const { name, x } of n === 63 ? layouts(values, [2, n]) : [{ name: `${n}`, x: tensor(values, { shape: [2, n] }) }]
    ) {
      await Promise.all([
        assertClose(softmax(x), rows, { name, shape: [2, n] }),
        assertClose(logSoftmax(x), rows.map(Math.log), { name, shape: [2, n] }),
        assertClose(softmax(x, 0), down, { name, shape: [2, n] }),
      ]);
    }
  }
});

forEachVariant(
  "softmax of large, masked and infinite logits, and of rows longer than a software adapter's loops",
  async () => {
    await assertClose(softmax(tensor([[1e4, 1e4 - 1], [-1e30, 0], [-Infinity, 3]])), [...plain([1, 0]), 0, 1, 0, 1]);
    await assertClose(logSoftmax(tensor([1000, 0])), [0, -1000]);
    const long = new Float32Array(30000);
    long[29999] = 5;
    await assertClose(softmax(tensor(long)).slice(0, 29998), plain(long).slice(29998), { tolerance: 1e-8 });
  },
);

forEachVariant("gradients of softmax and its logarithm", async () => {
  const x = drawn(1, [3, 4], -2, 2);
  await gradcheckLayouts((x) => softmax(x), [x]);
  await gradcheckLayouts((x) => logSoftmax(x, 0), [x]);
  await gradcheck((x) => softmax(x.transpose(0, 1)), [x]);
});

forEachVariant("gradients over rows that lanes share", async () => {
  const n = 65;
  const x = drawn(1, [2, n], -2, 2).requireGrad();
  const [values, slopes] = [await x.data(), sequence(2, 2 * n)];
  const gradient = tensor(slopes, { shape: [2, n] });
  const shares = [0, 1].flatMap((i) => plain(values.slice(i * n, i * n + n)));
  const sums = (f: (m: number) => number) =>
    [0, 1].map((i) => slopes.reduce((sum, _, m) => (m >= i * n && m < i * n + n ? sum + f(m) : sum), 0));
  const dots = sums((m) => shares[m] * slopes[m]);
  softmax(x).backward({ gradient });
  await assertClose(x.grad!, shares.map((y, m) => y * (slopes[m] - dots[m < n ? 0 : 1])));
  x.grad = null;
  const totals = sums((m) => slopes[m]);
  logSoftmax(x).backward({ gradient });
  await assertClose(x.grad!, shares.map((y, m) => slopes[m] - y * totals[m < n ? 0 : 1]));
});

Deno.test("softmax wants float32 and an axis that is there", () => {
  assert.throws(() => softmax(tensor(Int32Array.of(1))), {
    name: "TypeError",
    message: "Cannot take the softmax of an int32 tensor: convert it with toFloat()",
  });
  assert.throws(() => logSoftmax(tensor([1]), 1), {
    name: "RangeError",
    message: "Cannot logSoftmax along axis 1: the tensor has 1 axis",
  });
});
