import assert from "node:assert/strict";
import { embedding, gather, indexSelect, tensor } from "../../../tensor/mod.ts";
import { assertClose, tabulate } from "../../close.ts";
import { forEachDevice } from "../../devices.ts";
import { drawn, gradcheck, sequence } from "../../gradcheck.ts";
import { gradcheckLayouts, layouts } from "../../layouts.ts";

const shape = [3, 4];
const values = sequence(1, 12);

forEachDevice("indexSelect and gather read every layout of values and index", async () => {
  const index = Int32Array.of(2, 0, -1, 1, 1, 3);
  for (const { name, x } of layouts(values, shape)) {
    const picked = indexSelect(x, 1, tensor(Int32Array.of(3, 0, -2, 0, 1)));
    await assertClose(picked, tabulate([3, 5], (i, j) => values[4 * i + [3, 0, 2, 0, 1][j]]), { name, shape: [3, 5] });
    for (const { name, x: places } of layouts(index, [3, 2])) {
      const wanted = tabulate([3, 2], (i, j) => values[4 * i + (index[2 * i + j] + 4) % 4]);
      await assertClose(gather(x, 1, places), wanted, { name, shape: [3, 2], tolerance: 0 });
    }
    const down = gather(x, 0, tensor(Int32Array.of(2, 1, 0, 0), { shape: [1, 4] }));
    await assertClose(down, [values[8], values[5], values[2], values[3]], { name, shape: [1, 4], tolerance: 0 });
  }
});

forEachDevice("embedding of odd numbers of tokens; int32 values; no tokens", async () => {
  const weight = tensor(sequence(2, 15), { shape: [5, 3] });
  const table = await weight.data();
  for (const n of [1, 63, 65, 257]) {
    const tokens = Int32Array.from({ length: n }, (_, i) => (7 * i) % 5);
    await assertClose(embedding(weight, tensor(tokens)), tabulate([n, 3], (i, j) => table[3 * tokens[i] + j]), {
      tolerance: 0,
    });
  }
  const ints = tensor(Int32Array.of(16777217, 5), { shape: [2, 1] });
  await assertClose(indexSelect(ints, 0, tensor(Int32Array.of(1, 0))), [5, 16777217], { tolerance: 0 });
  assert.deepEqual(embedding(weight, tensor(new Int32Array(0), { shape: [2, 0] })).shape, [2, 0, 3]);
});

forEachDevice("an index beyond the ends gives NaN (0 of int32) and takes no gradient", async () => {
  const x = tensor([[1, 2], [3, 4]], { requiresGrad: true });
  const out = indexSelect(x, 0, tensor(Int32Array.of(1, 2, -3)));
  await assertClose(out, [3, 4, NaN, NaN, NaN, NaN]);
  out.sum().backward();
  await assertClose(x.grad!, [0, 0, 1, 1]);
  await assertClose(tensor(Int32Array.of(7)).indexSelect(0, tensor(Int32Array.of(5))), [0]);
});

forEachDevice("long rows are picked as short ones are: in order, from the end, NaN beyond the ends", async () => {
  for (const inner of [1, 15, 16, 17, 65]) {
    const rows = sequence(4, 2 * 3 * inner);
    const picked = indexSelect(tensor(rows, { shape: [2, 3, inner] }), 1, tensor(Int32Array.of(2, -3, 3, -4, 2)));
    const from = [2, 0, NaN, NaN, 2];
    const wanted = tabulate([2, 5, inner], (o, t, i) => rows[(3 * o + from[t]) * inner + i] ?? NaN);
    await assertClose(picked, wanted, { tolerance: 0, shape: [2, 5, inner], name: `${inner}` });
  }
});

forEachDevice("gradients of picks add up where an element is picked twice", async () => {
  const x = drawn(3, [3, 4]);
  const index = tensor(Int32Array.of(1, 1, 0, 3, 2, -1), { shape: [3, 2] });
  await gradcheckLayouts((x) => gather(x, 1, index), [x]);
  await gradcheck((x) => indexSelect(x.transpose(0, 1), 0, tensor(Int32Array.of(3, 3, 0))), [x]);
  await gradcheck((x) => embedding(x, tensor(Int32Array.of(2, 0, 2, 2), { shape: [2, 2] })), [x]);
});

Deno.test("errors of picks", () => {
  const x = tensor(values, { shape });
  assert.throws(() => gather(x, 1, tensor([0, 1, 2], { shape: [3, 1] })), {
    name: "TypeError",
    message: "Cannot gather by a float32 index: make it int32",
  });
  assert.throws(() => gather(x, 1, tensor(Int32Array.of(0), { shape: [1, 1] })), {
    name: "TypeError",
    message: "Cannot gather from [3, 4] by [1, 1] along axis 1: the other axes must be equal",
  });
  assert.throws(() => indexSelect(x, 0, tensor(Int32Array.of(0), { shape: [1, 1] })), /must have one axis/);
  assert.throws(() => embedding(tensor([1]), tensor(Int32Array.of(0))), {
    message: "Cannot embed with weight [1]: expected [entries, dim]",
  });
});
