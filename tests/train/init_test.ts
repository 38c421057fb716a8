/** Runs that start from a trained model. @module */
import { deepStrictEqual, match, notDeepStrictEqual, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readSafetensors, readTorchFile, writeSafetensors } from "../../data/files/mod.ts";
import type { Module } from "../../nn/mod.ts";
import { manualSeed } from "../../tensor/mod.ts";
import { adoptInitial, type Asked } from "../../train/init/adopt.ts";
import { type InitialModel, readInitialModel } from "../../train/init/initial_model.ts";
import { loadInitial } from "../../train/init/load_initial.ts";
import { describeModel, type ModelFacts, modelToSave } from "../../train/model_facts.ts";
import { loadModel } from "../../train/model_file.ts";
import { modelKinds } from "../../train/models/mod.ts";
import { resolveConfig } from "../../train/resolve_config.ts";
import type { TrainConfig } from "../../train/train_config.ts";
import { forEachDevice } from "../devices.ts";
import { withFolder } from "../tasks/run.ts";
import { channels, runSmall, smallConfig, withData } from "./small_run.ts";

const checkpoint = fileURLToPath(new URL("../fixtures/init/lightning_classifier.ckpt", import.meta.url));

const arraysOf = async (model: Module) =>
  Object.fromEntries(
    Object.entries(await model.stateArrays()).map(([name, { shape, data }]) => [name, { shape: [...shape], data }]),
  );

/** A model of a config with fresh weights, and what its file would say. */
function modelOf(changes: Partial<TrainConfig>, classes: readonly string[], seed = 1) {
  const config = smallConfig(changes);
  const description = describeModel(config, channels, classes);
  manualSeed(seed);
  const model = modelKinds[config.model].build(description.options);
  const facts: ModelFacts = { ...description, featureSettings: null, step: 7, accuracy: 0.5 };
  return { config, model, facts };
}

/** A model as one to start from. */
async function initialOf(changes: Partial<TrainConfig>, classes: readonly string[]): Promise<InitialModel> {
  const { model, facts } = modelOf(changes, classes);
  return { path: "runs/first", facts, arrays: await arraysOf(model), sha256: "" };
}

/** Loads it into a fresh model. */
async function loaded(initial: InitialModel, changes: Partial<TrainConfig>, classes: readonly string[]) {
  const { model, facts } = modelOf(changes, classes, 2);
  const before = await arraysOf(model);
  const lines = loadInitial(model, { initial, target: facts, data: { featureSettings: null, channels } });
  return { lines, before, after: await arraysOf(model) };
}

const margin: Partial<TrainConfig> = { head: "linear", loss: "aam-softmax" };
const isHead = (name: string) => name.startsWith("head.");

Deno.test("of the same classes everything goes on", async () => {
  for (const changes of [{}, margin]) {
    const initial = await initialOf(changes, ["a", "b", "c"]);
    const { lines, after } = await loaded(initial, changes, ["a", "b", "c"]);
    deepStrictEqual(after, initial.arrays);
    deepStrictEqual(lines, ['Start from "runs/first" (step 7): head and all']);
  }
});

Deno.test("the same classes in another order: the rows of the head follow", async () => {
  for (const [changes, name, width] of [[{}, "head.2.weight", 8], [margin, "head.weight", 8]] as const) {
    const initial = await initialOf(changes, ["a", "b", "c"]);
    const { lines, after } = await loaded(initial, changes, ["c", "a", "b"]);
    match(lines[0], /its head's classes put into the data's order$/);
    const [was, is] = [initial.arrays[name].data, after[name].data];
    const row = (data: typeof was, i: number) => [...data.subarray(i * width, (i + 1) * width)];
    deepStrictEqual([0, 1, 2].map((i) => row(is, i)), [2, 0, 1].map((i) => row(was, i)));
    if (changes === margin) continue;
    const bias = initial.arrays["head.2.bias"].data;
    deepStrictEqual([...after["head.2.bias"].data], [bias[2], bias[0], bias[1]]);
    deepStrictEqual(after["head.0.weight"], initial.arrays["head.0.weight"], "its hidden layer as it is");
  }
});

