/** WavLM as the trainer uses it, narrow enough for a test, on tones. */
import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { join } from "node:path";
import { classWeights, WavLMForXVector } from "../../nn/mod.ts";
import { checkTrainConfig } from "../../train/check_config.ts";
import { adoptInitial } from "../../train/init/adopt.ts";
import { loadInitial } from "../../train/init/load_initial.ts";
import { describeModel, modelToSave, parseFacts } from "../../train/model_facts.ts";
import { modelKinds } from "../../train/models/mod.ts";
import { loadModel } from "../../train/model_file.ts";
import { recipeNamed } from "../../train/recipes/mod.ts";
import { scheduleOf } from "../../train/schedules/from_config.ts";
import type { TrainConfig } from "../../train/train_config.ts";
import { swell, writeRecordings } from "../data/waveforms/recordings.ts";
import { forEachDevice } from "../devices.ts";
import { drawn } from "../gradcheck.ts";
import { withFolder } from "../tasks/run.ts";
import { runSmall, smallConfig } from "./small_run.ts";

/** Three convolutions instead of seven, a frame every 160 samples. */
const convolutions = { convDim: [8, 8, 8], convKernel: [10, 8, 4], convStride: [5, 8, 4] };

/** A short convolution of positions, and two time-delay layers instead of five. */
const positions = { numConvPosEmbeddings: 8, numConvPosEmbeddingGroups: 4 };
const layersAfter = { tdnnKernel: [5, 1], tdnnDilation: [1, 1] };

/** Two layers of 16 channels. */
const narrow: Partial<TrainConfig> = {
  ...{ model: "wavlm", features: "waveform", chunkSeconds: 0.4, device: "cpu", batchSize: 8, logSteps: 1 },
  ...{ dModel: 16, nHead: 2, numLayers: 2, dimFeedforward: 32, channels: [24, 24], embeddingDim: 12 },
  modelOptions: JSON.stringify({ ...convolutions, ...positions, ...layersAfter }),
};

/** A narrow model for such classes, and what its file would say. */
function build(classes: readonly string[], changes: Partial<TrainConfig> = {}) {
  const config = smallConfig({ ...narrow, ...changes });
  const description = describeModel(config, 1, classes);
  return { description, model: modelKinds.wavlm.build(description.options) };
}

Deno.test("WavLM of the published convolutions needs 4880 samples, and mixes padding where its norm is of groups (cpu)", () => {
  const published = { modelOptions: JSON.stringify({ convDim: [2, 2, 2, 2, 2, 2, 2] }), channels: [4, 4, 4, 4, 4] };
  const { model } = build(["a", "b"], published);
  deepStrictEqual([model.minFrames, model.mixesPadding], [4880, true]);
  const layer =
    build(["a"], { modelOptions: JSON.stringify({ ...convolutions, ...layersAfter, featExtractNorm: "layer" }) }).model;
  strictEqual(layer.mixesPadding, false);
});

Deno.test("a file's description of a WavLM comes back, and lists that are none of layers are refused (cpu)", () => {
  const { description } = build(["a", "b"]);
  const facts = { ...description, featureSettings: null, step: 1, accuracy: null };
  const read = (options: object) => {
    const { metadata } = modelToSave({}, { ...facts, options: { ...description.options, ...options } });
    return parseFacts("m.safetensors", { ...metadata });
  };
  deepStrictEqual(read({}).options, description.options);
  for (const convDim of [[0], [1.5], ["8"], {}, null, 8, Array.from({ length: 65 }, () => 8), [1e6]]) {
    throws(() => read({ convDim }), /Cannot load "m.safetensors": its description is damaged/, JSON.stringify(convDim));
  }
  throws(
    () => modelKinds.wavlm.build({ ...description.options, featExtractNorm: "batch" }),
    /featExtractNorm is "batch", expected "group" or "layer"/,
  );
  throws(
    () => modelKinds.wavlm.build({ ...description.options, numHiddenLayers: 0 }),
    /numHiddenLayers is 0, expected whole numbers of at least 1/,
  );
  throws(
    () => checkTrainConfig(smallConfig({ ...narrow, modelOptions: '{"convDim":[0]}' })),
    /"convDim" \[0\] is no option/,
  );
  throws(() => checkTrainConfig(smallConfig({ ...narrow, features: "hw4" })), /set features to waveform/);
});

