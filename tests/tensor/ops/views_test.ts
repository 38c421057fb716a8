import assert from "node:assert/strict";
import { split, tensor } from "../../../tensor/mod.ts";
import { assertClose, tabulate } from "../../close.ts";
import { forEachDevice } from "../../devices.ts";
import { drawn, gradcheck, sequence } from "../../gradcheck.ts";
import { layouts } from "../../layouts.ts";

const shape = [3, 4, 5];
const values = sequence(1, 60);
const at = (i: number, j: number, k: number) => values[20 * i + 5 * j + k];

forEachDevice("views of every layout have the values of their definition", async () => {
  for (const { name, x } of layouts(values, shape)) {
    const check = (got: typeof x, shape: number[], f: (...p: number[]) => number) =>
      assertClose(got, tabulate(shape, f), { shape, name, tolerance: 0 });
    await Promise.all([
      check(x.reshape([12, -1]), [12, 5], (m, k) => at(m >> 2, m % 4, k)),
      check(x.reshape([5, 12]), [5, 12], (i, j) => values[12 * i + j]),
      check(x.flatten(1), [3, 20], (i, m) => values[20 * i + m]),
      check(x.flatten(), [60], (m) => values[m]),
      check(x.permute([2, 0, 1]), [5, 3, 4], (k, i, j) => at(i, j, k)),
      check(x.permute([2, 0, 1]).reshape([5, 12]), [5, 12], (k, m) => at(m >> 2, m % 4, k)),
      check(x.transpose(0, -1), [5, 4, 3], (k, j, i) => at(i, j, k)),
      check(x.slice(1, 1, -1), [3, 2, 5], (i, j, k) => at(i, j + 1, k)),
      check(x.slice(-1, -4, 9, 2), [3, 4, 2], (i, j, k) => at(i, j, 1 + 2 * k)),
      check(x.select(1, -2), [3, 5], (i, k) => at(i, 2, k)),
      check(x.unsqueeze(1).unsqueeze(-1), [3, 1, 4, 5, 1], (i, _, j, k) => at(i, j, k)),
      check(x.flip([0, 2]), shape, (i, j, k) => at(2 - i, j, 4 - k)),
      check(x.slice(1, 2, 3).expand([2, 3, 4, 5]), [2, 3, 4, 5], (_, i, __, k) => at(i, 2, k)),
      check(x.slice(0, 5, 2), [0, 4, 5], () => 0),
    ]);
  }
});

forEachDevice("pieces: chunk, split, squeeze", async () => {
  const x = tensor(values, { shape });
  const pieces = x.chunk(3, -1);
  assert.deepEqual(pieces.map((p) => p.shape), [[3, 4, 2], [3, 4, 2], [3, 4, 1]]);
  await assertClose(pieces[2], tabulate([3, 4], (i, j) => at(i, j, 4)), { tolerance: 0 });
  assert.deepEqual(split(x, 3, 1).map((p) => p.shape), [[3, 3, 5], [3, 1, 5]]);
  assert.deepEqual(x.unsqueeze(0).unsqueeze(2).squeeze().shape, shape);
  assert.deepEqual(x.unsqueeze(0).squeeze(0).shape, shape);
  assert.deepEqual(x.squeeze(0).shape, shape);
  assert.deepEqual(tensor([7]).reshape([]).shape, []);
  assert.deepEqual(tensor(2).flatten().shape, [1]);
});

forEachDevice("views share memory; only reshapes that strides cannot express copy", () => {
  const x = tensor(values, { shape });
  for (
    const view of [
      x.reshape([60]),
      x.permute([1, 0, 2]),
      x.slice(0, 1),
      x.select(2, 1),
      x.flip(0),
      x.expand([2, 3, 4, 5]),
    ]
  ) {
    assert.equal(view.storage, x.storage);
  }
  assert.equal(x.slice(1, 1, 3).reshape([3, 2, 5, 1]).storage, x.storage);
  assert.equal(x.transpose(0, 1).unsqueeze(0).storage, x.storage);
  assert.notEqual(x.transpose(0, 1).reshape([60]).storage, x.storage);
});

