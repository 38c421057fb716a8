import assert from "node:assert/strict";
import { maskedFill, tensor, where } from "../../../tensor/mod.ts";
import { assertClose, tabulate } from "../../close.ts";
import { forEachDevice } from "../../devices.ts";
import { drawn, gradcheck, sequence } from "../../gradcheck.ts";
import { layouts } from "../../layouts.ts";

const mask = tensor(Int32Array.of(1, 0, 2, 0), { shape: [2, 2] });
const onDevice = () => tensor(Int32Array.of(1, 0, 2, 0), { shape: [2, 2] });

forEachDevice("where picks from tensors and numbers of every layout, and broadcasts", async () => {
  const [condition, values] = [onDevice(), sequence(1, 4)];
  for (const { name, x } of layouts(values, [2, 2])) {
    await assertClose(where(condition, x, 5), tabulate([2, 2], (i, j) => (j === 0 ? values[2 * i] : 5)), { name });
    await assertClose(where(condition, -1, x), tabulate([2, 2], (i, j) => (j === 0 ? -1 : values[2 * i + 1])), {
      name,
    });
  }
  await assertClose(where(condition, 1, 0), [1, 0, 1, 0]);
  await assertClose(where(condition, tensor([7]), tensor([[1], [2]])), [7, 1, 7, 2], { shape: [2, 2] });
  await assertClose(maskedFill(tensor([[1, 2]]), condition, -Infinity), [-Infinity, 2, -Infinity, 2], {
    shape: [2, 2],
  });
});

forEachDevice("where and maskedFill keep int32 beside whole numbers", async () => {
  const x = tensor(Int32Array.of(1, 2, 3, 16777217), { shape: [2, 2] });
  for (
    const [out, wanted] of [[where(onDevice(), x, 0), [1, 0, 3, 0]], [maskedFill(x, onDevice(), 9), [
      9,
      2,
      9,
      16777217,
    ]]] as const
  ) {
    assert.equal(out.dtype, "int32");
    await assertClose(out, wanted, { tolerance: 0 });
  }
  assert.equal(where(onDevice(), x, 0.5).dtype, "float32");
});

forEachDevice("gradients of where and maskedFill; nothing comes from the side not taken", async () => {
  const c = onDevice();
  await gradcheck((x, y) => where(c, x, y), [drawn(1, [2, 2]), drawn(2, [2])]);
  await gradcheck((y) => where(c, 2, y.mul(y)), [drawn(2, [2, 2])]);
  await gradcheck((x) => where(c, x, 2), [drawn(2, [2, 2])]);
  await gradcheck((x) => maskedFill(x, c, 3), [drawn(2, [2, 2])]);
  const x = tensor([[-1, 4], [-1, 9]], { requiresGrad: true });
  where(x.detach().lt(0), 0, x.sqrt()).sum().backward();
  assert.equal((await x.grad!.data())[1], 0.25);
});

Deno.test("where refuses shapes that do not broadcast", () => {
  assert.throws(() => where(mask, tensor([1, 2, 3]), 0), {
    name: "TypeError",
    message: "Cannot where [2, 2] and [3]: axis 1 is 2 and 3, and neither is 1",
  });
});
