/** Clips turned in time. @module */
import assert from "node:assert/strict";
import { TimeShift } from "../../nn/mod.ts";
import { capture, manualSeed, rand, tensor, zeros } from "../../tensor/mod.ts";
import { forEachDevice } from "../devices.ts";

/** Clips in which frame t of sample b holds 100·b + t, twice. */
function clips(batch: number, time: number) {
  const values = Float32Array.from(
    { length: batch * time * 2 },
    (_, i) => 100 * Math.floor(i / 2 / time) + (i >> 1) % time,
  );
  return tensor(values, { shape: [batch, time, 2] });
}

/** By how much each sample of such clips was turned; fails where it is no turn. */
function turns(values: ArrayLike<number>, batch: number, time: number): number[] {
  return Array.from({ length: batch }, (_, b) => {
    const at = (t: number, c: number) => values[(b * time + t) * 2 + c] - 100 * b;
    const turn = (time - at(0, 0)) % time;
    for (let t = 0; t < time; t++) {
      for (const c of [0, 1]) assert.equal(at(t, c), (t - turn + time) % time, `sample ${b}, frame ${t}`);
    }
    return turn;
  });
}

forEachDevice("every clip is turned by itself, anew in each step, by 0 to the most", async () => {
  const shift = new TimeShift(5), x = clips(8, 12), step = capture(() => shift.forward(x));
  const seen = new Set<number>(), first = turns(await step().data(), 8, 12);
  for (let i = 0; i < 20; i++) turns(await step().data(), 8, 12).forEach((n) => seen.add(n));
  assert.deepEqual([...seen].sort(), [0, 1, 2, 3, 4, 5]);
  assert.ok(new Set(first).size > 1, "not all by the same");
  manualSeed(0);
  assert.deepEqual(turns(await shift.forward(x).data(), 8, 12), first, "replays are what a seed says");
});

forEachDevice("more than a clip is any place in it; one frame, no frame, and evaluation change nothing", async () => {
  const seen = new Set<number>();
  const any = new TimeShift(1000);
  for (let i = 0; i < 20; i++) turns(await any.forward(clips(8, 5)).data(), 8, 5).forEach((n) => seen.add(n));
  assert.deepEqual([...seen].sort(), [0, 1, 2, 3, 4]);
  assert.deepEqual(turns(await any.forward(clips(3, 1)).data(), 3, 1), [0, 0, 0]);
  const [x, empty] = [rand([2, 4, 3]), zeros([2, 0, 3])];
  assert.equal(any.forward(empty), empty);
  assert.equal(new TimeShift(0).forward(x), x);
  assert.equal(any.eval().forward(x), x);
});

Deno.test("wrong numbers and shapes are refused", () => {
  assert.throws(
    () => new TimeShift(-1),
    /^RangeError: Cannot shift by up to -1 frames: expected a whole number from 0 on$/,
  );
  assert.throws(() => new TimeShift(1.5), RangeError);
  assert.throws(
    () => new TimeShift(1).forward(zeros([2, 3])),
    /^TypeError: Cannot shift \[2, 3\]: expected \[batch, time, channels\]$/,
  );
});
