import assert from "node:assert/strict";
import { linear, type Tensor, tensor } from "../../../tensor/mod.ts";
import { assertClose, tabulate } from "../../close.ts";
import { forEachVariant } from "../../devices.ts";
import { drawn, gradcheck, sequence } from "../../gradcheck.ts";
import { gradcheckLayouts, layouts } from "../../layouts.ts";

/** A (m, k) by B (k, n) in float64. */
function plain(a: ArrayLike<number>, b: ArrayLike<number>, m: number, k: number, n: number): number[] {
  return tabulate([m, n], (i, j) => {
    let sum = 0;
    for (let l = 0; l < k; l++) sum += a[i * k + l] * b[l * n + j];
    return sum;
  });
}

forEachVariant("matrix products of odd sizes", async () => {
  const sizes = [[1, 1, 1], [63, 64, 65], [65, 1, 63], [1, 257, 1], [64, 65, 1], [257, 63, 3]];
  await Promise.all(sizes.map(async ([m, k, n]) => {
    const [a, b] = [sequence(m, m * k), sequence(n, k * n)];
    const got = tensor(a, { shape: [m, k] }).matmul(tensor(b, { shape: [k, n] }));
    await assertClose(got, plain(a, b, m, k, n), { shape: [m, n], name: `${m}x${k}x${n}`, tolerance: 1e-4 });
  }));
});

forEachVariant("matrix products read every layout of both operands, negative and zero strides too", async () => {
  const [m, k, n] = [5, 7, 6];
  const [a, b] = [sequence(1, m * k), sequence(2, k * n)];
  const wanted = plain(a, b, m, k, n);
  const lefts = layouts(a, [m, k]), rights = layouts(b, [k, n]);
  await Promise.all(
    lefts.flatMap(({ name: left, x }) =>
      rights.map(({ name: right, x: y }) =>
        assertClose(x.matmul(y), wanted, { name: `${left} by ${right}`, shape: [m, n] })
      )
    ),
  );
  const row = tensor(a.slice(0, k), { shape: [1, k] });
  const repeated = plain(tabulate([m, k], (_, l) => a[l]), b, m, k, n);
  await assertClose(row.expand([m, k]).matmul(tensor(b, { shape: [k, n] })), repeated, { name: "rows repeated" });
  const ones = tensor([2]).expand([k, n]);
  await assertClose(tensor(a, { shape: [m, k] }).matmul(ones), plain(a, new Float32Array(k * n).fill(2), m, k, n), {
    name: "one number",
  });
});

forEachVariant("vectors and batches by PyTorch's rules, batches broadcast and strided", async () => {
  const [a, b] = [sequence(3, 2 * 3 * 4 * 5), sequence(4, 3 * 5 * 2)];
  const [x, y] = [tensor(a, { shape: [2, 3, 4, 5] }), tensor(b, { shape: [3, 5, 2] })];
  const wanted = Array.from(
    { length: 6 },
    (_, z) => plain(a.slice(20 * z, 20 * z + 20), b.slice(10 * (z % 3), 10 * (z % 3) + 10), 4, 5, 2),
  ).flat();
  await assertClose(x.matmul(y), wanted, { shape: [2, 3, 4, 2] });
  const moved = tensor(tabulate([3, 2, 5, 4], (h, i, l, r) => a[60 * i + 20 * h + 5 * r + l]), { shape: [3, 2, 5, 4] });
  await assertClose(moved.permute([1, 0, 3, 2]).matmul(y), wanted, { shape: [2, 3, 4, 2], name: "permuted batch" });
  const weight = y.select(0, 0);
  await assertClose(x.matmul(weight), plain(a, b, 24, 5, 2), { shape: [2, 3, 4, 2], name: "shared weight" });
  await assertClose(x.transpose(1, 2).matmul(weight).transpose(1, 2), plain(a, b, 24, 5, 2), { shape: [2, 3, 4, 2] });
  const vector = y.select(2, 0).select(0, 1);
  const dots = tabulate(
    [2, 3, 4],
    (i, h, r) => [0, 1, 2, 3, 4].reduce((sum, l) => sum + a[60 * i + 20 * h + 5 * r + l] * b[10 + 2 * l], 0),
  );
  await assertClose(x.matmul(vector), dots, { shape: [2, 3, 4], name: "by a vector" });
  await assertClose(
    vector.matmul(y),
    [0, 1, 2].flatMap((h) => plain([0, 1, 2, 3, 4].map((l) => b[10 + 2 * l]), b.slice(10 * h, 10 * h + 10), 1, 5, 2)),
    {
      shape: [3, 2],
    },
  );
  await assertClose(vector.matmul(vector), [[0, 1, 2, 3, 4].reduce((sum, l) => sum + b[10 + 2 * l] ** 2, 0)], {
    shape: [],
  });
});