Deno.test("other classes, or a head of another kind: the head is as it was drawn, all else goes on", async () => {
  const initial = await initialOf({}, ["a", "b", "c"]);
  const cases: [Partial<TrainConfig>, string[], RegExp][] = [
    [{}, ["a", "b", "d"], /head drawn anew for 3 classes: it has 3 classes, 2 of them the same$/],
    [{}, ["a", "b"], /head drawn anew for 2 classes: it has 3 classes, 2 of them the same$/],
    [{ head: "linear" }, ["a", "b", "c"], /head drawn anew for 3 classes: its head is of another kind$/],
    [{ loss: "am-softmax" }, ["a", "b", "c"], /head drawn anew for 3 classes: its head is of another kind$/],
  ];
  for (const [changes, classes, line] of cases) {
    const { lines, before, after } = await loaded(initial, changes, classes);
    match(lines[0], line);
    for (const [name, array] of Object.entries(after)) {
      deepStrictEqual(array, isHead(name) ? before[name] : initial.arrays[name], name);
    }
  }
  const linear = await initialOf({ head: "linear" }, ["a", "b", "c"]);
  const { lines, before, after } = await loaded(linear, margin, ["a", "b", "c"]);
  match(lines[0], /its head is of another kind$/, "a bias that cosines do not have");
  deepStrictEqual(after["head.weight"], before["head.weight"]);
});

Deno.test("of classes at other speeds the rows of the true ones go on", async () => {
  const speeds = { ...margin, chunkSeconds: 1, speeds: [0.9, 1, 1.1], speedClasses: true };
  const initial = await initialOf(speeds, ["a", "b"]);
  strictEqual(initial.arrays["head.weight"].shape[0], 6);
  const { lines, after } = await loaded(initial, margin, ["b", "a"]);
  match(lines[0], /of its head the rows of 2 classes, without those at other speeds$/);
  const { data } = initial.arrays["head.weight"];
  deepStrictEqual([...after["head.weight"].data], [...data.subarray(8, 16), ...data.subarray(0, 8)]);
  const again = await loaded(await initialOf(margin, ["a", "b"]), speeds, ["a", "b"]);
  match(again.lines[0], /head drawn anew for 6 classes: it knows no classes at these speeds$/);
});

Deno.test("a state dict's prefixes come off; its classes are those of the data if they are as many", async () => {
  const trained = await initialOf({}, ["a", "b", "c"]);
  const renamed = (prefix: string, arrays = trained.arrays): InitialModel => ({
    ...{ path: "w.pt", facts: null, sha256: "" },
    arrays: Object.fromEntries(Object.entries(arrays).map(([name, array]) => [prefix + name, array])),
  });
  for (const prefix of ["", "module.", "state_dict.model."]) {
    const { after, lines } = await loaded(renamed(prefix), {}, ["x", "y", "z"]);
    deepStrictEqual(after, trained.arrays);
    deepStrictEqual(lines, [
      'Start from "w.pt": its classes have no names and are taken to be those of the data, in their order',
    ]);
  }
  const { lines, before, after } = await loaded(renamed("module."), {}, ["x", "y"]);
  match(lines[0], /head drawn anew for 2 classes: its head.2.weight is \[3,8\], wanted \[2,8\]$/);
  deepStrictEqual(after["head.2.weight"], before["head.2.weight"]);
  deepStrictEqual(after["prenet.weight"], trained.arrays["prenet.weight"]);
});

