/** Embeddings of waveforms: by any model, of any length, alone or in company. @module */
import { deepStrictEqual, notStrictEqual, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { modelFromBytes } from "../../../train/model_from_bytes.ts";
import type { TrainConfig } from "../../../train/train_config.ts";
import { Embedder, UnusableWave } from "../../../train/verification/embedder.ts";
import { dot, meanDirection } from "../../../train/verification/vectors.ts";
import { forEachDevice } from "../../devices.ts";
import { sampleRate, tinyModel, tinyModelBytes, voice } from "./tiny_model.ts";

/** One of each kind of model that looks at recordings in its own way. */
const kinds: readonly Partial<TrainConfig>[] = [
  { model: "transformer" },
  { model: "conformer", attention: "linformer", linformerRank: 4, maxTime: 64, subsampling: "conv", convKernel: 5 },
  { model: "sound-small", head: "linear", segmentLength: 32 },
  { model: "ecapa", head: "linear", channels: [8, 8, 8, 24], embeddingDim: 8, attentionChannels: 4, res2netScale: 4 },
];

function furthest(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0);
}

forEachDevice("an embedding has length 1 and does not depend on the others that are embedded with it", async () => {
  const waves = [0.3, 2.1, 0.9, 0.31, 4, 0.05].map((seconds, i) => voice(100 + 30 * i, seconds, i + 1));
  for (const config of kinds) {
    const embedder = new Embedder(await tinyModel({ config }), { windowSeconds: 1.5, batchSize: 4 });
    strictEqual(embedder.sampleRate, sampleRate);
    const together = await embedder.embed(waves);
    strictEqual(together.length, waves.length);
    for (const [i, wave] of waves.entries()) {
      const [alone] = await embedder.embed([wave]);
      strictEqual(alone.length, embedder.dim);
      ok(Math.abs(dot(alone, alone) - 1) < 1e-5);
      ok(furthest(alone, together[i]) < 1e-4, `${config.model}, ${i}: ${furthest(alone, together[i])}`);
    }
    ok(furthest(together[0], together[4]) > 1e-3, "different waveforms have different embeddings");
  }
});

Deno.test("a long recording is the mean direction of its equal windows", async () => {
  const embedder = new Embedder(await tinyModel(), { windowSeconds: 1 });
  const wave = voice(120, 2.4);
  const edges = [0, 1, 2, 3].map((i) => Math.round(i * wave.length / 3));
  const windows = await embedder.embed([0, 1, 2].map((i) => wave.subarray(edges[i], edges[i + 1])));
  const [whole] = await embedder.embed([wave]);
  ok(furthest(whole, meanDirection(windows)) < 1e-5);
  const [unbroken] = await new Embedder(await tinyModel()).embed([wave]);
  ok(furthest(whole, unbroken) > 1e-4, "in one window it is another one");
});

Deno.test("silent windows of a long recording have no part in its embedding", async () => {
  const embedder = new Embedder(await tinyModel(), { windowSeconds: 1 });
  const speech = voice(120, 1), padded = new Float32Array(3 * speech.length);
  padded.set(speech, speech.length);
  deepStrictEqual(await embedder.embed([padded]), await embedder.embed([speech]));
});

Deno.test("a model that looks at clips of one length sees all of a longer recording", async () => {
  const embedder = new Embedder(await tinyModel({ config: kinds[2] }));
  const [wave, other] = [voice(120, 2), voice(300, 2)]; // a clip has 0.64 s
  const [whole] = await embedder.embed([wave]);
  for (const [from, to] of [[0, 0.3], [1.7, 2]].map((edges) => edges.map((t) => t * sampleRate))) {
    const changed = wave.slice();
    changed.set(other.subarray(from, to), from);
    ok(furthest(whole, (await embedder.embed([changed]))[0]) > 1e-3);
  }
});

Deno.test("a Linformer's recordings are cut so that it can take them", async () => {
  const embedder = new Embedder(await tinyModel({ config: kinds[1] }));
  const windows = embedder.prepare(voice(100, 10));
  ok(windows.length > 1 && windows.every(({ frames }) => frames <= 64));
});

Deno.test("prepared recordings of several callers can share a batch", async () => {
  const embedder = new Embedder(await tinyModel());
  const waves = [voice(100, 0.5), voice(200, 0.7)];
  deepStrictEqual(
    await embedder.embedFeatures(waves.map((wave) => embedder.prepare(wave))),
    await embedder.embed(waves),
  );
  deepStrictEqual(await embedder.embed([]), []);
});

Deno.test("waveforms that tell nothing are refused, with a reason that callers can tell", async () => {
  const embedder = new Embedder(await tinyModel());
  const refused = (wave: Float32Array, reason: UnusableWave["reason"], message: string) =>
    throws(() => embedder.prepare(wave), (error: unknown) => {
      ok(error instanceof UnusableWave);
      deepStrictEqual([error.reason, error.message], [reason, message]);
      return true;
    });
  const short = "Cannot embed the recording: it is 20 ms long, wanted at least 40 ms";
  refused(new Float32Array(160).fill(0.5), "short", short);
  refused(new Float32Array(0), "short", short.replace("20", "0"));
  refused(new Float32Array(8000).fill(2 ** -15), "silent", "Cannot embed the recording: it is silent");
  refused(voice(100, 1).fill(NaN, 7, 8), "not finite", "Cannot embed the recording: sample 7 is NaN");
  refused(
    voice(100, 1).fill(2 ** 99, 7, 8),
    "not finite",
    `Cannot embed the recording: sample 7 is ${2 ** 99}, far beyond full scale, which is 1`,
  );
  await rejects(embedder.embed([voice(100, 1), new Float32Array(8000)]), UnusableWave);
});

Deno.test("models that cannot embed recordings, and options that cannot be, are refused", async () => {
  const unknowing = await tinyModel({ knowsFeatures: false });
  throws(() => new Embedder(unknowing), /^Error: Cannot embed recordings: .* settings are not known; train on/);
  const loaded = await tinyModel();
  throws(() => new Embedder(loaded, { windowSeconds: NaN }), /Cannot embed windows of NaN s: wanted 0.1 to 3600/);
  throws(() => new Embedder(loaded, { batchSize: 0 }), /Cannot embed in batches of 0/);
  const bytes = await tinyModelBytes();
  bytes.fill(0xff, bytes.length - 3000);
  const damaged = new Embedder(await modelFromBytes(bytes, "damaged.safetensors"));
  await rejects(damaged.embed([voice(100, 1)]), /its weights are damaged$/);
});

Deno.test("a model from bytes has the digest of its file as id, and errors call it by name", async () => {
  const bytes = await tinyModelBytes();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  const { id, classes } = await modelFromBytes(bytes, "a.safetensors");
  strictEqual(id, digest);
  deepStrictEqual(classes, ["anna", "ben", "carl"]);
  notStrictEqual((await tinyModel({ seed: 2 })).id, id);
  await rejects(modelFromBytes(bytes.subarray(0, 900), "a.safetensors"), /^SyntaxError: Cannot read "a.safetensors": /);
});
