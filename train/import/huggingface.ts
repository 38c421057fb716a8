/** Models of Hugging Face's transformers: WavLM as a verifier of speakers. @module */
import type { ArrayDict } from "../../data/files/mod.ts";
import { wavlmConfig, type WavLMForXVectorOptions, weightNormNames } from "../../nn/mod.ts";
import { checkCount, checkSizes, optionsFrom, requireKeys, type SizeClaim } from "./huggingface_config.ts";
import { readHuggingfaceWeights, waveformSettingsOf } from "./huggingface_files.ts";
import type { Imported, Importer, ImportHints } from "./importer.ts";
import { checkNames, labelsOf } from "./labels.ts";
import type { ImportSource } from "./source.ts";

type Json = Readonly<Record<string, unknown>>;

/** Kinds of encoders by `model_type`. */
const encoders = ["wavlm", "wav2vec2", "hubert"];

/** See {@linkcode Importer}. */
export const huggingface: Importer = {
  id: "huggingface",
  toolkit: "Hugging Face",
  looksFor: "config.json with model_type wavlm, wav2vec2 or hubert",
  async recognise(source) {
    if (!source.files.has("config.json")) return undefined;
    const json = await source.json("config.json").catch(() => undefined);
    if (json === undefined || !encoders.includes(String(json.model_type))) return undefined;
    return `${architectureOf(json)}, ${json.num_hidden_layers ?? 12} layers of ${json.hidden_size ?? 768}`;
  },
  async convert(source, hints) {
    const json = await source.json("config.json"), architecture = architectureOf(json);
    if (architecture === "WavLMForXVector") return await convertXVector(source, { json, hints });
    throw new RangeError(
      `Cannot import "${source.pathOf("config.json")}": its architecture is ${architecture}, expected WavLMForXVector`,
    );
  },
};

/** The class that wrote a config; the bare encoder where it does not say. */
function architectureOf({ architectures, model_type: type }: Json): string {
  const [first] = Array.isArray(architectures) ? architectures : [];
  const bare: Readonly<Record<string, string>> = {
    wavlm: "WavLMModel",
    wav2vec2: "Wav2Vec2Model",
    hubert: "HubertModel",
  };
  return typeof first === "string" ? first : bare[String(type)];
}

/** What our encoders do not vary. */
const fixedKeys = {
  hidden_act: "gelu",
  feat_extract_activation: "gelu",
  add_adapter: false,
  conv_pos_batch_norm: false,
};

async function convertXVector(
  source: ImportSource,
  { json, hints }: { json: Json; hints: ImportHints },
): Promise<Imported> {
  const config = source.pathOf("config.json");
  requireKeys(json, fixedKeys, config);
  const { arrays: theirs, file } = await readHuggingfaceWeights(source);
  const { arrays, names } = ourNames(theirs);
  const defaults = { ...wavlmConfig(), ...headDefaults };
  const stated = optionsFrom(json, defaults, config);
  const maskedSpecEmbed = Object.hasOwn(arrays, "wavlm.masked_spec_embed");
  const useWeightedLayerSum = Object.hasOwn(arrays, "layer_weights");
  const options = { ...stated, maskedSpecEmbed, useWeightedLayerSum };
  checkSums(json, { useWeightedLayerSum, config, file });
  checkEncoder(options, { arrays, prefix: "wavlm.", config, weights: file });
  checkSizes(headClaims(options), { arrays, config, weights: file });
  const { classes, said } = await classesOf(json, { arrays, hints, config, file });
  const featureSettings = await waveformSettingsOf(source, hints.features);
  return {
    facts: {
      architecture: "wavlm",
      options: { ...options, numLabels: classes.length, tdnnLengths: "dilated", scale: 30 },
      channels: 1,
      viewing: { mode: "whole", frames: 48000, crops: 1, fixed: false },
      classes,
      featureSettings,
    },
    arrays,
    said,
    names,
    file,
  };
}

/** Options of the head as they are where config.json does not say. */
const headDefaults = {
  tdnnDim: [512, 512, 512, 512, 1500],
  tdnnKernel: [5, 3, 3, 1, 1],
  tdnnDilation: [1, 2, 3, 1, 1],
  xvectorOutputDim: 512,
} satisfies Partial<WavLMForXVectorOptions>;

/** Weights by our names, which are Hugging Face's but for the spelling of the positional convolution's. */
function ourNames(theirs: Readonly<ArrayDict>): { arrays: ArrayDict; names: Map<string, string> } {
  const arrays = weightNormNames(theirs), all = Object.keys(theirs);
  const names = Object.keys(arrays).map((name, i): [string, string] => [name, all[i]]);
  return { arrays, names: new Map(names.filter(([ours, theirs]) => ours !== theirs)) };
}

