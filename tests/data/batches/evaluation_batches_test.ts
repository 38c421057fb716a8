import assert from "node:assert/strict";
import type { Batch } from "../../../data/batches/batch.ts";
import { evaluationBatches, type EvaluationBatchOptions } from "../../../data/batches/evaluation_batches.ts";
import { evenStarts } from "../../../data/batches/cuts.ts";
import { madeUp } from "./made_up.ts";

const FRAMES = Array.from({ length: 23 }, (_, i) => 3 + (i * 7) % 20);

function all(options?: EvaluationBatchOptions, indices?: number[]): Promise<Batch[]> {
  return Array.fromAsync(evaluationBatches(madeUp(FRAMES), indices, options));
}

Deno.test("evaluation batches: every utterance whole and once, the last batch kept", async () => {
  const batches = await all({ batchSize: 5 });
  assert.deepEqual(batches.map(({ batch }) => batch), [5, 5, 5, 5, 3]);
  const seen = batches.flatMap(({ indices }) => [...indices]);
  assert.deepEqual(seen.toSorted((a, b) => a - b), FRAMES.map((_, i) => i));
  for (const { indices, lengths, labels, features, time } of batches) {
    assert.equal(time, Math.max(...lengths));
    indices.forEach((index, row) => {
      assert.equal(lengths[row], FRAMES[index]);
      assert.equal(labels[row], index % 3);
      const expected = Array.from({ length: time }, (_, t) => t < FRAMES[index] ? index * 1000 + t : -20);
      assert.deepEqual([...features.subarray(row * time, (row + 1) * time)], expected);
    });
  }
  assert.deepEqual(await all({ batchSize: 5 }), batches);
});

Deno.test("evaluation batches: similar lengths come together", async () => {
  const batches = await all({ batchSize: 5 });
  const padded = batches.reduce((sum, { batch, time }) => sum + batch * time, 0);
  const frames = FRAMES.reduce((a, b) => a + b);
  assert.ok(padded / frames < 1.3, `${padded / frames}`);
});

Deno.test("evaluation batches: frames a batch are bounded, one long utterance excepted", async () => {
  const batches = await all({ maxFrames: 20 });
  for (const { batch, time } of batches) assert.ok(batch * time <= 20 || batch === 1);
  assert.equal(batches.reduce((sum, { batch }) => sum + batch, 0), 23);
  assert.ok(batches.some(({ batch, time }) => batch === 1 && time > 20));
});

Deno.test("evaluation batches: centre crops", async () => {
  const [batch] = await all({ mode: "center", segmentLength: 4 }, [0, 1]); // 3 and 10 frames
  assert.deepEqual([...batch.indices], [1, 0]);
  assert.deepEqual([...batch.lengths], [4, 3]);
  assert.deepEqual([...batch.features], [1003, 1004, 1005, 1006, 0, 1, 2, -20]);
});

Deno.test("evaluation batches: time rounded up, padding value, no utterances", async () => {
  const [batch] = await all({ timeMultiple: 16, padding: 0 }, [0]);
  assert.equal(batch.time, 16);
  assert.deepEqual([...batch.features.subarray(3)], Array(13).fill(0));
  assert.deepEqual(await all({}, []), []);
  await assert.rejects(all({ batchSize: 0 }), {
    message: "Cannot make evaluation batches: batchSize is 0, wanted a whole number of at least 1",
  });
});

Deno.test("evaluation batches: crops at even distances, the first and the last frame included, fewer of short ones", async () => {
  const batches = await all({ mode: "center", segmentLength: 4, crops: 3, batchSize: 3 }, [0, 1]); // 3 and 10 frames
  assert.deepEqual(batches.map(({ indices }) => [...indices]), [[1, 1, 1], [0]]);
  assert.deepEqual([...batches[0].features], [1000, 1001, 1002, 1003, 1003, 1004, 1005, 1006, 1006, 1007, 1008, 1009]);
  assert.deepEqual([...batches[1].labels, ...batches[1].lengths, batches[1].time], [0, 3, 3]);
  assert.deepEqual(evenStarts(6, 4, 9), [0, 1, 2]);
  assert.deepEqual(evenStarts(7, 4, 1), [1]);
  assert.deepEqual(evenStarts(4, 4, 5), [0]);
});