forEachDevice("WavLM's scores are 30 times the cosines of its head, which has a column for each class", async () => {
  const { model } = build(["a", "b", "c"]);
  ok(model instanceof WavLMForXVector);
  model.eval();
  const waves = drawn(1, [2, 6400, 1]);
  const { cosine, embeddings } = model.outputs(waves);
  const [scores, vectors] = [await model.forward(waves).data(), await model.embed(waves).data()];
  (await cosine.data()).forEach((value, i) => ok(Math.abs(30 * value - scores[i]) < 1e-3));
  deepStrictEqual(vectors, await embeddings.data());
  deepStrictEqual([...classWeights(model.head)], [[model.objective.weight, 1]]);
  strictEqual(model.namedParameters().filter(([name]) => name.startsWith("head")).length, 0);
});

Deno.test("a WavLM starts from another: columns in the data's order, drawn anew for other classes (cpu)", async () => {
  const names = Array.from({ length: 12 }, (_, i) => `s${i}`); // as many as the embedding has numbers: rows are no columns
  const from = build(names), arrays = await from.model.stateArrays();
  const facts = { ...from.description, featureSettings: null, step: 7, accuracy: null };
  const initial = { path: join("runs", "a"), facts, arrays, sha256: "" };
  const data = { featureSettings: null, channels: 1 };
  const start = async (classes: readonly string[]) => {
    const { model, description } = build(classes);
    const drawnAnew = (await model.stateArrays())["objective.weight"].data;
    const [line] = loadInitial(model, { initial, target: description, data });
    return { line, drawnAnew, state: await model.stateArrays() };
  };
  const reversed = await start(names.toReversed());
  ok(reversed.line.includes("its head's classes put into the data's order"), reversed.line);
  const [old, now] = [arrays["objective.weight"].data, reversed.state["objective.weight"].data];
  for (let i = 0; i < 144; i++) strictEqual(now[i], old[Math.floor(i / 12) * 12 + 11 - i % 12]);
  deepStrictEqual(reversed.state["classifier.weight"], arrays["classifier.weight"]);
  const other = await start(["s0", "s1", "x"]);
  ok(other.line.includes("head drawn anew for 3 classes"), other.line);
  deepStrictEqual(other.state["objective.weight"].data, other.drawnAnew);
  deepStrictEqual(other.state["projector.weight"], arrays["projector.weight"]);
});

/** The recipe with a narrow model, on three speakers that differ in pitch. */
async function recipeIn(folder: string, changes: Partial<TrainConfig>): Promise<TrainConfig> {
  const entries = [200, 700, 2000].flatMap((pitch, i) =>
    Array.from({ length: 8 }, (_, k) => [`s${i}/${k}`, swell(0.5 + k / 20, pitch + 3 * k)] as const)
  );
  await writeRecordings(join(folder, "data"), Object.fromEntries(entries));
  const places = { data: join(folder, "data"), out: join(folder, "run") };
  return { ...recipeNamed("wavlm").config, ...narrow, ...places, ...changes };
}

Deno.test("wavlm is the write-up's: 3 s, AM-softmax 30 / 0.4, 30 epochs under a cosine, frozen convolutions", () => {
  const { config } = recipeNamed("wavlm");
  const schedule = scheduleOf(config, 100);
  const rates = [0, 99, 100, 2999].map((step) => schedule.lrAt(step));
  deepStrictEqual(rates, [0, 0, 1, 29].map((epoch) => 1e-5 * 0.5 * (1 + Math.cos(Math.PI * epoch / 30))));
  deepStrictEqual([config.epochs, config.validSteps, config.patience, config.batchSize], [30, 1, 5, 32]);
  deepStrictEqual([config.loss, config.margin, config.scale, config.chunkSeconds], ["am-softmax", 0.4, 30, 3]);
  deepStrictEqual([config.features, config.freeze], ["waveform", ["*.feature_extractor.*"]]);
  checkTrainConfig(config);
});