forEachVariant("products without elements: an inner size of 0 gives zeros", async () => {
  const x = tensor([], { shape: [2, 0], requiresGrad: true });
  const out = x.matmul(tensor([], { shape: [0, 3] }));
  await assertClose(out, [0, 0, 0, 0, 0, 0], { shape: [2, 3] });
  out.sum().backward();
  assert.deepEqual(x.grad!.shape, [2, 0]);
  assert.deepEqual(tensor([], { shape: [0, 4] }).matmul(drawn(1, [4, 3])).shape, [0, 3]);
});

forEachVariant("gradients of products, for gradients in any layout", async () => {
  const mul = (a: Tensor, b: Tensor) => a.matmul(b);
  await gradcheckLayouts(mul, [drawn(1, [2, 3]), drawn(2, [3, 4])]);
  await gradcheck((a, b) => a.transpose(0, 1).matmul(b.flip([0, 1])), [drawn(1, [3, 2]), drawn(2, [3, 4])]);
  await gradcheckLayouts(mul, [drawn(3, [2, 2, 3]), drawn(4, [3, 2])]);
  await gradcheck(mul, [drawn(3, [2, 2, 3]), drawn(4, [2, 3, 2])]);
  await gradcheck(mul, [drawn(5, [2, 1, 2, 3]), drawn(6, [2, 3, 2])]);
  await gradcheck(mul, [drawn(7, [3]), drawn(8, [3, 2])]);
  await gradcheck(mul, [drawn(7, [2, 3]), drawn(8, [3])]);
  await gradcheck(mul, [drawn(7, [3]), drawn(8, [3])]);
  await gradcheck((a, b) => a.expand([4, 3]).matmul(b), [drawn(1, [1, 3]), drawn(2, [3, 2])]);
});

forEachVariant("linear of odd sizes and layouts, with bias and relu", async () => {
  for (const [rows, inner, outer] of [[1, 1, 1], [65, 63, 64], [3, 257, 5]]) {
    const [a, w, bias] = [sequence(rows, rows * inner), sequence(outer, outer * inner), sequence(7, outer)];
    const product = plain(a, tabulate([inner, outer], (l, j) => w[j * inner + l]), rows, inner, outer);
    const shifted = product.map((v, i) => v + bias[i % outer]);
    const [weight, offset] = [tensor(w, { shape: [outer, inner] }), tensor(bias)];
    for (
      const { name, x } of rows === 3
        ? layouts(a, [rows, inner])
        : [{ name: "", x: tensor(a, { shape: [rows, inner] }) }]
    ) {
      const options = { name, shape: [rows, outer], tolerance: 1e-4 };
      await assertClose(linear(x, weight), product, options);
      await assertClose(linear(x, weight, offset), shifted, options);
      await assertClose(linear(x, weight, offset, { activation: "relu" }), shifted.map((v) => Math.max(v, 0)), options);
    }
  }
  const sliced = tensor(sequence(9, 24), { shape: [4, 6] });
  const data = await sliced.data();
  const vector = linear(tensor([1, 2]), sliced.slice(1, 2, 4), tensor([9, 1, 1, 1, 1, 9]).slice(0, 1, 5));
  await assertClose(vector, tabulate([4], (j) => data[6 * j + 2] + 2 * data[6 * j + 3] + 1), {
    shape: [4],
    name: "vector, sliced weight",
  });
});

forEachVariant("gradients of linear for x, weight and bias", async () => {
  const [x, w, b] = [drawn(1, [2, 2, 3]), drawn(2, [4, 3]), drawn(3, [4], 0.5, 1)];
  await gradcheckLayouts((x, w, b) => linear(x, w, b), [x, w, b]);
  await gradcheck((x, w) => linear(x, w), [x, w]);
  const signs = tensor([0.7, -0.9, 0.8, -1]); // large enough to decide which outputs relu lets through
  await gradcheck((x, w, b) => linear(x.mul(0.2), w, b, { activation: "relu" }), [x, w, signs]);
  await gradcheck((x, b) => linear(x.transpose(0, 1), w, b), [x, b]);
});

Deno.test("errors of products name both shapes", () => {
  const [x, y] = [tensor(new Float32Array(6), { shape: [2, 3] }), tensor(new Float32Array(8), { shape: [2, 4] })];
  assert.throws(() => x.matmul(y), {
    name: "TypeError",
    message: "Cannot matmul [2, 3] by [2, 4]: inner sizes 3 and 2 differ",
  });
  assert.throws(() => x.matmul(tensor(1)), {
    name: "TypeError",
    message: "Cannot matmul [2, 3] by []: use mul for a number",
  });
  assert.throws(() => x.matmul(tensor(Int32Array.of(1, 2, 3))), {
    name: "TypeError",
    message: "Cannot matmul float32 by int32: both must be float32",
  });
  assert.throws(
    () => tensor(new Float32Array(12), { shape: [2, 2, 3] }).matmul(tensor(new Float32Array(9), { shape: [3, 3, 1] })),
    {
      name: "TypeError",
      message: "Cannot matmul [2, 2, 3] by [3, 3, 1] with batches [2] and [3]: axis 0 is 2 and 3, and neither is 1",
    },
  );
  assert.throws(() => linear(x, y), { name: "TypeError", message: /^Cannot apply linear weight \[2, 4\]/ });
});
