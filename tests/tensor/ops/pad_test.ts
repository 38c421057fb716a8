import assert from "node:assert/strict";
import { pad, type PadOptions, tensor, tril, triu } from "../../../tensor/mod.ts";
import { assertClose, tabulate } from "../../close.ts";
import { forEachDevice } from "../../devices.ts";
import { drawn, gradcheck, sequence } from "../../gradcheck.ts";
import { gradcheckLayouts, layouts } from "../../layouts.ts";

const values = sequence(1, 12);
const shape = [3, 4];

forEachDevice("pad in every mode and layout", async () => {
  const source: Record<string, (i: number, n: number) => number> = {
    constant: (i, n) => (i < 0 || i >= n ? -1 : i),
    replicate: (i, n) => Math.min(Math.max(i, 0), n - 1),
    reflect: (i, n) => (i < 0 ? -i : i >= n ? 2 * n - 2 - i : i),
  };
  for (const { name, x } of layouts(values, shape)) {
    for (const [mode, at] of Object.entries(source)) {
      const wanted = tabulate([5, 6], (i, j) => {
        const [row, column] = [at(i - 1, 3), at(j - 2, 4)];
        return row < 0 || column < 0 ? -20 : values[4 * row + column];
      });
      const options = { mode, value: -20 } as PadOptions;
      await assertClose(pad(x, [2, 0, 1, 1], options), wanted, {
        shape: [5, 6],
        name: `${mode} ${name}`,
        tolerance: 0,
      });
    }
    await assertClose(pad(x, [-1, 1]), tabulate(shape, (i, j) => (j < 3 ? values[4 * i + j + 1] : 0)), {
      name,
      tolerance: 0,
    });
  }
  const ints = pad(tensor(Int32Array.of(5, 6)), [1, 0], { value: 9 });
  assert.equal(ints.dtype, "int32");
  await assertClose(ints, [9, 5, 6], { tolerance: 0 });
});

forEachDevice("roll and unfold of every layout", async () => {
  for (const { name, x } of layouts(values, shape)) {
    await Promise.all([
      assertClose(x.roll(-5, 1), tabulate(shape, (i, j) => values[4 * i + (j + 1) % 4]), { name, tolerance: 0 }),
      assertClose(x.roll(4, 0), tabulate(shape, (i, j) => values[4 * ((i + 2) % 3) + j]), { name, tolerance: 0 }),
      assertClose(x.unfold(1, 3, 1), tabulate([3, 2, 3], (i, w, k) => values[4 * i + w + k]), {
        name,
        shape: [3, 2, 3],
      }),
      assertClose(x.unfold(0, 1, 2), tabulate([2, 4, 1], (w, j) => values[8 * w + j]), { name, shape: [2, 4, 1] }),
    ]);
  }
  await assertClose(tensor([]).roll(1, 0), []);
});

forEachDevice("triangles of matrices and batches, int32 too", async () => {
  const x = tensor(sequence(2, 24), { shape: [2, 3, 4] });
  const data = await x.data();
  const keep = (test: (i: number, j: number) => boolean) =>
    tabulate([2, 3, 4], (b, i, j) => (test(i, j) ? data[12 * b + 4 * i + j] : 0));
  await assertClose(tril(x), keep((i, j) => j <= i), { tolerance: 0 });
  await assertClose(triu(x, 1), keep((i, j) => j > i), { tolerance: 0 });
  assert.equal(tril(tensor(Int32Array.of(1, 2, 3, 4), { shape: [2, 2] })).dtype, "int32");
});

forEachDevice("gradients of pad, roll, unfold and triangles", async () => {
  const x = drawn(3, [3, 4]);
  await gradcheckLayouts((x) => pad(x, [2, 1], { mode: "reflect" }), [x]);
  await gradcheck((x) => pad(x, [0, 2, 1, 0], { mode: "replicate" }), [x]);
  await gradcheck((x) => pad(x, [1, -1], { value: 3 }), [x]);
  await gradcheck((x) => x.roll(1, 0), [x]);
  await gradcheckLayouts((x) => x.unfold(1, 3, 1), [x]);
  await gradcheck((x) => x.transpose(0, 1).unfold(0, 2, 2).mul(2), [x]);
  await gradcheck((x) => tril(x, 1), [x]);
});

Deno.test("errors of pad, unfold and triangles", () => {
  const x = tensor(values, { shape });
  assert.throws(() => pad(x, [1]), { name: "TypeError", message: "Cannot pad [3, 4] by [1]: expected pairs" });
  assert.throws(() => pad(x, [4, 0], { mode: "reflect" }), {
    name: "RangeError",
    message: 'Cannot pad axis 1 of [3, 4] by 4 and 0 in mode "reflect"',
  });
  assert.throws(() => x.unfold(1, 5, 1), {
    name: "RangeError",
    message: "Cannot unfold [3, 4] along axis 1 into windows of 5 every 1",
  });
  assert.throws(() => x.unfold(1, 1.5, 1), { name: "RangeError" });
  assert.throws(() => tril(tensor([1])), { name: "TypeError", message: "Cannot tril [1]: expected at least two axes" });
});