forEachDevice("wavlm trains a narrow model, which learns, and its file gives it back", async (device) => {
  await withFolder(async (folder) => {
    // from random weights the margin has to rise, and the convolutions to learn
    const start = { epochs: 40, marginSteps: 20, lr: 0.003, gradClip: 5, freeze: [], validFraction: 0.25 };
    const run = await runSmall(device, await recipeIn(folder, { ...start, validSteps: 10 }));
    ok(run.bestAccuracy > 0.6, `${run.bestAccuracy}`);
    const { model, featureSettings, classes } = await loadModel(join(folder, "run"));
    ok(model instanceof WavLMForXVector && model.wavlm.config.convDim[0] === 8);
    deepStrictEqual([featureSettings?.kind, classes], ["waveform", ["s0", "s1", "s2"]]);
  });
});

forEachDevice(
  "a run of wavlm that was stopped goes on as if it had not been, and keeps what is frozen",
  async (device) => {
    await withFolder(async (folder) => {
      const config = await recipeIn(folder, { epochs: 2, lr: 0.005 });
      const whole = await runSmall(device, { ...config, out: join(folder, "whole") });
      await runSmall(device, config, { stopAt: 3 });
      const parts = await runSmall(device, config, { resume: true });
      deepStrictEqual(parts.rows, whole.rows);
      ok(whole.lines.some((line) => line.includes("wavlm.feature_extractor")), whole.lines.join("; "));
      const [a, b] = await Promise.all(
        ["whole", "run"].map(async (name) => (await loadModel(join(folder, name))).model),
      );
      deepStrictEqual((await a.stateArrays())["projector.weight"], (await b.stateArrays())["projector.weight"]);
    });
  },
);

Deno.test("a WavLM starts from the encoder of another kind, and the reverse (cpu)", async () => {
  const wideEncoder = smallConfig({
    ...{ ...narrow, model: "wavlm-encoder", dModel: 24, nHead: 3, embeddingDim: 5, loss: "cross-entropy" },
    modelOptions: JSON.stringify({ ...convolutions, ...positions, numBuckets: 16 }),
  });
  const wide = {
    ...narrow,
    dModel: 24,
    nHead: 3,
    modelOptions: JSON.stringify({ ...convolutions, ...positions, ...layersAfter }),
  };
  const kinds = [[wideEncoder, narrow, "encoder.", "wavlm."], [
    smallConfig(wide),
    { ...narrow, model: "wavlm-encoder", loss: "cross-entropy" },
    "wavlm.",
    "encoder.",
  ]] as const;
  for (const [from, own, theirs, ours] of kinds) {
    const description = describeModel(from, 1, ["x", "y"]), first = modelKinds[from.model].build(description.options);
    const arrays = await first.stateArrays();
    const facts = { ...description, featureSettings: null, step: 7, accuracy: null };
    const initial = { path: "runs/a", facts, arrays, sha256: "" };
    const target: TrainConfig = smallConfig({
      ...own,
      modelOptions: from === wideEncoder ? JSON.stringify(layersAfter) : "",
    });
    const asked = { has: () => false, nameOf: (key: string) => key, recipe: true };
    const { config } = adoptInitial(target, { initial, asked });
    strictEqual(config.model, own.model);
    const made = describeModel(config, 1, ["a", "b", "c"]), model = modelKinds[config.model].build(made.options);
    const [line] = loadInitial(model, { initial, target: made, data: { featureSettings: null, channels: 1 } });
    ok(line.includes("head drawn anew for 3 classes"), line);
    const state = await model.stateArrays();
    const encoder = Object.keys(state).filter((name) => name.startsWith(ours));
    ok(encoder.length > 20);
    for (const name of encoder) deepStrictEqual(state[name], arrays[theirs + name.slice(ours.length)], name);
  }
});