Deno.test("evaluation batches: a fixed number of frames, short utterances before silence or in the middle of it", async () => {
  const fixed = { mode: "center", segmentLength: 6, fixedTime: true, timeMultiple: 16 } as const;
  const [end] = await all({ ...fixed, padding: -3 }, [0]);
  assert.deepEqual([end.time, ...end.lengths, ...end.features], [6, 3, 0, 1, 2, -3, -3, -3]);
  const centered = await all({ ...fixed, pad: "center", batchSize: 5 });
  for (const { time, lengths } of centered) assert.ok(time === 6 && lengths.every((length) => length === 6));
  const [middle] = await all({ mode: "center", segmentLength: 6, pad: "center" }, [0]);
  assert.deepEqual([...middle.lengths, ...middle.features], [6, -20, 0, 1, 2, -20, -20]);
});

Deno.test("evaluation batches: padding for each channel", async () => {
  const options = { mode: "center", segmentLength: 2, pad: "center", padding: Float32Array.of(7, 8) } as const;
  const [{ features }] = await Array.fromAsync(evaluationBatches(madeUp([1], 2), [0], options));
  assert.deepEqual([...features], [0, 0, 7, 8]);
  await assert.rejects(all(options), {
    name: "TypeError",
    message: "Cannot make evaluation batches: the padding has 2 values, but a frame has 1",
  });
});

Deno.test("evaluation batches: what does not go with whole utterances is refused", async () => {
  const whole = "Cannot make evaluation batches of whole utterances:";
  await assert.rejects(all({ crops: 2 }), {
    name: "RangeError",
    message: `${whole} crops is 2; set mode to "center"`,
  });
  await assert.rejects(all({ pad: "center" }), { message: `${whole} pad is "center"; set mode to "center"` });
  await assert.rejects(all({ fixedTime: true }), { message: `${whole} fixedTime is set; set mode to "center"` });
  await assert.rejects(all({ mode: "center", pad: "center", fixedTime: false }), {
    message: 'Cannot make evaluation batches: pad is "center", which needs fixedTime',
  });
});

Deno.test("evaluation batches: utterances of one length alone, without padding", async () => {
  const batches = await all({ equalLengths: true, batchSize: 3 });
  for (const { time, lengths, batch } of batches) assert.ok(lengths.every((length) => length === time) && batch <= 3);
  assert.ok(batches.some(({ batch }) => batch > 1));
  const seen = batches.flatMap(({ indices }) => [...indices]);
  assert.deepEqual(seen.toSorted((a, b) => a - b), FRAMES.map((_, i) => i));
  await assert.rejects(all({ equalLengths: true, timeMultiple: 16 }), {
    message: "Cannot make evaluation batches of equal lengths: timeMultiple is 16, which pads; set it to 1",
  });
});

Deno.test("evaluation batches: equal windows of what is longer than one may be", async () => {
  const [batch] = await all({ windowFrames: 4 }, [0, 1]); // 3 and 10 frames
  assert.deepEqual([[...batch.indices], [...batch.lengths]], [[1, 0, 1, 1], [4, 3, 3, 3]]);
  const windows = [...batch.indices].flatMap((index, row) =>
    index === 1 ? [...batch.features.subarray(row * 4, row * 4 + batch.lengths[row])] : []
  );
  assert.deepEqual(windows.toSorted((a, b) => a - b), Array.from({ length: 10 }, (_, t) => 1000 + t));
  await assert.rejects(all({ windowFrames: 0 }), { message: /windowFrames is 0, wanted at least 1$/ });
});
