/** The elementwise table: every row against its reference and by central differences; then layouts, types and numbers as operands. */
import assert from "node:assert/strict";
import { clamp, floor, type Tensor, tensor } from "../../../tensor/mod.ts";
import { pointwise, type Row, type RowName, rows } from "../../../tensor/ops/pointwise.ts";
import { forEachDevice } from "../../devices.ts";
import { gradcheck, sequence } from "../../gradcheck.ts";

const names = Object.keys(rows) as RowName[];
const SIZES = [1, 63, 64, 65, 257];

/** True where a row has a second operand. */
const isBinary = ({ forward }: Row) => /\bz\b/.test(forward);

/** Inputs in the row's domain, at least 0.03 away from its kinks; two operands are as far apart from each other. */
function inputs(row: Row, seed: number, count: number): Float32Array<ArrayBuffer>[] {
  const [low, high] = row.domain ?? [-2, 2];
  const away = (value: number, from: readonly number[]) =>
    from.reduce((v, k) => (Math.abs(v - k) < 0.03 ? k + (v < k ? -0.05 : 0.05) : v), value);
  const x = sequence(seed, count, low, high).map((v) => away(v, row.kinks ?? []));
  if (!isBinary(row)) return [x];
  return [x, sequence(seed + 1, count, low, high).map((v, i) => away(v, [x[i]]))];
}

async function assertClose(got: Tensor, wanted: ArrayLike<number>, name: string, relative = 2e-5): Promise<void> {
  const data = await got.data();
  assert.equal(data.length, wanted.length, name);
  data.forEach((x, i) => {
    const [y, bound] = [wanted[i], relative * Math.max(0.1, Math.abs(wanted[i]))];
    assert.ok(Math.abs(x - y) <= bound, `${name}: element ${i} is ${x}, wanted ${y}`);
  });
}

forEachDevice("every row of the elementwise table equals its reference, odd sizes included", async () => {
  await Promise.all(names.flatMap((name) =>
    SIZES.map((size) => {
      const row: Row = rows[name];
      const [x, z] = inputs(row, size, size);
      const [p = NaN, q = NaN] = row.scalars ?? [];
      const got = pointwise(name, tensor(x), z && tensor(z), row.scalars);
      return assertClose(got, x.map((v, i) => row.reference(v, z?.[i], p, q)), `${name} of ${size}`);
    })
  ));
});

forEachDevice("every row of the elementwise table has the gradient of central differences", async () => {
  for (const name of names) {
    const row: Row = rows[name];
    if (row.backward === undefined) continue;
    const [x, z] = inputs(row, 5, 6).map((data) => tensor(data));
    // a row without a derivative for z takes numbers only there
    const tensors = isBinary(row) && row.backward.length === 2 ? [x, z] : [x];
    const number = isBinary(row) ? 0.7 : undefined;
    await gradcheck((x, z) => pointwise(name, x, z ?? number, row.scalars), tensors).catch((error) => {
      throw new Error(`${name}: ${error.message}`);
    });
  }
});

forEachDevice("rows with a second operand take a number for it, with the same gradient", async () => {
  for (const name of names) {
    const row: Row = rows[name];
    if (!isBinary(row)) continue;
    const [x] = inputs({ ...row, kinks: [0.75] }, 9, 5);
    await assertClose(pointwise(name, tensor(x), 0.75), x.map((v) => row.reference(v, 0.75, NaN, NaN)), name);
    if (row.backward !== undefined) await gradcheck((t) => pointwise(name, t, 0.75), [tensor(x)]);
  }
});

forEachDevice("elementwise operands may be transposed, sliced, broadcast, flipped and of any rank", async () => {
  const x = tensor(sequence(1, 60), { shape: [3, 4, 5] });
  const row = tensor(sequence(2, 5));
  const at = (i: number, j: number, k: number) => 20 * i + 5 * j + k;
  const [a, b] = [await x.data(), await row.data()];
  const list = (n: number[], f: (i: number, j: number, k: number) => number) =>
    Array.from(
      { length: n[0] * n[1] * n[2] },
      (_, m) => f(Math.trunc(m / (n[1] * n[2])), Math.trunc(m / n[2]) % n[1], m % n[2]),
    );
  await assertClose(x.permute([2, 0, 1]).mul(2), list([5, 3, 4], (k, i, j) => 2 * a[at(i, j, k)]), "permuted");
  await assertClose(
    x.slice(1, 1, 4, 2).exp(),
    list([3, 2, 5], (i, j, k) => Math.exp(a[at(i, 1 + 2 * j, k)])),
    "sliced",
  );
  await assertClose(x.add(row), list([3, 4, 5], (i, j, k) => a[at(i, j, k)] + b[k]), "row");
  await assertClose(x.flip([0, 2]).add(row), list([3, 4, 5], (i, j, k) => a[at(2 - i, j, 4 - k)] + b[k]), "flipped");
  await assertClose(
    x.select(0, 1).unsqueeze(1).sub(x.select(1, 2)),
    list([4, 3, 5], (j, i, k) => a[at(1, j, k)] - a[at(i, 2, k)]),
    "outer",
  );
  await assertClose(
    x.reshape([1, 3, 1, 4, 5]).add(row.expand([2, 3, 1, 4, 5])).select(0, 1),
    list([3, 4, 5], (i, j, k) => a[at(i, j, k)] + b[k]),
    "rank 5",
  );
});

