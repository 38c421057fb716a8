import assert from "node:assert/strict";
import { Random } from "../../data/random.ts";

Deno.test("random: xoshiro128** 1.1, first numbers of the state 1, 2, 3, 4", () => {
  // the numbers of the authors' C code
  const random = Random.from([1, 2, 3, 4]);
  assert.deepEqual([random.bits(), random.bits(), random.bits()], [11520, 0, 5927040]);
});

Deno.test("random: seeds and streams differ, the same one repeats, a state continues", () => {
  const take = (random: Random) => Array.from({ length: 5 }, () => random.bits());
  const first = take(new Random(1));
  assert.deepEqual(take(new Random(1)), first);
  for (const other of [new Random(2), new Random(1, 1), new Random(1 + 2 ** 32)]) {
    assert.notDeepEqual(take(other), first);
  }
  const random = new Random(7);
  random.bits();
  const copy = Random.from(JSON.parse(JSON.stringify(random.state)));
  assert.deepEqual(take(copy), take(random));
  assert.throws(() => Random.from([0, 0, 0, 0]), RangeError);
});

Deno.test("random: uniform numbers are even, a shuffle reaches every order", () => {
  const random = new Random(5);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 100_000; i++) counts[random.below(10)]++;
  const chi2 = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
  assert.ok(chi2 < 27.9, `${chi2}`); // 0.1 % of fair generators exceed it
  const orders = new Set(Array.from({ length: 500 }, () => random.shuffle([1, 2, 3, 4]).join("")));
  assert.equal(orders.size, 24);
});
