/** Folders as Hugging Face's `from_pretrained` loads them. @module */
import { wavlmConfig } from "../../nn/mod.ts";
import { snakeCase } from "../import/huggingface_config.ts";
import { theirNames } from "../import/origin.ts";
import type { ModelFacts } from "../model_facts.ts";
import { type ExportedFile, type Exporter, scoresOf } from "./exporter.ts";

/** See {@linkcode Exporter}. */
export const huggingface: Exporter = {
  target: "huggingface",
  toolkit: "Hugging Face",
  endings: [],
  convert({ facts, arrays, origin }) {
    if (facts.architecture !== "wavlm") {
      throw new RangeError(
        `it is a model of kind "${facts.architecture}", and WavLMForXVector (kind "wavlm") can be written`,
      );
    }
    const weights = origin?.toolkit === "huggingface" ? theirNames(arrays, origin) : arrays;
    const json = (name: string, value: object): ExportedFile => ({ name, text: `${JSON.stringify(value, null, 2)}\n` });
    return {
      what: "WavLMForXVector",
      files: [
        { name: "model.safetensors", safetensors: weights, metadata: { format: "pt" } },
        json("config.json", configOf(facts)),
        json("preprocessor_config.json", preprocessorOf(facts)),
      ],
      said: ["Load it by transformers.WavLMForXVector.from_pretrained(FOLDER); embeddings are its output's embeddings"],
    };
  },
};

/** The factor of `AMSoftmaxLoss`, which no key of Hugging Face's varies. */
const SCALE = 30;

function configOf(facts: ModelFacts): Record<string, unknown> {
  const { options } = facts, names = scoresOf(facts);
  if (options.scale !== SCALE) {
    throw new RangeError(`its scores are ${options.scale} times cosines, and Hugging Face has ${SCALE}`);
  }
  const keys = [
    ...Object.keys(wavlmConfig()).filter((key) => key !== "maskedSpecEmbed"),
    ...["useWeightedLayerSum", "tdnnDim", "tdnnKernel", "tdnnDilation", "xvectorOutputDim"],
  ];
  const sizes = Object.fromEntries(keys.map((key) => [snakeCase(key), options[key]]));
  const unmasked = options.maskedSpecEmbed === false ? { mask_time_prob: 0, mask_feature_prob: 0 } : {};
  return {
    architectures: ["WavLMForXVector"],
    model_type: "wavlm",
    hidden_act: "gelu",
    feat_extract_activation: "gelu",
    add_adapter: false,
    ...sizes,
    ...unmasked,
    num_feat_extract_layers: (options.convDim as readonly number[]).length,
    id2label: Object.fromEntries(names.map((name, i) => [i, name])),
    label2id: Object.fromEntries(names.map((name, i) => [name, i])),
    torch_dtype: "float32",
  };
}

function preprocessorOf({ featureSettings }: ModelFacts): Record<string, unknown> {
  if (featureSettings === null) throw new RangeError("it does not say how recordings are prepared");
  if (featureSettings.kind !== "waveform") {
    throw new RangeError(`it takes features of kind "${featureSettings.kind}", and WavLM's models listen to waveforms`);
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
