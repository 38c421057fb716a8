import assert from "node:assert/strict";
import { argmax, tensor, topk } from "../../../tensor/mod.ts";
import { assertClose } from "../../close.ts";
import { forEachDevice } from "../../devices.ts";
import { drawn, gradcheck, sequence } from "../../gradcheck.ts";
import { layouts } from "../../layouts.ts";

/** Positions of the largest, equal ones in order. */
function sorted(values: ArrayLike<number>, k: number): number[] {
  return Array.from(values, (_, i) => i).sort((a, b) => values[b] - values[a] || a - b).slice(0, k);
}

forEachDevice("topk and argmax of odd sizes and every layout", async () => {
  for (const n of [1, 63, 64, 65, 257]) {
    const values = sequence(n, 2 * n);
    for (
      const { name, x } of n === 63 ? layouts(values, [2, n]) : [{ name: `${n}`, x: tensor(values, { shape: [2, n] }) }]
    ) {
      const rows = [values.slice(0, n), values.slice(n)];
      const k = Math.min(3, n);
      const { values: top, indices } = topk(x, k);
      await Promise.all([
        assertClose(indices, rows.flatMap((row) => sorted(row, k)), { name, shape: [2, k], tolerance: 0 }),
        assertClose(top, rows.flatMap((row) => sorted(row, k).map((i) => row[i])), { name, tolerance: 0 }),
        assertClose(argmax(x, 1), rows.flatMap((row) => sorted(row, 1)), { name, shape: [2], tolerance: 0 }),
        assertClose(argmax(x), sorted(values, 1), { name, shape: [], tolerance: 0 }),
      ]);
    }
  }
});

forEachDevice("ties in order of position, infinities, NaN as the largest, zeros of both signs equal", async () => {
  const at = async (values: number[], wanted: number[]) =>
    await assertClose(topk(tensor(values), values.length).indices, wanted, { tolerance: 0, name: `${values}` });
  await at([1, 3, 3, 2], [1, 2, 3, 0]);
  await at([-Infinity, 0, Infinity, -1], [2, 1, 3, 0]);
  await at([1, NaN, 2, NaN], [1, 3, 2, 0]);
  await at([-0, 0, -1], [0, 1, 2]);
  await assertClose(argmax(tensor([NaN, NaN])), [0]);
});

forEachDevice("int32 is compared exactly; other axes; keepdim", async () => {
  const x = tensor(Int32Array.of(16777216, 16777217, -2147483648, -5), { shape: [2, 2] });
  await assertClose(argmax(x, 1, { keepdim: true }), [1, 1], { shape: [2, 1], tolerance: 0 });
  const { values, indices } = topk(x, 2, 0);
  assert.equal(values.dtype, "int32");
  await assertClose(values, [16777216, 16777217, -2147483648, -5], { tolerance: 0 });
  await assertClose(indices, [0, 0, 1, 1], { tolerance: 0 });
  assert.deepEqual(topk(x, 0).values.shape, [2, 0]);
});

forEachDevice("a line longer than a software adapter's loops", async () => {
  const values = new Float32Array(70000);
  values[69999] = 1;
  await assertClose(topk(tensor(values), 3).indices, [69999, 0, 1], { tolerance: 0 });
});

forEachDevice("the gradient of topk goes to the elements that were chosen", async () => {
  await gradcheck((x) => topk(x, 2).values, [tensor([[0.3, -1, 2, 0.9], [1, 0.5, -0.2, 0]])]);
  await gradcheck((x) => topk(x, 1, 0).values, [drawn(4, [3, 2])]);
});

Deno.test("errors of topk and argmax", () => {
  const x = tensor([[1, 2]]);
  assert.throws(() => topk(x, 3), { name: "RangeError", message: "Cannot take the top 3 of [1, 2] along axis 1" });
  assert.throws(() => topk(x, 0.5), { name: "RangeError" });
  assert.throws(() => argmax(tensor([], { shape: [0, 2] }), 0), {
    name: "RangeError",
    message: "Cannot take the argmax of [0, 2] along axis 0: there are no elements",
  });
});
