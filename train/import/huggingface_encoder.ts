/** Hugging Face's WavLM, wav2vec 2.0 and HuBERT: bare encoders, and classifiers of recordings. @module */
import type { ArrayDict } from "../../data/files/mod.ts";
import { type SpeechEncoderConfig, speechEncoderDefaults, wavlmConfig } from "../../nn/mod.ts";
import type { ModelName } from "../train_config.ts";
import { checkSizes, optionsFrom, requireKeys } from "./huggingface_config.ts";
import { readHuggingfaceWeights, waveformSettingsOf } from "./huggingface_files.ts";
import { checkEncoder, classesOf, fixedKeys, type Json, ourNames, weighsLayers } from "./huggingface_speech.ts";
import type { Imported, ImportHints } from "./importer.ts";
import type { ImportSource } from "./source.ts";

/** Our kind of model and its encoder's options, by `model_type`. */
const kinds: Readonly<Record<string, { kind: ModelName; defaults: SpeechEncoderConfig }>> = {
  wavlm: { kind: "wavlm-encoder", defaults: wavlmConfig() },
  wav2vec2: { kind: "wav2vec2-encoder", defaults: speechEncoderDefaults },
  hubert: {
    kind: "hubert-encoder",
    defaults: { ...speechEncoderDefaults, featProjLayerNorm: true } as SpeechEncoderConfig,
  },
};

/** Beginnings of weights that are of use in pre-training or for text, and not in what follows here. */
const leftOut = [
  "quantizer.",
  "project_hid.",
  "project_q.",
  "dropout_features.",
  "lm_head.",
  "label_embeddings_concat",
];

/** Converts a folder whose config.json is `json`; errors as of `Importer.convert`. */
export async function convertEncoder(source: ImportSource, { json, architecture, hints }: {
  readonly json: Json;
  readonly architecture: string;
  readonly hints: ImportHints;
}): Promise<Imported> {
  const config = source.pathOf("config.json"), type = String(json.model_type), { kind, defaults } = kinds[type];
  checkArchitecture(architecture, config);
  requireKeys(json, fixedKeys, config);
  const { arrays: theirs, file } = await readHuggingfaceWeights(source);
  const { arrays, names, dropped } = encoderNames(theirs, type);
  const stated = optionsFrom(json, defaults, config);
  const encoder = { ...stated, maskedSpecEmbed: Object.hasOwn(arrays, "encoder.masked_spec_embed") };
  checkEncoder(encoder, { arrays, prefix: "encoder.", config, weights: file });
  const isClassifier = Object.hasOwn(arrays, "head.weight");
  const useWeightedLayerSum = isClassifier && weighsLayers(json, { arrays, config, file });
  const classifierProjSize = arrays["projector.weight"]?.shape[0] ?? 0;
  if (isClassifier) {
    const { classifierProjSize: size } = optionsFrom(json, { classifierProjSize: 256 }, config);
    checkSizes([["classifier_proj_size", size, "projector.weight", 0]], { arrays, config, weights: file });
  }
  const count = arrays["head.weight"]?.shape[0] ?? 0;
  const request = { count, noun: "class", weight: `classifier.weight of "${file}"`, hints, config };
  const { classes, said } = count === 0 ? { classes: [], said: [] } : await classesOf(json, request);
  return {
    facts: {
      architecture: kind,
      options: {
        ...encoder,
        ...{ classes: classes.length, useWeightedLayerSum, classifierProjSize },
        ...{ head: "linear", cosineHead: false, scale: 30 },
      },
      channels: 1,
      viewing: { mode: "whole", frames: 48000, crops: 1, fixed: false },
      classes,
      featureSettings: await waveformSettingsOf(source, hints.features),
    },
    arrays,
    said: [...said, ...notes(dropped, count)],
    names,
    file,
  };
}

/** Refuses heads that our classifiers do not have, but for those that are left out. */
function checkArchitecture(architecture: string, config: string): void {
  if (/(?:Model|ForPreTraining|ForCTC|ForSequenceClassification)$/u.test(architecture)) return;
  throw new RangeError(
    `Cannot import "${config}": its architecture is ${architecture}, expected one that ends in Model, ForPreTraining, ForCTC, ` +
      "ForSequenceClassification or ForXVector (of WavLM)",
  );
}

/** Weights by our names, and those left out. A bare encoder's names have nothing before them, a classifier's its kind. */
function encoderNames(theirs: Readonly<ArrayDict>, type: string) {
  const { arrays: spelled, names: spellings } = ourNames(theirs);
  const prefix = Object.keys(spelled).some((name) => name.startsWith(`${type}.`)) ? `${type}.` : "";
  const arrays: [string, ArrayDict[string]][] = [], names = new Map<string, string>(), dropped: string[] = [];
  for (const [name, array] of Object.entries(spelled)) {
    if (leftOut.some((beginning) => name.startsWith(beginning))) dropped.push(name);
    else {
      const ours = ourName(name, prefix);
      arrays.push([ours, array]);
      names.set(ours, spellings.get(name) ?? name);
    }
  }
  return { arrays: Object.fromEntries(arrays), names, dropped };
}

function ourName(name: string, prefix: string): string {
  if (prefix === "") return `encoder.${name}`;
  if (name.startsWith(prefix)) return `encoder.${name.slice(prefix.length)}`;
  return name.startsWith("classifier.") ? name.replace("classifier.", "head.") : name;
}

function notes(dropped: readonly string[], classes: number): string[] {
  const [first, ...more] = dropped;
  return [
    ...first === undefined
      ? []
      : [`Left out ${dropped.length} weights of another task: ${first}${more.length > 0 ? ", …" : ""}`],
    ...classes > 0
      ? []
      : ["It has no classes: it embeds recordings by the mean of its last frames, and train --init can go on from it"],
  ];
}
