/** Models written for other toolkits: what is imported comes back as it was. @module */
import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { type ArrayDict, encodeTorchFile, readSafetensors, readTorchFile } from "../../../data/files/mod.ts";
import {
  type Classifier,
  HubertModel,
  type Module,
  ResNet,
  ResNetish,
  SoundCnn,
  SpeakerClassifier,
  SpeechEncoderClassifier,
  Wav2Vec2Model,
  WavLMModel,
} from "../../../nn/mod.ts";
import { manualSeed, noGrad } from "../../../tensor/mod.ts";
import { exportModel, ExportRefusal } from "../../../train/export/mod.ts";
import { importModel } from "../../../train/import/mod.ts";
import { describeModel, modelToSave } from "../../../train/model_facts.ts";
import { loadModel } from "../../../train/model_file.ts";
import { modelKinds } from "../../../train/models/mod.ts";
import { writeSafetensors } from "../../../data/files/mod.ts";
import type { TrainConfig } from "../../../train/train_config.ts";
import { assertClose } from "../../close.ts";
import { forEachDevice } from "../../devices.ts";
import { drawn } from "../../gradcheck.ts";
import { withFolder } from "../../tasks/run.ts";
import { tinyModel, writeFolder } from "../import/huggingface_folder.ts";
import { smallConfig } from "../small_run.ts";

type Rename = (name: string) => string;
const same: Rename = (name) => name;

async function weightsOf(model: Classifier, rename: Rename = same): Promise<ArrayDict> {
  return Object.fromEntries(Object.entries(await model.stateArrays()).map(([name, array]) => [rename(name), array]));
}

/** By name, whatever the order. */
function assertSameArrays(found: ArrayDict, wanted: ArrayDict): void {
  deepStrictEqual(Object.keys(found).sort(), Object.keys(wanted).sort());
  for (const [name, array] of Object.entries(wanted)) deepStrictEqual(found[name], array, name);
}

const speakers = ["x", "y", "z"];
const classifier = (options: object = {}) =>
  new SpeakerClassifier({ numSpeakers: 3, nMels: 40, dModel: 8, nHead: 2, dimFeedforward: 12, ...options });
const sampleCode: Rename = (name) =>
  name.replace("encoder.layers.0.", "encoder_layer.").replace(/^head\./, "pred_layer.");

const networks: [string, () => Classifier, Rename][] = [
  ["ResNet", () => new ResNet({ classes: 3, width: 2 }), same],
  [
    "ResNet behind dropout, of several GPUs",
    () => new ResNet({ classes: 3, width: 2 }),
    (name) => `module.${name.replace("fc.", "fc.1.")}`,
  ],
  ["ResNetish", () => new ResNetish({ classes: 3, width: 2 }), same],
  ["four convolutions", () => new SoundCnn({ classes: 3, channels: [2, 3, 2, 3], embeddingDim: 5 }), same],
  ["homework 4", classifier, sampleCode],
  ["homework 4, linear head", () => classifier({ head: "linear" }), sampleCode],
];

for (const [what, make, rename] of networks) {
  Deno.test(`${what}: a state dict that was imported is exported with its names, shapes and values (cpu)`, async () => {
    await withFolder(async (folder) => {
      const [theirs, model, out] = ["theirs.pth", "model", "back.pth"].map((name) => join(folder, name));
      const weights = await weightsOf(make(), rename);
      await Deno.writeFile(theirs, encodeTorchFile(weights));
      await importModel(theirs, { out: model });
      const { files } = await exportModel(model, { to: "torch", out });
      deepStrictEqual(files, [out]);
      assertSameArrays(readTorchFile(out), weights);
      deepStrictEqual([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), [
        "back.pth",
        "model",
        "theirs.pth",
      ]);
    });
  });
}

forEachDevice("homework 4: what voxgrad trained loads into the sample code, and comes back", async () => {
  await withFolder(async (folder) => {
    for (const numLayers of [1, 2]) {
      const [model, out, again] = ["model", "hw4", "again"].map((name) => join(folder, `${name}${numLayers}`));
      const trained = await writeModel(model, {
        model: "transformer",
        numLayers,
        dModel: 8,
        nHead: 2,
        dimFeedforward: 12,
      });
      const { what, files, said } = await exportModel(model, { to: "torch", out });
      deepStrictEqual(files, ["model.ckpt", "mapping.json"].map((name) => join(out, name)));
      strictEqual(what, "PyTorch classifier of homework 4");
      match(said.join("\n"), /with nhead=2/);
      deepStrictEqual(JSON.parse(await Deno.readTextFile(files[1])), {
        speaker2id: { x: 0, y: 1, z: 2 },
        id2speaker: { 0: "x", 1: "y", 2: "z" },
      });
      const arrays = readTorchFile(files[0]);
      ok(Object.hasOwn(arrays, "encoder_layer.norm1.bias") && Object.hasOwn(arrays, "pred_layer.2.weight"));
      strictEqual(Object.hasOwn(arrays, "encoder.layers.1.norm1.bias"), numLayers === 2);
      const { facts } = await importModel(out, { out: again, heads: 2 });
      deepStrictEqual([facts.classes, facts.options.numLayers], [speakers, numLayers]);
      const x = drawn(1, [2, 9, 40]), loaded = await loadModel(again);
      await assertClose(noGrad(() => loaded.model.forward(x)), await noGrad(() => trained.forward(x)).data());
    }
  });
});