function checkSums(json: Json, { useWeightedLayerSum, config, file }: {
  useWeightedLayerSum: boolean;
  config: string;
  file: string;
}): void {
  const stated = json.use_weighted_layer_sum ?? false;
  if (stated === useWeightedLayerSum) return;
  const found = useWeightedLayerSum ? "has layer_weights" : "has no layer_weights";
  throw new RangeError(
    `Cannot import "${config}": use_weighted_layer_sum is ${JSON.stringify(stated)}, but "${file}" ${found}`,
  );
}

type EncoderOptions = ReturnType<typeof wavlmConfig>;

/** Compares an encoder's options with its weights. */
export function checkEncoder(options: EncoderOptions, { arrays, prefix, config, weights }: {
  readonly arrays: Readonly<ArrayDict>;
  /** What stands before the encoder's names. */
  readonly prefix: string;
  readonly config: string;
  readonly weights: string;
}): void {
  const count = (beginning: string, key: string, count: number) =>
    checkCount(arrays, prefix + beginning, { key, count, config });
  count("feature_extractor.conv_layers.", "length of conv_dim", options.convDim.length);
  count("encoder.layers.", "num_hidden_layers", options.numHiddenLayers);
  const claims = encoderClaims(options).map((
    [key, value, weight, axis],
  ): SizeClaim => [key, value, prefix + weight, axis]);
  checkSizes(claims, { arrays, config, weights });
}

function encoderClaims(options: EncoderOptions): SizeClaim[] {
  const { convDim, convKernel, hiddenSize, intermediateSize, numConvPosEmbeddings, numConvPosEmbeddingGroups } =
    options;
  const convolutions = convDim.flatMap((dim, i): SizeClaim[] => [
    [`conv_dim[${i}]`, dim, `feature_extractor.conv_layers.${i}.conv.weight`, 0],
    [`conv_kernel[${i}]`, convKernel[i], `feature_extractor.conv_layers.${i}.conv.weight`, 2],
  ]);
  const position = "encoder.pos_conv_embed.conv.weight_v", attention = "encoder.layers.0.attention";
  return [
    ...convolutions,
    ["hidden_size", hiddenSize, "encoder.layer_norm.weight", 0],
    ["intermediate_size", intermediateSize, "encoder.layers.0.feed_forward.intermediate_dense.weight", 0],
    ["num_conv_pos_embeddings", numConvPosEmbeddings, position, 2],
    ["hidden_size / num_conv_pos_embedding_groups", hiddenSize / numConvPosEmbeddingGroups, position, 1],
    ["num_buckets", options.numBuckets, `${attention}.rel_attn_embed.weight`, 0],
    ["num_attention_heads", options.numAttentionHeads, `${attention}.rel_attn_embed.weight`, 1],
  ];
}

function headClaims(
  { tdnnDim, xvectorOutputDim }: { tdnnDim: readonly number[]; xvectorOutputDim: number },
): SizeClaim[] {
  return [
    ...tdnnDim.map((dim, i): SizeClaim => [`tdnn_dim[${i}]`, dim, `tdnn.${i}.kernel.weight`, 0]),
    ["xvector_output_dim", xvectorOutputDim, "feature_extractor.weight", 0],
  ];
}

/** The speakers that `objective.weight` has columns for. */
async function classesOf(json: Json, { arrays, hints, config, file }: {
  arrays: Readonly<ArrayDict>;
  hints: ImportHints;
  config: string;
  file: string;
}): Promise<{ classes: string[]; said: string[] }> {
  const count = arrays["objective.weight"]?.shape[1] ?? 0;
  const { id2label } = json;
  if (hints.labels !== undefined || typeof id2label !== "object" || id2label === null) {
    return await labelsOf({ count, file: hints.labels, noun: "speaker" });
  }
  const labels = Object.entries(id2label);
  if (labels.length !== count) {
    throw new RangeError(
      `Cannot import "${config}": id2label names ${labels.length} classes, but objective.weight of "${file}" has ${count} columns`,
    );
  }
  const classes = labels.map((_, i) => (id2label as Json)[i]).map((name, i) => {
    if (typeof name === "string") return name;
    throw new RangeError(`Cannot import "${config}": id2label has no name for class ${i}`);
  });
  checkNames(classes, `id2label of "${config}"`);
  return { classes, said: [] };
}
