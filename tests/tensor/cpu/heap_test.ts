import assert from "node:assert/strict";
import { Allocator, type Range } from "../../../tensor/cpu/allocator.ts";
import { Heap } from "../../../tensor/cpu/heap.ts";

function randomizer(seed: number): () => number {
  return () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    return (seed >>> 0) / 2 ** 32;
  };
}

Deno.test("ranges are aligned, never overlap, and are used again", () => {
  const next = randomizer(3);
  const allocator = new Allocator(4096, () => true);
  const live: { range: Range; bytes: number }[] = [];
  let [most, inUse] = [0, 0];
  for (let round = 0; round < 20_000; round++) {
    if (live.length > 100 || (live.length > 0 && next() < 0.45)) {
      const [{ range, bytes }] = live.splice(Math.floor(next() * live.length), 1);
      inUse -= bytes;
      allocator.release(range);
      continue;
    }
    const bytes = 1 + Math.floor(next() ** 4 * 1e6);
    const range = allocator.allocate(bytes);
    assert.ok(range !== null && range.ptr % 64 === 0 && range.ptr >= 4096 && range.size >= bytes);
    live.push({ range, bytes });
    inUse += bytes;
    most = Math.max(most, inUse);
    if (round % 500 !== 0) continue;
    const sorted = live.map((l) => l.range).sort((a, b) => a.ptr - b.ptr);
    for (let i = 1; i < sorted.length; i++) assert.ok(sorted[i - 1].ptr + sorted[i - 1].size <= sorted[i].ptr);
  }
  assert.ok(allocator.end < 2 * most, `${allocator.end} bytes for at most ${most}`);
});

Deno.test("freed neighbours are joined, so that their whole size can be had again", () => {
  const allocator = new Allocator(0, (end) => end <= 64 * 100);
  const ranges = [...Array(100)].map(() => allocator.allocate(64));
  assert.equal(allocator.allocate(64), null);
  for (const order of [0, 2, 1]) ranges.forEach((r, i) => i % 3 === order && r !== null && allocator.release(r));
  const whole = allocator.allocate(6400);
  assert.equal(whole?.size, 6400);
});

Deno.test("a step's allocations, repeated, do not let the heap grow", () => {
  const heap = new Heap();
  const step = () => {
    const slices = [1e6, 300, 5e5, 2e6, 64, 77_777].map((bytes) => heap.allocate(bytes));
    for (const i of [3, 0, 5, 1, 4, 2]) heap.release(slices[i]);
  };
  step();
  const { reserved } = heap;
  for (let i = 0; i < 1000; i++) step();
  assert.deepEqual([heap.used, heap.slices, heap.reserved], [0, 0, reserved]);
});

Deno.test("views survive growth, in shared and in plain memory", () => {
  for (const shared of [true, false]) {
    const heap = new Heap({ shared });
    const slice = heap.allocate(40);
    slice.f32.fill(1.5);
    slice.i32[9] = 7;
    const before = heap.reserved;
    const large = heap.allocate(50 * 2 ** 20);
    assert.ok(heap.reserved > before);
    assert.equal(slice.f32[3], 1.5);
    assert.equal(slice.i32[9], 7);
    slice.f32[0] = 2;
    assert.equal(heap.floats(slice.ptr, 1)[0], 2);
    heap.release(large);
  }
});

Deno.test("running out of memory is an error that tells what to do, and the heap stays usable", () => {
  const heap = new Heap();
  const used = heap.allocate(2 ** 20);
  assert.throws(
    () => heap.allocate(5 * 2 ** 30),
    /^Error: Cannot allocate 5120\.0 MiB on the CPU device: 1\.0 MiB of at most 4096\.0 MiB are in use; use a smaller batch$/,
  );
  assert.ok(heap.allocate(2 ** 20).ptr !== used.ptr);
});

Deno.test("a released slice is refused", () => {
  const heap = new Heap();
  const slice = heap.allocate(4);
  heap.release(slice);
  heap.release(slice);
  assert.equal(heap.used, 0);
  assert.throws(() => slice.f32, /released storage/);
  assert.throws(() => slice.ptr, /released storage/);
});