/** Writes a model with fresh weights as a run folder has it. */
async function writeModel(folder: string, changes: Partial<TrainConfig> & Pick<TrainConfig, "model">, bands = 40) {
  manualSeed(1);
  const config = smallConfig(changes), description = describeModel(config, bands, speakers);
  const model = modelKinds[config.model].build(description.options).eval();
  const saved = modelToSave(await model.stateArrays(), {
    ...description,
    featureSettings: null,
    step: 3,
    accuracy: 0.5,
  });
  await Deno.mkdir(folder, { recursive: true });
  await writeSafetensors(join(folder, "best.safetensors"), saved.arrays, saved.metadata);
  return model;
}

forEachDevice("Hugging Face: a folder comes back with its spelling, and is the same model", async () => {
  await withFolder(async (folder) => {
    const spellings: Rename[] = [same, (name) =>
      name.replace("conv.weight_g", "conv.parametrizations.weight.original0")
        .replace("conv.weight_v", "conv.parametrizations.weight.original1")];
    for (const [i, spelling] of spellings.entries()) {
      const [theirs, model, out, again] = ["theirs", "model", "out", "again"].map((name) =>
        join(folder, `${name}${i}`)
      );
      const tiny = tinyModel(), arrays = await weightsOf(tiny, spelling);
      await writeFolder(theirs, { arrays });
      await importModel(theirs, { out: model });
      const { what, files } = await exportModel(model, { to: "huggingface", out });
      strictEqual(what, "Hugging Face WavLMForXVector");
      const { arrays: found, metadata } = readSafetensors(files[0]);
      assertSameArrays(found, arrays);
      deepStrictEqual({ ...metadata }, { format: "pt" });
      const json = async (name: string) => await Deno.readTextFile(join(out, name)).then(JSON.parse);
      const given = JSON.parse(await Deno.readTextFile(join(theirs, "config.json")));
      const config = await json("config.json");
      for (const [key, value] of Object.entries(given)) deepStrictEqual(config[key], value, key);
      const { do_normalize, sampling_rate } = await json("preprocessor_config.json");
      deepStrictEqual([do_normalize, sampling_rate], [true, 16000]);
      const { facts } = await importModel(out, { out: again }), first = await loadModel(model);
      deepStrictEqual([facts.options, facts.featureSettings], [first.options, first.featureSettings]);
      const x = drawn(1, [1, 6000, 1]), second = await loadModel(again);
      await assertClose(noGrad(() => second.model.embed(x)), await noGrad(() => first.model.embed(x)).data());
    }
  });
});

const speechSizes = {
  ...{ hiddenSize: 16, numHiddenLayers: 2, numAttentionHeads: 2, intermediateSize: 24, convDim: [8, 8] },
  ...{ convKernel: [10, 8], convStride: [5, 4], numConvPosEmbeddings: 8, numConvPosEmbeddingGroups: 4 },
};
const encoders = {
  wavlm: () => new WavLMModel({ ...speechSizes, numBuckets: 32, maxBucketDistance: 80 }),
  wav2vec2: () => new Wav2Vec2Model(speechSizes),
  hubert: () => new HubertModel({ ...speechSizes, featProjLayerNorm: false }),
} as const;
const classNames = { wavlm: "WavLM", wav2vec2: "Wav2Vec2", hubert: "Hubert" } as const;

for (const type of ["wavlm", "wav2vec2", "hubert"] as const) {
  forEachDevice(`Hugging Face: ${classNames[type]} bare and as a classifier, imported or not`, async () => {
    await withFolder(async (folder) => {
      for (const isBare of [true, false]) {
        const place = (name: string) => join(folder, `${name}-${isBare}`);
        const encoder = encoders[type](), options = { classes: 3, classifierProjSize: 12, useWeightedLayerSum: true };
        const model: Module = isBare ? encoder : new SpeechEncoderClassifier(encoder, options);
        const inClassifier: Rename = (name) => name.replace(/^encoder\./, `${type}.`).replace(/^head\./, "classifier.");
        const arrays = await weightsOf(model as Classifier, isBare ? same : inClassifier);
        const name = `${classNames[type]}${isBare ? "Model" : "ForSequenceClassification"}`;
        const more = isBare ? { id2label: undefined, use_weighted_layer_sum: false } : { classifier_proj_size: 12 };
        const changes = { model_type: type, feat_proj_layer_norm: false, architectures: [name], ...more };
        await writeFolder(place("theirs"), { arrays, config: { ...changes, tdnn_dim: undefined } });
        await importModel(place("theirs"), { out: place("model") });
        const { what, files } = await exportModel(place("model"), { to: "huggingface", out: place("out") });
        strictEqual(what, `Hugging Face ${name}`);
        assertSameArrays(readSafetensors(files[0]).arrays, arrays);

        const stored = readSafetensors(join(place("model"), "best.safetensors")); // as if it had been trained here
        const { origin: _, ...metadata } = stored.metadata;
        await writeSafetensors(join(folder, "m.safetensors"), stored.arrays, metadata);
        const trained = await exportModel(join(folder, "m.safetensors"), { to: "huggingface", out: place("trained") });
        assertSameArrays(readSafetensors(trained.files[0]).arrays, arrays);
        const { facts } = await importModel(place("trained"), { out: place("again") });
        const [first, again] = await Promise.all([loadModel(place("model")), loadModel(place("again"))]);
        deepStrictEqual([facts.options, facts.classes], [first.options, first.classes]);
        const x = drawn(1, [1, 4000, 1]), wanted = await noGrad(() => first.model.embed(x)).data();
        await assertClose(noGrad(() => again.model.embed(x)), wanted);
      }
    });
  });
}

