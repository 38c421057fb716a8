/** Models that listen to samples: batches, lengths, windows, and what does not go together. @module */
import { deepStrictEqual, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { join } from "node:path";
import { featurePresets } from "../../data/features/mod.ts";
import { Screen } from "../../train/progress.ts";
import { batchRulesOf } from "../../train/batch_rules.ts";
import { checkTrainConfig } from "../../train/check_config.ts";
import { checkLengths, shortFault } from "../../train/least_length.ts";
import { readForModel, type Skipped } from "../../train/model_recordings.ts";
import { scoreUtterances } from "../../train/scoring.ts";
import { embedRecordings } from "../../train/verification/embed_recordings.ts";
import { Embedder, UnusableWave } from "../../train/verification/embedder.ts";
import { meanDirection } from "../../train/verification/vectors.ts";
import { swell, writeRecordings } from "../data/waveforms/recordings.ts";
import { forEachDevice } from "../devices.ts";
import { withFolder } from "../tasks/run.ts";
import { type ListenerOptions, loadedListener } from "./listener.ts";
import { smallConfig } from "./small_run.ts";

const lengths = [0.5, 0.2, 0.5, 0.31, 0.2003], waves = lengths.map((seconds, i) => swell(seconds, 200 + 90 * i));

function furthest(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0);
}

/** The greatest difference between embeddings of waveforms together and alone. */
async function influence(options: ListenerOptions): Promise<number> {
  const embedder = new Embedder(loadedListener(options)), together = await embedder.embed(waves);
  let most = 0;
  for (const [i, wave] of waves.entries()) {
    most = Math.max(most, furthest(together[i], (await embedder.embed([wave]))[0]));
  }
  return most;
}

forEachDevice("embeddings of a model that mixes padding in do not depend on who is embedded with them", async () => {
  ok(await influence({}) < 1e-6, `${await influence({})}`);
  ok(await influence({ mixesPadding: false }) > 1e-4, "this model does mix it in");
});

/** Scores by place. */
async function scores(indices: readonly number[], windowed = waves): Promise<Map<number, Float32Array>> {
  const { model, viewing, featureSettings } = loadedListener();
  const utterances = windowed.map((wave, i) => ({ id: `${i}`, path: `${i}`, frames: wave.length, label: 0 }));
  const read = (i: number) => Promise.resolve({ data: windowed[i], frames: windowed[i].length });
  const found = new Map<number, Float32Array>();
  const options = { viewing, featureSettings, indices };
  for await (const { index, logits } of scoreUtterances(model, { utterances, channels: 1, read }, options)) {
    found.set(index, logits);
  }
  return found;
}

forEachDevice("nor do scores, and what is longer than a window has the mean of its windows' scores", async () => {
  const together = await scores(waves.keys().toArray());
  for (const i of waves.keys()) ok(furthest(together.get(i)!, (await scores([i])).get(i)!) < 1e-6);
  const long = swell(45), parts = [0, 1, 2].map((i) => long.subarray(i * 240_000, (i + 1) * 240_000));
  const [whole, pieces] = [await scores([0], [long]), await scores([0, 1, 2], parts)];
  const mean = whole.get(0)!.map((_, c) => [0, 1, 2].reduce((sum, i) => sum + pieces.get(i)![c], 0) / 3);
  ok(furthest(whole.get(0)!, mean) < 1e-5);
});

Deno.test("a long waveform is the mean direction of windows of at most 20 s, however long windows may be", async () => {
  const embedder = new Embedder(loadedListener(), { windowSeconds: 3600 }), wave = swell(45);
  const windows = embedder.prepare(wave);
  deepStrictEqual(windows.map(({ frames }) => frames), [240_000, 240_000, 240_000]);
  ok(windows[0].data.buffer === wave.buffer, "windows are parts of the wave, not copies");
  const parts = await embedder.embed(windows.map(({ data }) => data));
  ok(furthest((await embedder.embed([wave]))[0], meanDirection(parts)) < 1e-5);
  const { maxFrames, windowFrames } = batchRulesOf({}, featurePresets.waveform);
  deepStrictEqual([maxFrames, windowFrames], [320_000, 320_000]);
  strictEqual(batchRulesOf({}, featurePresets.hw4).windowFrames, Infinity);
});