forEachDevice("gradients of views", async () => {
  const x = drawn(2, [2, 3, 4]);
  await gradcheck((x) => x.reshape([4, 6]), [x]);
  await gradcheck((x) => x.permute([2, 0, 1]).reshape([8, 3]).mul(2), [x]);
  await gradcheck((x) => x.slice(2, 1, 4, 2).flip([0, 2]), [x]);
  await gradcheck((x) => x.select(1, 2).unsqueeze(1).expand([2, 3, 4]), [x]);
  await gradcheck((x) => x.chunk(2, 2)[1].squeeze(), [x]);
  await gradcheck((x) => x.slice(1, 0, 2).add(x.slice(1, 1)), [x]);
});

forEachDevice("view() shares memory or says that it cannot", async () => {
  const x = tensor([[1, 2, 3], [4, 5, 6]], { requiresGrad: true });
  const flat = x.view([-1]);
  assert.equal(flat.storage, x.storage);
  flat.mul(tensor([1, 2, 3, 4, 5, 6])).sum().backward();
  await assertClose(x.grad!, [1, 2, 3, 4, 5, 6], { tolerance: 0 });
  assert.throws(() => x.transpose(0, 1).view([6]), {
    name: "TypeError",
    message: "Cannot view [3, 2] as [6]: its memory lies in another order; use reshape()",
  });
  assert.throws(() => x.view([4]), { message: "Cannot view [2, 3] to [4]: 6 elements do not fit" });
});

Deno.test("errors of views say what was wished for and what is there", () => {
  const x = tensor(values, { shape });
  assert.throws(() => x.reshape([7, -1]), {
    name: "TypeError",
    message: "Cannot reshape [3, 4, 5] to [7, -1]: 60 elements do not fit",
  });
  assert.throws(() => x.reshape([-1, -1]), { name: "TypeError" });
  assert.throws(() => x.permute([0, 1]), {
    name: "RangeError",
    message: "Cannot permute [3, 4, 5] by [0, 1]: name each axis once",
  });
  assert.throws(() => x.permute([0, 1, 1]), { name: "RangeError" });
  assert.throws(() => x.expand([3, 4, 6]), { name: "TypeError", message: /^Cannot expand \[3, 4, 5\] (and|to)/ });
  assert.throws(() => x.expand([4, 5]), {
    name: "TypeError",
    message: "Cannot expand [3, 4, 5] to [4, 5]: only axes of size 1 can be repeated",
  });
  assert.throws(() => x.expand([-1, 3, 4, 5]), { name: "TypeError", message: /only axes of size 1/ });
  assert.throws(() => x.slice(0, 0, 3, 0), {
    name: "RangeError",
    message: "Cannot slice with step 0: expected a whole number from 1 on",
  });
  assert.throws(() => x.slice(0, 0.5), {
    name: "RangeError",
    message: "Cannot slice from 0.5 to Infinity: expected whole numbers",
  });
  assert.throws(() => x.select(0, 3), { name: "RangeError", message: "Cannot select 3 along axis 0 of [3, 4, 5]" });
  assert.throws(() => x.chunk(0), {
    name: "RangeError",
    message: "Cannot chunk into 0 pieces: expected a whole number from 1 on",
  });
  assert.throws(() => split(x, 0.5), { name: "RangeError" });
  assert.throws(() => x.unsqueeze(5), { name: "RangeError" });
});

forEachDevice(
  "gradients of pieces: of some alone, beside another use of the whole, twice through one graph",
  async () => {
    const x = drawn(1, [2, 6, 3], -1, 1);
    await gradcheck((x) => x.chunk(3, 1)[2].square(), [x]);
    await gradcheck((x) => x.chunk(1, 1)[0].square(), [x]);
    await gradcheck((x) => {
      const [a, b, c] = x.transpose(1, 2).chunk(3, 2);
      return a.mul(b).add(c.exp()).add(b).add(x.sum(1).unsqueeze(2).square());
    }, [x]);
    const leaf = tensor([1, 2, 3, 4], { requiresGrad: true });
    const [a, b] = leaf.mul(1).chunk(2);
    const y = a.mul(b).sum();
    y.backward({ retainGraph: true });
    y.backward();
    assert.deepEqual([...await leaf.grad!.data()], [6, 8, 2, 4]);
  },
);