Deno.test("the weights of an encoder alone find their place in the model around it", async () => {
  const trained = await initialOf({}, ["a", "b"]);
  const inside = Object.entries(trained.arrays).filter(([name]) => name.startsWith("encoder."));
  const arrays = Object.fromEntries(inside.map(([name, array]) => [`net.${name.slice("encoder.".length)}`, array]));
  const { lines, before, after } = await loaded({ path: "e.pt", facts: null, arrays, sha256: "" }, {}, ["a", "b"]);
  deepStrictEqual(after["encoder.layers.0.linear1.weight"], trained.arrays["encoder.layers.0.linear1.weight"]);
  deepStrictEqual(after["prenet.bias"], before["prenet.bias"]);
  match(lines[0], /head drawn anew for 2 classes: its head is of another kind$/);
  strictEqual(lines[1], "2 weights are not in it and drawn anew: prenet.weight, prenet.bias");
});

Deno.test("what cannot be started from is refused, with the fact", async () => {
  const trained = await initialOf({}, ["a", "b"]);
  const dict = (arrays: InitialModel["arrays"]): InitialModel => ({ path: "w.pt", facts: null, arrays, sha256: "" });
  const refused = (initial: InitialModel, name: string, message: RegExp) =>
    rejects(loaded(initial, {}, ["a", "b"]), (error: Error) => {
      strictEqual(error.name, name);
      match(error.message, message);
      return true;
    });
  const one = { shape: [1], data: new Float32Array(1) };
  await refused(
    dict({ "conv.weight": one }),
    "RangeError",
    /^Cannot start from "w.pt": of the model's 14 weights it has 0; it has "conv.weight", the model "prenet.weight", .*deno task import$/,
  );
  await refused(dict({}), "RangeError", /of the model's 14 weights it has 0; it has none/);
  const wide = await initialOf({ dimFeedforward: 24 }, ["a", "b"]);
  await refused(
    dict(wide.arrays),
    "TypeError",
    /^Cannot load "w.pt" into SpeakerClassifier: 3 shape conflicts \(encoder.layers.0.linear1.weight is \[24, 8\], wanted \[16, 8\], /,
  );
  await refused(wide, "TypeError", /^Cannot load "runs\/first" into SpeakerClassifier: 3 shape conflicts/);
  const other = await initialOf({ model: "conformer" }, ["a", "b"]);
  await refused(
    other,
    "RangeError",
    /^Cannot start from "runs\/first": it is a model of kind "conformer", wanted "transformer"$/,
  );
  const { model, facts } = modelOf({}, ["a", "b"]);
  throws(
    () => loadInitial(model, { initial: trained, target: facts, data: { featureSettings: null, channels: 5 } }),
    { message: 'Cannot start from "runs/first": it takes frames of 4 channels, and those of the data have 5' },
  );
});

Deno.test("files: what there is none of, no model, a changed one", async () => {
  await withFolder(async (folder) => {
    const refused = (name: string, message: RegExp, sha256 = "") =>
      rejects(readInitialModel(join(folder, name), { sha256 }), (error: Error) => {
        match(error.message, message);
        return true;
      });
    await refused("none", /^Cannot start from ".*none": no such file or folder$/);
    await refused("", /holds no best.safetensors, as run folders do; .*deno task import$/);
    await Deno.writeTextFile(join(folder, "a.wav"), "RIFF");
    await refused("a.wav", /expected a run folder, or a file ending in .safetensors, .pt, .pth, .ckpt, .bin$/);
    await Deno.writeTextFile(join(folder, "a.pt"), "RIFF");
    await refused("a.pt", /^Cannot read ".*a.pt": /);
    const { model, facts } = modelOf({}, ["a", "b"]);
    const { arrays, metadata } = modelToSave(await model.stateArrays(), facts);
    await writeSafetensors(join(folder, "best.safetensors"), arrays, metadata);
    const found = await readInitialModel(folder, { sha256: "" });
    deepStrictEqual(found.facts, facts);
    deepStrictEqual((await readInitialModel(folder, { sha256: found.sha256 })).arrays, found.arrays);
    await refused("", /its SHA-256 is [0-9a-f]{64}, and initSha256 says abc; it has changed$/, "abc");
  });
});

/** What a user who gave these keys has asked for. */
const asked = (keys: Partial<TrainConfig> = {}, recipe = true): Asked => ({
  has: (key) => keys[key] !== undefined,
  nameOf: (key) => `--${key}`,
  recipe,
});

Deno.test("sizes and features are taken over where nobody asked for others", async () => {
  const initial = await initialOf({ dModel: 12, nHead: 3, head: "linear", positionalEncoding: "sinusoidal" }, ["a"]);
  const known = { ...initial, facts: { ...initial.facts!, featureSettings: await readFacts("speaker80") } };
  const { config, lines } = adoptInitial(smallConfig({}), { initial: known, asked: asked({ lr: 1 }) });
  const { dModel, nHead, head, positionalEncoding, features, modelOptions, dropout } = config;
  deepStrictEqual({ dModel, nHead, head, positionalEncoding, features, modelOptions, dropout }, {
    ...{ dModel: 12, nHead: 3, head: "linear", positionalEncoding: "sinusoidal", features: "speaker80" },
    ...{ modelOptions: "", dropout: smallConfig({}).dropout },
  });
  strictEqual(lines.length, 1);
  match(lines[0], /^Taken over from "runs\/first": .*dModel 12.*features speaker80/);
  const own = { dModel: 12, features: "speaker80" };
  strictEqual(adoptInitial(smallConfig(own), { initial: known, asked: asked(own) }).config.nHead, 3);
  const refused = (changes: Partial<TrainConfig>, message: RegExp) =>
    throws(() => adoptInitial(smallConfig(changes), { initial: known, asked: asked(changes) }), message);
  refused({ dModel: 16 }, /^RangeError: Cannot start from "runs\/first": --dModel is 16, and it has 12$/);
  refused(
    { features: "hw4" },
    /^RangeError: Cannot start from .* with --features "hw4": it was trained on "speaker80": /,
  );
  refused({ model: "ecapa" }, /it is a model of kind "transformer", and --model is "ecapa"; give --model transformer/);
  strictEqual(
    adoptInitial(smallConfig({ head: "2023" }), { initial: known, asked: asked({ head: "2023" }) }).config.head,
    "2023",
  );
});

async function readFacts(features: string) {
  const { parseFeatureSettings } = await import("../../data/features/mod.ts");
  return parseFeatureSettings(features);
}

Deno.test("features that are no preset travel as text", async () => {
  const initial = await initialOf({}, ["a"]);
  const featureSettings = { ...await readFacts("hw4"), sampleRate: 8000, fMax: 4000 } as ModelFacts["featureSettings"];
  const known = { ...initial, facts: { ...initial.facts!, featureSettings } };
  const { features } = adoptInitial(smallConfig({}), { initial: known, asked: asked() }).config;
  deepStrictEqual(await readFacts(features), featureSettings);
});

Deno.test("every kind of model gives its own sizes to a config that has others", () => {
  const sizes: Partial<TrainConfig>[] = [
    {
      model: "transformer",
      dModel: 12,
      nHead: 3,
      numLayers: 2,
      dimFeedforward: 20,
      normFirst: true,
      attention: "local",
    },
    {
      model: "conformer",
      dModel: 12,
      nHead: 3,
      dimFeedforward: 30,
      convKernel: 7,
      convExpansion: 4,
    },
    { model: "sound-small" },
    {
      model: "ecapa",
      channels: [8, 8, 8, 24],
      embeddingDim: 8,
      attentionChannels: 4,
      res2netScale: 4,
      globalContext: false,
    },
    { model: "xvector", channels: [8, 8, 8, 8, 12] },
    { model: "resnet34-speaker", channels: [4, 6, 8, 12] },
    { model: "campplus", channels: [2, 8, 2, 4] },
  ];
  for (const changes of sizes) {
    const { facts } = modelOf(changes, ["a", "b", "c"]);
    const initial = { path: "x", facts, arrays: {}, sha256: "" };
    const { config } = adoptInitial(smallConfig({ dropout: 0.3 }), { initial, asked: asked({}, false) });
    const { options } = describeModel(config, channels, ["a", "b", "c"]);
    deepStrictEqual({ ...options, dropout: 0 }, { ...facts.options, dropout: 0 }, changes.model);
  }
});

forEachDevice("a run starts where another one ended, and its config says from what", async (device) => {
  await withData(async (folder, data) => {
    const [first, second] = ["first", "second"].map((name) => join(folder, name));
    const base = await runSmall(device, { data, out: first, totalSteps: 40, dModel: 12 });
    const flags = { data, out: second, init: first, lr: 1e-4, totalSteps: 4, validSteps: 2, saveSteps: 2, logSteps: 1 };
    const said: string[] = [];
    const { segmentLength, batchSize, validFraction } = smallConfig({});
    const config = await resolveConfig({
      flags: { ...flags, segmentLength, batchSize, validFraction, device: "cpu" },
      say: (line) => said.push(line),
    });
    match(said[0], /^Taken over from ".*first": dModel 12, /);
    const whole = await runSmall(device, config);
    ok(whole.bestAccuracy >= base.bestAccuracy - 0.13, `${whole.bestAccuracy} after ${base.bestAccuracy}`);
    const { init, initSha256 } = JSON.parse(await Deno.readTextFile(join(second, "config.json")));
    strictEqual(init, first);
    strictEqual(initSha256, (await loadModel(first)).id);
    const parts = { ...config, out: join(folder, "parts") };
    await runSmall(device, parts, { stopAt: 2 });
    await Deno.remove(first, { recursive: true }); // a run that goes on does not need it
    const resumed = await runSmall(device, parts, { resume: true });
    deepStrictEqual(resumed.rows, whole.rows);
  });
});

Deno.test("a Lightning checkpoint is a start (cpu)", async () => {
  await withData(async (folder, data) => {
    const out = join(folder, "run");
    const run = await runSmall(undefined, {
      data,
      out,
      device: "cpu",
      init: checkpoint,
      totalSteps: 1,
      lr: 1e-9,
      freeze: ["encoder.*"],
    });
    ok(run.lines.every((line) => !line.includes("not used")), "what a trainer goes on with is passed over");
    const given = readTorchFile(checkpoint), { arrays } = readSafetensors(join(out, "best.safetensors"));
    for (const name of Object.keys(arrays).filter((name) => name.startsWith("encoder."))) {
      deepStrictEqual(arrays[name], given[`state_dict.model.${name}`], name);
    }
    notDeepStrictEqual(arrays["head.2.weight"].data, new Float32Array(32));
  });
});

Deno.test("a recipe that fine-tunes wants a model, and a run that goes on wants none", async () => {
  await rejects(resolveConfig({ recipe: "ecapa-large-margin" }), {
    name: "RangeError",
    message:
      'Cannot train recipe "ecapa-large-margin" from random weights: it goes on with a trained model; give it by --init MODEL',
  });
  await rejects(
    resolveConfig({ flags: { init: "x" }, resume: true }),
    /^RangeError: Cannot resume with --init "x": a run that goes on/,
  );
  await rejects(
    resolveConfig({ flags: { init: "/nonexistent" } }),
    /^Error: Cannot start from "\/nonexistent": no such file or folder$/,
  );
  await rejects(
    resolveConfig({ flags: { modelOptions: '{"colour":3}' } }),
    /modelOptions: "colour" 3 is no option of "transformer"$/,
  );
  await rejects(
    resolveConfig({ flags: { modelOptions: "[1]" } }),
    /Cannot use modelOptions "\[1\]": expected a JSON object$/,
  );
});