const FAULT = "it has 399 samples (0.0249 s), the model needs 400 (0.025 s)";

Deno.test("what is too short for a model is refused, or left out, with its length and what is wanted", async () => {
  const loaded = loadedListener(), embedder = new Embedder(loaded), short = swell(1).subarray(0, 399);
  throws(() => embedder.prepare(short, { name: "a.wav" }), (error: unknown) => {
    ok(error instanceof UnusableWave);
    deepStrictEqual([error.reason, error.message], ["short", `Cannot embed "a.wav": ${FAULT}`]);
    return true;
  });
  strictEqual(embedder.prepare(swell(1).subarray(0, 400)).length, 1);
  await rejects(scores([0], [short]), { message: `Cannot score "0": ${FAULT}` });
  strictEqual(shortFault(4, { minFrames: 15 }, featurePresets.hw4), "it has 4 frames, the model needs 15");
  strictEqual(shortFault(4, {}, null), null);
  throws(() => new Embedder(loadedListener({ minFrames: 4880 }), { windowSeconds: 0.5 }), {
    name: "RangeError",
    message: "Cannot embed windows of 0.5 s, some of which are half as long: it has 4000 samples (0.25 s), the model " +
      "needs 4880 (0.305 s)",
  });
  await withFolder(async (folder) => {
    await writeRecordings(folder, { good: swell(0.2), short });
    const screen = new Screen({ writeOut: () => {}, writeErr: () => {} }), skipped: Skipped[] = [];
    const recordings = ["good", "short"].map((id) => ({ id, name: id, path: join(folder, `${id}.wav`), label: -1 }));
    const wanted = `${JSON.stringify(recordings[1].path)}: ${FAULT}`;
    const { utterances } = await readForModel(loaded, recordings, { verb: "predict", screen, skipped });
    deepStrictEqual(utterances.map(({ id }) => id), ["good"]);
    const [good, none] = await embedRecordings(embedder, recordings, { screen, skipped });
    ok(good !== null && none === null);
    deepStrictEqual(skipped.map(({ reason }) => reason), [`Cannot use ${wanted}`, `Cannot embed ${wanted}`]);
  });
});

Deno.test("training refuses utterances, chunks and crops that are too short for the model, before it begins", () => {
  const utterances = [500, 399].map((frames, i) => ({ id: `${i}`, path: `${i}.wav`, frames, label: 0 }));
  const check = (changes: Parameters<typeof smallConfig>[0], part: { train: number[]; valid: number[] }) => () => {
    const config = smallConfig({ features: "waveform", segmentLength: 400, ...changes });
    checkLengths({ minFrames: 400 }, config, { utterances, featureSettings: featurePresets.waveform, ...part });
  };
  throws(check({}, { train: [0, 1], valid: [] }), { message: `Cannot train on "1.wav": ${FAULT}; remove it` });
  throws(check({}, { train: [0], valid: [1] }), { message: `Cannot train on "1.wav": ${FAULT}; remove it` });
  check({}, { train: [0], valid: [] })();
  check({ chunkSeconds: 1, validChunk: "first" }, { train: [1], valid: [1] })();
  throws(check({ chunkSeconds: 1 }, { train: [1], valid: [1] }), { message: /^Cannot train on "1.wav"/ });
  throws(check({ segmentLength: 399 }, { train: [0], valid: [] }), {
    name: "RangeError",
    message: `Cannot train with segmentLength 399: ${FAULT.replace("it has", "that is")}`,
  });
  throws(check({ chunkSeconds: 0.02 }, { train: [0], valid: [] }), {
    message: "Cannot train with chunks of 0.02 s: that is 320 samples (0.02 s), the model needs 400 (0.025 s)",
  });
});

Deno.test("models of frames are not trained on samples", () => {
  throws(() => checkTrainConfig(smallConfig({ features: "waveform" })), {
    name: "RangeError",
    message: 'Cannot train "transformer" on features "waveform": it takes frames of features; set features to hw4',
  });
});