Deno.test("a state dict of what was trained here, with its labels; and a model as voxgrad has it (cpu)", async () => {
  await withFolder(async (folder) => {
    const [run, out, copy] = ["run", "out", "copy.safetensors"].map((name) => join(folder, name));
    const trained = await writeModel(run, {
      model: "sound-cnn",
      head: "linear",
      channels: [2, 2, 2, 2],
      embeddingDim: 4,
    });
    const { files, said } = await exportModel(run, { to: "torch", out });
    deepStrictEqual(files, ["model.pt", "labels.txt"].map((name) => join(out, name)));
    assertSameArrays(readTorchFile(files[0]), await trained.stateArrays() as ArrayDict);
    strictEqual(await Deno.readTextFile(files[1]), "x\ny\nz\n");
    ok(said.length > 0);
    const { facts } = await importModel(files[0], { labels: files[1], out: join(folder, "again") });
    deepStrictEqual(facts.classes, speakers);
    await exportModel(run, { to: "voxgrad", out: copy });
    deepStrictEqual((await loadModel(copy)).step, 3);
    assertSameArrays(readSafetensors(copy).arrays, readSafetensors(join(run, "best.safetensors")).arrays);
  });
});

Deno.test("what a toolkit cannot hold, and places that are taken, are refused; nothing is left behind (cpu)", async () => {
  await withFolder(async (folder) => {
    const run = join(folder, "run"), out = join(folder, "out");
    await writeModel(run, { model: "sound-cnn", channels: [2, 2, 2, 2], embeddingDim: 4 });
    await rejects(exportModel(run, { to: "huggingface", out }), {
      name: "RangeError",
      message: `Cannot export "${run}/best.safetensors" to Hugging Face: it is a model of kind "sound-cnn", ` +
        "and wavlm, wavlm-encoder, wav2vec2-encoder, hubert-encoder can be written",
    });
    const wavlm = join(folder, "wavlm");
    await writeFolder(wavlm, { arrays: await tinyModel().stateArrays() as ArrayDict });
    await importModel(wavlm, { out: wavlm, overwrite: true });
    const { arrays, metadata } = readSafetensors(join(wavlm, "best.safetensors"));
    const facts = JSON.parse(metadata.facts);
    const encoder = (changes: object) => ({
      architecture: "wavlm-encoder",
      options: {
        ...speechSizes,
        classes: 3,
        classifierProjSize: 8,
        useWeightedLayerSum: false,
        head: "linear",
        ...changes,
      },
    });
    for (
      const [changed, message] of [
        [{ featureSettings: null }, /it does not say how recordings are prepared/],
        [
          encoder({ head: "two-layer" }),
          /it has a head of kind "two-layer", and WavLMForSequenceClassification has a linear one/,
        ],
        [
          encoder({ cosineHead: true }),
          /it has a head of cosines, and WavLMForSequenceClassification has a linear one/,
        ],
        [encoder({ classifierProjSize: 0 }), /it does not map frames before their mean/],
        [{ ...encoder({ classes: 0 }), classes: [] }, /it weighs or maps hidden states without having classes/],
        [{ options: { ...facts.options, scale: 12 } }, /its scores are 12 times cosines, and Hugging Face has 30/],
        [{ featureSettings: { kind: "logMel" } }, /it takes features of kind "logMel"/],
      ] as const
    ) {
      const file = join(folder, "changed.safetensors");
      await writeSafetensors(file, arrays, { ...metadata, facts: JSON.stringify({ ...facts, ...changed }) });
      await rejects(exportModel(file, { to: "huggingface", out }), message);
    }
    await rejects(Deno.stat(out), Deno.errors.NotFound);
    await rejects(exportModel(run, { to: "torch", out: run }), ExportRefusal);
    await rejects(
      exportModel(run, { to: "torch", out: join(folder, "none", "out") }),
      /Cannot write ".*out": no such file or folder/,
    );
    await Deno.writeTextFile(out, "mine");
    await rejects(exportModel(run, { to: "torch", out, overwrite: true }), /it is a file; give another --out/);
    strictEqual(await Deno.readTextFile(out), "mine");
    ok([...Deno.readDirSync(folder)].every(({ name }) => !name.startsWith(".")), "no folder beside");
  });
});
