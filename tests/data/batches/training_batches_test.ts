import assert from "node:assert/strict";
import type { Batch } from "../../../data/batches/batch.ts";
import { TrainingBatches, type TrainingBatchOptions } from "../../../data/batches/training_batches.ts";
import { madeUp } from "./made_up.ts";

const FRAMES = Array.from({ length: 23 }, (_, i) => 3 + (i * 7) % 20);
const ALL = FRAMES.map((_, i) => i);

function take(batches: TrainingBatches, count: number): Promise<Batch[]> {
  return Array.fromAsync(Array(count).keys(), () => batches.next());
}

Deno.test("training batches: shapes, lengths, labels and padding", async () => {
  const source = madeUp(FRAMES, 2);
  const batches = new TrainingBatches(source, ALL, { batchSize: 5, segmentLength: 8 });
  for (const batch of await take(batches, 12)) {
    assert.deepEqual([batch.batch, batch.time, batch.channels], [5, 8, 2]);
    assert.equal(batch.features.length, 5 * 8 * 2);
    batch.indices.forEach((index, row) => {
      const length = Math.min(FRAMES[index], 8);
      assert.equal(batch.lengths[row], length);
      assert.equal(batch.labels[row], index % 3);
      const rows = batch.features.subarray(row * 16, row * 16 + 16);
      const start = rows[0] - index * 1000;
      assert.ok(start >= 0 && start + length <= FRAMES[index]);
      rows.forEach((value, i) => {
        const frame = Math.floor(i / 2);
        assert.equal(value, frame < length ? index * 1000 + start + frame : -20);
      });
    });
  }
});

Deno.test("training batches: every utterance once an epoch, in a new order; the last batch dropped or not", async () => {
  for (const dropLast of [true, false]) {
    const batches = new TrainingBatches(madeUp(FRAMES), ALL, { batchSize: 5, segmentLength: 4, dropLast });
    assert.equal(batches.batchesPerEpoch, dropLast ? 4 : 5);
    const epochs = [await take(batches, batches.batchesPerEpoch), await take(batches, batches.batchesPerEpoch)];
    const orders = epochs.map((epoch) => epoch.flatMap(({ indices }) => [...indices]));
    for (const order of orders) {
      assert.equal(new Set(order).size, order.length);
      assert.equal(order.length, dropLast ? 20 : 23);
    }
    assert.notDeepEqual(orders[0], orders[1]);
    assert.equal(epochs[0].at(-1)?.batch, dropLast ? 5 : 3);
  }
});

Deno.test("training batches: crops start anywhere, the last place included, equally often", async () => {
  const batches = new TrainingBatches(madeUp([10]), [0], { batchSize: 1, segmentLength: 8 });
  const counts = [0, 0, 0];
  for (const { features } of await take(batches, 3000)) counts[features[0]]++;
  for (const count of counts) assert.ok(Math.abs(count - 1000) < 110, `${counts}`); // 4 standard deviations
});

Deno.test("training batches: a short utterance in the middle of silence, all of which counts", async () => {
  const options = { batchSize: 2, segmentLength: 6, pad: "center", padding: -1 } as const;
  const batch = await new TrainingBatches(madeUp([3, 8]), [0, 1], options).next();
  assert.deepEqual([...batch.lengths], [6, 6]);
  const row = batch.indices.indexOf(0);
  assert.deepEqual([...batch.features.subarray(6 * row, 6 * row + 6)], [-1, 0, 1, 2, -1, -1]);
});

Deno.test("training batches: only the given utterances are used", async () => {
  const batches = new TrainingBatches(madeUp(FRAMES), [2, 7, 11, 13], { batchSize: 2 });
  const seen = (await take(batches, 2)).flatMap(({ indices }) => [...indices]);
  assert.deepEqual(seen.sort((a, b) => a - b), [2, 7, 11, 13]);
});

Deno.test("training batches: a restored place continues the sequence exactly, whatever was prepared ahead", async () => {
  const options = { batchSize: 4, segmentLength: 5, seed: 9 };
  for (const stop of [0, 1, 5, 13]) {
    const whole = new TrainingBatches(madeUp(FRAMES), ALL, options);
    await take(whole, stop);
    const state = JSON.parse(JSON.stringify(whole.state));
    const expected = await take(whole, 12);
    const resumed = new TrainingBatches(madeUp(FRAMES), ALL, { ...options, prefetch: 7 });
    await resumed.next();
    resumed.restore(state);
    assert.deepEqual(await take(resumed, 12), expected);
  }
});

Deno.test("training batches: the seed decides", async () => {
  const first = (seed: number) => new TrainingBatches(madeUp(FRAMES), ALL, { batchSize: 8, seed }).next();
  assert.deepEqual(await first(1), await first(1));
  assert.notDeepEqual(await first(1), await first(2));
});

Deno.test("training batches: some are prepared ahead, no more", async () => {
  const source = madeUp(FRAMES);
  const batches = new TrainingBatches(source, ALL, { batchSize: 2, prefetch: 3 });
  assert.equal(source.reads, 0); // nothing before the first is asked for
  await batches.next();
  assert.equal(source.reads, 2 * (1 + 3));
});

Deno.test("training batches: an utterance that cannot be read fails the batch that needs it", async () => {
  const source = { ...madeUp(FRAMES), read: () => Promise.reject(new Error("Cannot use u3: frame 1 holds NaN")) };
  const batches = new TrainingBatches(source, ALL, { batchSize: 2 });
  await assert.rejects(batches.next(), { message: "Cannot use u3: frame 1 holds NaN" });
});

Deno.test("training batches: wrong sizes and places are refused", () => {
  const make = (indices: number[], batchSize: number) => new TrainingBatches(madeUp(FRAMES), indices, { batchSize });
  assert.throws(() => make([1, 2, 3], 8), {
    name: "RangeError",
    message:
      "Cannot make training batches of 8: there are only 3 utterances to train on; set the batch size to 3 or less",
  });
  assert.throws(() => make([], 8), { message: "Cannot make training batches: there are no utterances to train on" });
  assert.throws(() => make(ALL, 0), {
    message: "Cannot make training batches: batchSize is 0, wanted a whole number of at least 1",
  });
  const padded = (options: Partial<TrainingBatchOptions>) =>
    new TrainingBatches(madeUp(FRAMES), ALL, { batchSize: 2, ...options });
  assert.throws(() => padded({ pad: "left" as "end" }), {
    name: "RangeError",
    message: 'Cannot make training batches: pad is "left", wanted "end" or "center"',
  });
  assert.throws(() => padded({ padding: new Float32Array(3) }), {
    name: "TypeError",
    message: "Cannot make training batches: the padding has 3 values, but a frame has 1",
  });
  const state = make(ALL, 4).state;
  assert.throws(() => make([1, 2, 3, 4], 4).restore(state), {
    message: "Cannot resume: the run trained on 23 utterances, the data set has 4 now",
  });
  assert.throws(() => make(ALL, 4).restore({ ...state, seed: 1 }), {
    message: "Cannot resume: the run has the seed 1, but 0 is asked for",
  });
  assert.throws(() => make(ALL, 4).restore({ ...state, position: 24 }), {
    message: "Cannot resume: epoch 0, utterance 24 is no place in the data set",
  });
});
