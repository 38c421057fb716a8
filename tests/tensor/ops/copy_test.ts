import assert from "node:assert/strict";
import { cat, clone, full, stack, tensor } from "../../../tensor/mod.ts";
import { assertClose, tabulate } from "../../close.ts";
import { forEachDevice } from "../../devices.ts";
import { drawn, sequence } from "../../gradcheck.ts";
import { gradcheckLayouts, layouts } from "../../layouts.ts";

forEachDevice("cat joins every layout along any axis, int32 too", async () => {
  const [a, b] = [sequence(1, 12), sequence(2, 6)];
  for (const { name, x } of layouts(a, [3, 4])) {
    const y = tensor(b, { shape: [3, 2] });
    const wanted = tabulate([3, 6], (i, j) => (j < 4 ? a[4 * i + j] : b[2 * i + j - 4]));
    await assertClose(cat([x, y], 1), wanted, { shape: [3, 6], name, tolerance: 0 });
    await assertClose(cat([x, x.slice(0, 1, 2)], -2), [...a, ...a.slice(4, 8)], { shape: [4, 4], name, tolerance: 0 });
  }
  const ints = tensor(Int32Array.of(1, 2, 16777217, 4), { shape: [2, 2] });
  const joined = cat([ints, ints.transpose(0, 1), ints.slice(1, 0, 0)], 1);
  assert.equal(joined.dtype, "int32");
  await assertClose(joined, [1, 2, 1, 16777217, 16777217, 4, 2, 4], { shape: [2, 4], tolerance: 0 });
});

forEachDevice("stack, clone and full", async () => {
  const [x, y] = [tensor([[1, 2], [3, 4]]), tensor([[5, 6], [7, 8]])];
  await assertClose(stack([x, y], 1), [1, 2, 5, 6, 3, 4, 7, 8], { shape: [2, 2, 2], tolerance: 0 });
  await assertClose(stack([x, y], -1), [1, 5, 2, 6, 3, 7, 4, 8], { shape: [2, 2, 2], tolerance: 0 });
  const copy = clone(x.transpose(0, 1));
  x.assign(Float32Array.of(0, 0, 0, 0));
  await assertClose(copy, [1, 3, 2, 4], { tolerance: 0 });
  await assertClose(full([2], -7.9, { dtype: "int32" }), [-7, -7], { tolerance: 0 });
  await assertClose(full([3], 2147483647, { dtype: "int32" }), [2147483647, 2147483647, 2147483647], { tolerance: 0 });
  await assertClose(full([1, 2], NaN), [NaN, NaN]);
});

forEachDevice("gradients of copies", async () => {
  const [x, y] = [drawn(1, [2, 3]), drawn(2, [2, 2])];
  await gradcheckLayouts((x, y) => cat([x, y, x], 1), [x, y]);
  await gradcheckLayouts((x) => stack([x, x.mul(x)], 1), [x]);
  await gradcheckLayouts((x) => clone(x.transpose(0, 1)).contiguous(), [x]);
});

Deno.test("errors of copies", () => {
  const x = tensor([[1, 2]]);
  assert.throws(() => cat([]), { name: "TypeError", message: "Cannot cat nothing: give at least one tensor" });
  assert.throws(() => cat([x, tensor([[1], [2]])], 1), {
    name: "TypeError",
    message: "Cannot cat [1, 2] and [2, 1] along axis 1: the other axes and types must agree",
  });
  assert.throws(() => cat([x, tensor(Int32Array.of(1, 2), { shape: [1, 2] })]), { name: "TypeError" });
  assert.throws(() => stack([x, tensor([1, 2])]), { name: "TypeError" });
  assert.throws(() => full([2, -1], 0), {
    name: "TypeError",
    message: "Cannot make a tensor of shape [2, -1]: sizes are whole numbers from 0 on",
  });
});
