import assert from "node:assert/strict";
import { amax, amin, mean, sum, type Tensor, tensor } from "../../../tensor/mod.ts";
import { sumTo } from "../../../tensor/ops/reduce.ts";
import { assertClose, tabulate } from "../../close.ts";
import { forEachDevice } from "../../devices.ts";
import { drawn, gradcheck, sequence } from "../../gradcheck.ts";
import { gradcheckLayouts, layouts } from "../../layouts.ts";

const SIZES = [1, 63, 64, 65, 257];
const folds: Record<string, (values: number[]) => number> = {
  sum: (v) => v.reduce((a, b) => a + b, 0),
  mean: (v) => v.reduce((a, b) => a + b, 0) / v.length,
  amax: (v) => Math.max(...v),
  amin: (v) => Math.min(...v),
};
const ops: Record<string, (x: Tensor, dim?: number | number[], options?: { keepdim?: boolean }) => Tensor> = {
  sum,
  mean,
  amax,
  amin,
};
const range = (n: number) => Array.from({ length: n }, (_, i) => i);

forEachDevice("reductions of odd sizes along the first, the last and all axes", async () => {
  for (const n of SIZES) {
    const [row, column] = [sequence(n, 3 * n), sequence(n + 1, 3 * n)];
    for (const [name, op] of Object.entries(ops)) {
      const fold = folds[name];
      const [wide, tall] = [tensor(row, { shape: [3, n] }), tensor(column, { shape: [n, 3] })];
      await Promise.all([
        assertClose(op(wide, -1), tabulate([3], (i) => fold([...row.slice(i * n, i * n + n)])), { name, shape: [3] }),
        assertClose(op(tall, 0), tabulate([3], (j) => fold(range(n).map((i) => column[3 * i + j]))), {
          name,
          shape: [3],
        }),
        assertClose(op(wide), [fold([...row])], { name, shape: [] }),
      ]);
    }
  }
});

forEachDevice("reductions read every layout, over one axis and over two that are not neighbours", async () => {
  const [shape, values] = [[3, 4, 5], sequence(1, 60)];
  const at = (i: number, j: number, k: number) => values[20 * i + 5 * j + k];
  for (const { name, x } of layouts(values, shape)) {
    await Promise.all([
      assertClose(x.sum(1), tabulate([3, 5], (i, k) => folds.sum(range(4).map((j) => at(i, j, k)))), { name }),
      assertClose(
        x.amax([0, 2], { keepdim: true }),
        tabulate([1, 4, 1], (_, j) => Math.max(...range(3).flatMap((i) => range(5).map((k) => at(i, j, k))))),
        { name, shape: [1, 4, 1] },
      ),
    ]);
  }
  const repeated = tensor([1, 2, 3]).unsqueeze(1).expand([3, 4]);
  await assertClose(repeated.sum(1), [4, 8, 12]);
  await assertClose(repeated.sum(0), [6, 6, 6, 6]);
});

forEachDevice("long lines are summed without losing small terms", async () => {
  const n = 70001;
  await assertClose(tensor(new Float32Array(n).fill(0.1)).sum(), [n * Math.fround(0.1)], { tolerance: 1e-6 });
  const strided = tensor(sequence(3, 2 * 3000), { shape: [3000, 2] });
  const data = await strided.data();
  await assertClose(strided.sum(0), [0, 1].map((j) => folds.sum(range(3000).map((i) => data[2 * i + j]))));
  await assertClose(strided.amin(0), [0, 1].map((j) => folds.amin(range(3000).map((i) => data[2 * i + j]))));
});

forEachDevice("gradients of reductions", async () => {
  const x = drawn(1, [3, 4]);
  for (const op of Object.values(ops)) {
    await gradcheckLayouts((x) => op(x, 1), [x]);
    await gradcheck((x) => op(x, [0, 1]), [x]);
    await gradcheck((x) => op(x.transpose(0, 1), 0, { keepdim: true }), [x]);
  }
});

forEachDevice("equal extremes share the gradient, and infinities are extremes", async () => {
  const x = tensor([[2, 5, 5], [-1, -1, -3]], { requiresGrad: true });
  x.amax(1).sum().backward();
  await assertClose(x.grad!, [0, 0.5, 0.5, 0.5, 0.5, 0]);
  await assertClose(tensor([-Infinity, -Infinity]).amax(), [-Infinity]);
  await assertClose(tensor([Infinity, Infinity]).amin(), [Infinity]);
});

forEachDevice("int32 is summed and compared as int32", async () => {
  const x = tensor(Int32Array.of(5, -7, 16777217, 1, 2, 3), { shape: [2, 3] });
  for (const t of [x.sum(1), x.amax(1), x.amin(1), x.eq(5).sum()]) assert.equal(t.dtype, "int32");
  await assertClose(x.sum(1), [16777215, 6], { tolerance: 0 });
  await assertClose(x.amax(1), [16777217, 3], { tolerance: 0 });
  await assertClose(x.amin(1), [-7, 1], { tolerance: 0 });
  await assertClose(x.gt(1.5).sum(), [4], { tolerance: 0 });
});

forEachDevice("reductions without elements: sums are 0, means NaN, extremes an error", async () => {
  const empty = tensor([], { shape: [0, 3], requiresGrad: true });
  await assertClose(empty.sum(0), [0, 0, 0]);
  await assertClose(empty.sum(), [0]);
  await assertClose(empty.mean(0), [NaN, NaN, NaN]);
  await assertClose(empty.amax(1), [], { shape: [0] });
  empty.sum().backward();
  assert.deepEqual(empty.grad!.shape, [0, 3]);
  assert.throws(() => empty.amax(0), {
    name: "RangeError",
    message: "Cannot take the amax of [0, 3] along [0]: there are no elements",
  });
});

forEachDevice("sumTo undoes broadcasting", async () => {
  const x = tensor(sequence(4, 24), { shape: [2, 3, 4] });
  const data = await x.data();
  await assertClose(
    sumTo(x, [3, 1]),
    tabulate([3, 1], (j) => folds.sum(range(8).map((m) => data[12 * (m >> 2) + 4 * j + m % 4]))),
    {
      shape: [3, 1],
    },
  );
  await assertClose(sumTo(tensor([[1, 2]]), [2]), [1, 2], { shape: [2] });
});

Deno.test("errors of reductions name op, axis and remedy", () => {
  const x = tensor([[1, 2]]);
  assert.throws(() => x.sum(2), { name: "RangeError", message: "Cannot sum along axis 2: the tensor has 2 axes" });
  assert.throws(() => x.mean([0, -2]), {
    name: "RangeError",
    message: "Cannot mean along axes [0, 0]: an axis is repeated",
  });
  assert.throws(() => tensor(Int32Array.of(1)).mean(), {
    name: "TypeError",
    message: "Cannot take the mean of an int32 tensor: convert it with toFloat()",
  });
});
