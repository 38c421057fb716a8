/** wavlm-encoder, wav2vec2-encoder and hubert-encoder as the trainer uses them, narrow enough for a test, on tones. */
import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { join } from "node:path";
import { SpeechEncoderClassifier } from "../../nn/mod.ts";
import { manualSeed } from "../../tensor/mod.ts";
import { describeModel, modelToSave, parseFacts } from "../../train/model_facts.ts";
import { loadModel } from "../../train/model_file.ts";
import { modelKinds } from "../../train/models/mod.ts";
import type { ModelName, TrainConfig } from "../../train/train_config.ts";
import { Embedder } from "../../train/verification/embedder.ts";
import { swell, writeRecordings } from "../data/waveforms/recordings.ts";
import { forEachDevice } from "../devices.ts";
import { drawn } from "../gradcheck.ts";
import { assertBlindToBatchMates } from "../nn/batch_mates.ts";
import { assertClose } from "../nn/close.ts";
import { withFolder } from "../tasks/run.ts";
import { runSmall, smallConfig } from "./small_run.ts";

const kinds = ["wavlm-encoder", "wav2vec2-encoder", "hubert-encoder"] as const satisfies readonly ModelName[];

/** Three convolutions instead of seven, a frame every 160 samples. */
const convolutions = { convDim: [8, 8, 8], convKernel: [10, 8, 4], convStride: [5, 8, 4] };
const positions = { numConvPosEmbeddings: 8, numConvPosEmbeddingGroups: 4 };

/** Two layers of 16 channels. */
const narrow: Partial<TrainConfig> = {
  ...{ features: "waveform", chunkSeconds: 0.4, device: "cpu", batchSize: 8, logSteps: 1, head: "linear" },
  ...{ dModel: 16, nHead: 2, numLayers: 2, dimFeedforward: 32, loss: "cross-entropy" },
};

function build(model: ModelName, options: object = {}, changes: Partial<TrainConfig> = {}) {
  const modelOptions = JSON.stringify({ ...convolutions, ...positions, ...options });
  const description = describeModel(smallConfig({ ...narrow, model, modelOptions, ...changes }), 1, ["a", "b", "c"]);
  const built = modelKinds[model].build(description.options);
  ok(built instanceof SpeechEncoderClassifier);
  const classifier: SpeechEncoderClassifier = built;
  return { description, model: classifier };
}

forEachDevice(
  "an encoder's embedding is the mean of its last frames, or of all states weighed, or of their map",
  async () => {
    const waves = drawn(1, [2, 6400, 1]);
    for (const kind of kinds) {
      const { model } = build(kind, { useWeightedLayerSum: false });
      model.eval();
      const { hiddenStates } = model.encoder.forward(waves);
      strictEqual(model.layer_weights, null);
      await assertClose(model.embed(waves), hiddenStates[2].mean(1), 1e-5, kind);
      await assertClose(model.forward(waves), model.head.forward(hiddenStates[2].mean(1)), 1e-5, kind);
    }
    const { model } = build("hubert-encoder", {}, { embeddingDim: 5 });
    model.eval();
    const states = model.encoder.forward(waves).hiddenStates;
    const mean = states.reduce((a, b) => a.add(b)).div(3).mean(1); // weights are equal at first
    await assertClose(model.embed(waves), model.projector!.forward(mean));
    deepStrictEqual([...model.embed(waves).shape], [2, 5]);
  },
);

forEachDevice("with norms over channels an encoder's scores do not depend on who shares a batch", async () => {
  manualSeed(4);
  for (const kind of kinds) {
    const { model } = build(kind, { featExtractNorm: "layer" });
    strictEqual(model.mixesPadding, false);
    await assertBlindToBatchMates(model, { channels: 1, lengths: [900], padding: 0.5, mateLength: 200 });
  }
});

Deno.test("encoders of the published convolutions need 400 samples, and mix padding where their norm is of groups (cpu)", () => {
  for (const kind of kinds) {
    const seven = { convKernel: [10, 3, 3, 3, 3, 2, 2], convStride: [5, 2, 2, 2, 2, 2, 2], convDim: Array(7).fill(2) };
    const { model } = build(kind, seven);
    deepStrictEqual([model.minFrames, model.mixesPadding], [400, true]);
    throws(() => model.embed(drawn(1, [1, 399, 1])), /Cannot encode \[1, 399, 1\].*at least 400 samples/);
  }
});

Deno.test("a file's description of an encoder comes back, and one that makes no network is refused (cpu)", () => {
  for (const kind of kinds) {
    const { description } = build(kind, {}, { embeddingDim: 6 });
    const facts = { ...description, featureSettings: null, step: 1, accuracy: null };
    const { metadata } = modelToSave({}, facts);
    deepStrictEqual(parseFacts("m.safetensors", { ...metadata }).options, description.options);
    const { dModel, embeddingDim, normFirst } = modelKinds[kind].keysOf(description.options);
    deepStrictEqual([dModel, embeddingDim, normFirst], [16, 6, false]);
    throws(
      () => modelKinds[kind].build({ ...description.options, hiddenSize: 18, numAttentionHeads: 4 }),
      /numAttentionHeads 4 does not divide hiddenSize 18/,
    );
    throws(
      () => modelKinds[kind].build({ ...description.options, classes: -1 }),
      /classes is -1, expected whole numbers/,
    );
  }
});

forEachDevice("an encoder that is frozen trains its head on recordings, and its file embeds", async (device) => {
  await withFolder(async (folder) => {
    const waves: Record<string, Float32Array> = {};
    for (let i = 0; i < 8; i++) {
      waves[`low/${i}`] = swell(0.5 + i / 20, 200 + i);
      waves[`high/${i}`] = swell(0.5 + i / 20, 2000 + i);
    }
    await writeRecordings(join(folder, "data"), waves);
    const out = join(folder, "run"), modelOptions = JSON.stringify({ ...convolutions, ...positions });
    const steps = { totalSteps: 12, validSteps: 12, saveSteps: 12, lr: 0.05, warmupSteps: 1 };
    const config = { ...narrow, ...steps, model: "wav2vec2-encoder", modelOptions, freeze: ["encoder.*"] } as const;
    const run = await runSmall(device, { ...config, data: join(folder, "data"), out });
    strictEqual(run.bestAccuracy, 1);
    const loaded = await loadModel(out), embedder = new Embedder(loaded);
    strictEqual(loaded.architecture, "wav2vec2-encoder");
    const [a, b] = await embedder.embed([swell(0.7, 210), swell(0.5, 210)]);
    const alone = await embedder.embed([swell(0.5, 210)]);
    deepStrictEqual([a.length, b.length], [16, 16]);
    ok(b.every((value, i) => Math.abs(value - alone[0][i]) < 1e-5), "who shares a batch does not matter");
  });
});
