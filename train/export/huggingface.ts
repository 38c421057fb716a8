/** Folders as Hugging Face's `from_pretrained` loads them. @module */
import { wavlmConfig } from "../../nn/mod.ts";
import type { ArrayDict } from "../../data/files/mod.ts";
import { snakeCase } from "../import/huggingface_config.ts";
import { theirNames } from "../import/origin.ts";
import type { ModelFacts } from "../model_facts.ts";
import type { ModelOptions } from "../models/mod.ts";
import type { ModelName } from "../train_config.ts";
import { type ExportedFile, type Exporter, scoresOf } from "./exporter.ts";

/** A kind of encoder there. */
interface Kind {
  /** `model_type`, and what stands before an encoder's names in a classifier. */
  readonly type: string;
  /** What its classes' names begin with. */
  readonly name: string;
}

const kinds: Partial<Record<ModelName, Kind>> = {
  "wavlm": { type: "wavlm", name: "WavLM" },
  "wavlm-encoder": { type: "wavlm", name: "WavLM" },
  "wav2vec2-encoder": { type: "wav2vec2", name: "Wav2Vec2" },
  "hubert-encoder": { type: "hubert", name: "Hubert" },
};

/** See {@linkcode Exporter}. */
export const huggingface: Exporter = {
  target: "huggingface",
  toolkit: "Hugging Face",
  endings: [],
  convert({ facts, arrays, origin }) {
    const kind = kinds[facts.architecture];
    if (kind === undefined) {
      throw new RangeError(
        `it is a model of kind "${facts.architecture}", and ${Object.keys(kinds).join(", ")} can be written`,
      );
    }
    const architecture = architectureOf(facts, kind);
    const ours = (name: string) => facts.architecture === "wavlm" ? name : encoderName(name, { facts, kind });
    const weights = origin?.toolkit === "huggingface" ? theirNames(arrays, origin) : renamed(arrays, ours);
    const json = (name: string, value: object): ExportedFile => ({ name, text: `${JSON.stringify(value, null, 2)}\n` });
    return {
      what: architecture,
      files: [
        { name: "model.safetensors", safetensors: weights, metadata: { format: "pt" } },
        json("config.json", configOf(facts, { architecture, kind })),
        json("preprocessor_config.json", preprocessorOf(facts)),
      ],
      said: [`Load it by transformers.${architecture}.from_pretrained(FOLDER)`],
    };
  },
};

function renamed(arrays: Readonly<ArrayDict>, rename: (name: string) => string): ArrayDict {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [rename(name), array]));
}

/** An encoder alone has nothing before its names, in a classifier its kind. */
function encoderName(name: string, { facts, kind }: { facts: ModelFacts; kind: Kind }): string {
  if (scoresOf(facts).length === 0) return name.replace(/^encoder\./, "");
  return name.replace(/^encoder\./, `${kind.type}.`).replace(/^head\./, "classifier.");
}

/**
 * The class that has such a head.
 *
 * @throws {RangeError} There is none.
 */
function architectureOf({ architecture, options, ...facts }: ModelFacts, { name }: Kind): string {
  const isEncoder = architecture !== "wavlm", count = scoresOf({ architecture, options, ...facts }).length;
  if (!isEncoder) {
    if (options.scale !== SCALE) {
      throw new RangeError(`its scores are ${options.scale} times cosines, and Hugging Face has ${SCALE}`);
    }
    return `${name}ForXVector`;
  }
  if (count === 0) {
    if (options.useWeightedLayerSum || options.classifierProjSize) {
      throw new RangeError(`it weighs or maps hidden states without having classes, and ${name}Model does not`);
    }
    return `${name}Model`;
  }
  if (options.head !== "linear" || options.cosineHead) {
    const found = options.cosineHead ? "a head of cosines" : `a head of kind "${options.head}"`;
    throw new RangeError(`it has ${found}, and ${name}ForSequenceClassification has a linear one`);
  }
  if (!options.classifierProjSize) {
    throw new RangeError(
      `it does not map frames before their mean (embeddingDim 0), as ${name}ForSequenceClassification does`,
    );
  }
  return `${name}ForSequenceClassification`;
}

/** The factor of `AMSoftmaxLoss`, which no key of Hugging Face's varies. */
const SCALE = 30;

/** Options that are ours alone, or that the classes and weights tell. */
const notKeys = ["classes", "numLabels", "tdnnLengths", "maskedSpecEmbed", "scale", "head", "cosineHead"];

function configOf(facts: ModelFacts, { architecture, kind }: { architecture: string; kind: Kind }): object {
  const { options } = facts, names = scoresOf(facts);
  const labels = names.length === 0 ? {} : {
    id2label: Object.fromEntries(names.map((name, i) => [i, name])),
    label2id: Object.fromEntries(names.map((name, i) => [name, i])),
  };
  return {
    architectures: [architecture],
    model_type: kind.type,
    ...{ hidden_act: "gelu", feat_extract_activation: "gelu", add_adapter: false },
    ...sizesOf(options, kind),
    num_feat_extract_layers: (options.convDim as readonly number[]).length,
    ...labels,
    torch_dtype: "float32",
  };
}

function sizesOf(options: ModelOptions, { type }: Kind): Record<string, unknown> {
  const usual = type === "wavlm" ? wavlmConfig() : {}; // what an older file does not have
  const all = Object.entries({ ...usual, ...options }).filter(([key, value]) =>
    !notKeys.includes(key) && !(key === "classifierProjSize" && value === 0)
  );
  const unmasked = options.maskedSpecEmbed === false ? { mask_time_prob: 0, mask_feature_prob: 0 } : {};
  return { ...Object.fromEntries(all.map(([key, value]) => [snakeCase(key), value])), ...unmasked };
}

function preprocessorOf({ featureSettings }: ModelFacts): object {
  if (featureSettings === null) throw new RangeError("it does not say how recordings are prepared");
  if (featureSettings.kind !== "waveform") {
    throw new RangeError(`it takes features of kind "${featureSettings.kind}", and these models listen to waveforms`);
  }
  return {
    do_normalize: featureSettings.normalize === "layer",
    feature_extractor_type: "Wav2Vec2FeatureExtractor",
    feature_size: 1,
    padding_side: "right",
    padding_value: 0,
    return_attention_mask: true,
    sampling_rate: featureSettings.sampleRate,
  };
}
