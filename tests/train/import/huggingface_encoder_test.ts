/** Importing bare encoders and classifiers of Hugging Face, and models without classes. @module */
import { deepStrictEqual, match, rejects } from "node:assert/strict";
import { join } from "node:path";
import type { ArrayDict } from "../../../data/files/mod.ts";
import { HubertModel, SpeechEncoderClassifier, Wav2Vec2Model, WavLMModel } from "../../../nn/mod.ts";
import { importModel } from "../../../train/import/mod.ts";
import { loadModel } from "../../../train/model_file.ts";
import { forEachDevice } from "../../devices.ts";
import { drawn } from "../../gradcheck.ts";
import { withFolder } from "../../tasks/run.ts";
import { writeFolder } from "./huggingface_folder.ts";

const sizes = {
  ...{ hiddenSize: 16, numHiddenLayers: 2, numAttentionHeads: 2, intermediateSize: 24, convDim: [8, 8] },
  ...{ convKernel: [10, 8], convStride: [5, 4], numConvPosEmbeddings: 8, numConvPosEmbeddingGroups: 4 },
};

const encoders = {
  wavlm: () => new WavLMModel({ ...sizes, numBuckets: 32, maxBucketDistance: 80 }),
  wav2vec2: () => new Wav2Vec2Model(sizes),
  hubert: () => new HubertModel({ ...sizes, featProjLayerNorm: false }),
} as const;

type Type = keyof typeof encoders;

const bare: Readonly<Record<Type, string>> = { wavlm: "WavLMModel", wav2vec2: "Wav2Vec2Model", hubert: "HubertModel" };

const before = (prefix: string, arrays: Readonly<ArrayDict>): ArrayDict =>
  Object.fromEntries(Object.entries(arrays).map(([name, array]) => [prefix + name, array]));

const without = { id2label: undefined, tdnn_dim: undefined, use_weighted_layer_sum: undefined };

for (const type of Object.keys(encoders) as Type[]) {
  forEachDevice(`a bare ${bare[type]} and one with other heads embed by the mean of their last frames`, async () => {
    await withFolder(async (root) => {
      const encoder = encoders[type]().eval(), arrays = await encoder.stateArrays(), out = join(root, "m.safetensors");
      const config = { ...without, model_type: type, feat_proj_layer_norm: false, architectures: [bare[type]] };
      await writeFolder(join(root, "bare"), { arrays, config });
      const { facts, said } = await importModel(join(root, "bare"), { out });
      deepStrictEqual([facts.architecture, facts.classes], [`${type}-encoder`, []]);
      match(said.join(), /It has no classes/);
      const x = drawn(1, [2, 4000, 1]), wanted = await encoder.forward(x).hiddenStates.at(-1)!.mean(1).data();
      deepStrictEqual(await (await loadModel(out)).model.embed(x).data(), wanted);
      const heads: ArrayDict = {
        "quantizer.codevectors": arrays["encoder.layer_norm.bias"],
        "lm_head.bias": arrays["encoder.layer_norm.bias"],
      };
      const architectures = [bare[type].replace("Model", "ForPreTraining")];
      await writeFolder(join(root, "more"), {
        arrays: { ...before(`${type}.`, arrays), ...heads },
        config: { ...config, architectures },
      });
      const more = await importModel(join(root, "more"), { out, overwrite: true });
      match(more.said[0], /Left out 2 weights of another task: quantizer.codevectors, …/);
      deepStrictEqual(await (await loadModel(out)).model.embed(x).data(), wanted);
    });
  });
}

forEachDevice("a Wav2Vec2ForSequenceClassification scores its classes", async () => {
  await withFolder(async (root) => {
    const encoder = encoders.wav2vec2(), folder = join(root, "m"), out = join(root, "m.safetensors");
    const model = new SpeechEncoderClassifier(encoder, {
      classes: 3,
      classifierProjSize: 12,
      useWeightedLayerSum: true,
    }).eval();
    const { layer_weights, ...state } = await model.stateArrays();
    const hf = (name: string) => name.replace(/^encoder\./, "wav2vec2.").replace(/^head\./, "classifier.");
    const arrays = Object.fromEntries(
      Object.entries({ layer_weights, ...state }).map(([name, array]) => [hf(name), array]),
    );
    const config = {
      ...{ model_type: "wav2vec2", architectures: ["Wav2Vec2ForSequenceClassification"], use_weighted_layer_sum: true },
      ...{ classifier_proj_size: 12, id2label: { "0": "yes", "1": "no", "2": "stop" } },
    };
    await writeFolder(folder, { arrays, config });
    const { facts } = await importModel(folder, { out });
    deepStrictEqual(facts.classes, ["yes", "no", "stop"]);
    const x = drawn(1, [2, 4000, 1]);
    deepStrictEqual(await (await loadModel(out)).model.forward(x).data(), await model.forward(x).data());
    const refused = async (changes: object, message: RegExp) => {
      await writeFolder(folder, { arrays, config: { ...config, ...changes } });
      await rejects(importModel(folder, { out, overwrite: true }), message);
    };
    await refused(
      { classifier_proj_size: 256 },
      /classifier_proj_size is 256, but projector.weight of .* is \[12,16\]/,
    );
    await refused(
      { id2label: { "0": "yes" } },
      /id2label names 1 classes, but classifier.weight of .* has places for 3/,
    );
    await refused({ use_weighted_layer_sum: false }, /use_weighted_layer_sum is false, but/);
    await refused({ num_attention_heads: 5 }, /its sizes make no model: .*numAttentionHeads 5 does not divide/);
    await refused(
      { architectures: ["Wav2Vec2ForAudioFrameClassification"] },
      /its architecture is Wav2Vec2ForAudioFrameClassification/,
    );
    await refused({ num_buckets: 7, hidden_size: 15 }, /hidden_size is 15, but/);
  });
});