forEachDevice("gradients of broadcast operands are summed back to their shapes", async () => {
  const [x, y] = [tensor(sequence(3, 12), { shape: [3, 1, 4] }), tensor(sequence(4, 2), { shape: [2, 1] })];
  await gradcheck((x, y) => x.mul(y).add(x), [x, y]);
  await gradcheck((x) => x.expand([2, 3]).mul(x.sum()), [tensor([0.5])]);
});

forEachDevice("int32 stays int32 beside int32 and whole numbers, and meets floats as float32", async () => {
  const [x, y] = [tensor(Int32Array.of(7, -8, 16777217)), tensor(Int32Array.of(2, 3, -4))];
  const expect = async (t: Tensor, dtype: string, values: number[]) => {
    assert.equal(t.dtype, dtype);
    assert.deepEqual([...await t.data()], values);
  };
  await expect(x.add(y), "int32", [9, -5, 16777213]);
  await expect(x.mul(y), "int32", [14, -24, -67108868]);
  await expect(x.add(1), "int32", [8, -7, 16777218]);
  await expect(x.sub(20000001), "int32", [-19999994, -20000009, -3222784]);
  await expect(x.maximum(y), "int32", [7, 3, 16777217]);
  await expect(x.neg().abs(), "int32", [7, 8, 16777217]);
  await expect(x.sign(), "int32", [1, -1, 1]);
  await expect(floor(x), "int32", [7, -8, 16777217]);
  await expect(x.clamp(0, 10), "int32", [7, 0, 10]);
  await expect(y.div(2), "float32", [1, 1.5, -2]);
  await expect(y.mul(0.5), "float32", [1, 1.5, -2]);
  await expect(y.add(tensor([0.5])), "float32", [2.5, 3.5, -3.5]);
  await expect(y.lt(2.5), "int32", [1, 0, 1]);
  await expect(y.ge(3), "int32", [0, 1, 0]);
  await expect(y.eq(tensor([2, 3, 4])), "int32", [1, 1, 0]);
  await expect(y.toFloat(), "float32", [2, 3, -4]);
  await expect(tensor([1.9, -1.9]).toInt(), "int32", [1, -1]);
  await expect(y.pow(2), "float32", [4, 9, 16]);
});

forEachDevice("edges: powers of 0, limits, large arguments, infinities as numbers", async () => {
  const zero = tensor([0, 0, 0], { requiresGrad: true });
  const powers = zero.pow(tensor([0, 1, 2]));
  powers.sum().backward();
  assert.deepEqual([...await powers.data()], [1, 0, 0]);
  assert.deepEqual([...await zero.grad!.data()], [0, 1, 0]);
  assert.deepEqual([...await tensor([-2, -2, 4]).pow(tensor([3, 2, -1])).data()], [-8, 4, 0.25]);
  const x = tensor([-1, 0.5, 3e38], { requiresGrad: true });
  assert.deepEqual([...await x.clamp(0.5).data()], [0.5, 0.5, Math.fround(3e38)]);
  x.clamp(0.5).sum().backward();
  assert.deepEqual([...await x.grad!.data()], [0, 1, 1]); // at the limit the gradient passes
  assert.deepEqual([...await tensor([Infinity, -5]).clamp(0).data()], [Infinity, 0]);
  assert.deepEqual([...await tensor([1, 2]).mul(Infinity).data()], [Infinity, Infinity]);
  assert.deepEqual([...await tensor([100, -100]).tanh().data()], [1, -1]);
  assert.deepEqual([...await tensor([200, -200]).sigmoid().data()].map((v) => Math.round(v)), [1, 0]);
  assert.deepEqual([...await tensor([200, -200]).softplus().data()].map((v) => Math.round(v)), [200, 0]);
});

forEachDevice("elementwise ops take tensors without elements", async () => {
  const empty = tensor([], { shape: [0, 3], requiresGrad: true });
  const out = empty.exp().add(tensor([1, 2, 3]));
  assert.deepEqual(out.shape, [0, 3]);
  assert.deepEqual([...await out.data()], []);
  out.sum(1).backward({ gradient: tensor([], { shape: [0] }) });
  assert.deepEqual(empty.grad!.shape, [0, 3]);
});

Deno.test("elementwise errors name the op, the shapes and the remedy", () => {
  const [x, y] = [tensor(sequence(1, 6), { shape: [2, 3] }), tensor(sequence(1, 8), { shape: [2, 4] })];
  assert.throws(() => x.add(y), {
    name: "TypeError",
    message: "Cannot add [2, 3] and [2, 4]: axis 1 is 3 and 4, and neither is 1",
  });
  assert.throws(() => x.maximum(y), /^TypeError: Cannot maximum \[2, 3\] and \[2, 4\]/);
  assert.throws(() => clamp(x), { name: "TypeError", message: "Cannot clamp without limits: give min, max or both" });
});
