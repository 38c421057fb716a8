/** What the importers of Hugging Face's encoders of speech share. @module */
import type { ArrayDict } from "../../data/files/mod.ts";
import { type SpeechEncoderConfig, type WavLMConfig, weightNormNames } from "../../nn/mod.ts";
import { checkCount, checkSizes, type SizeClaim } from "./huggingface_config.ts";
import type { ImportHints } from "./importer.ts";
import { checkNames, labelsOf } from "./labels.ts";

/** A parsed config.json. */
export type Json = Readonly<Record<string, unknown>>;

/** What our encoders do not vary. */
export const fixedKeys = {
  hidden_act: "gelu",
  feat_extract_activation: "gelu",
  add_adapter: false,
  conv_pos_batch_norm: false,
};

/** Weights by our names, which are Hugging Face's but for the spelling of the positional convolution's. */
export function ourNames(theirs: Readonly<ArrayDict>): { arrays: ArrayDict; names: Map<string, string> } {
  const arrays = weightNormNames(theirs), all = Object.keys(theirs);
  const names = Object.keys(arrays).map((name, i): [string, string] => [name, all[i]]);
  return { arrays, names: new Map(names.filter(([ours, theirs]) => ours !== theirs)) };
}

/**
 * Whether a model weighs its hidden states.
 *
 * @throws {RangeError} config.json says otherwise than the weights.
 */
export function weighsLayers(json: Json, { arrays, config, file }: {
  readonly arrays: Readonly<ArrayDict>;
  readonly config: string;
  readonly file: string;
}): boolean {
  const found = Object.hasOwn(arrays, "layer_weights"), stated = json.use_weighted_layer_sum ?? false;
  if (stated === found) return found;
  const has = found ? "has layer_weights" : "has no layer_weights";
  throw new RangeError(
    `Cannot import "${config}": use_weighted_layer_sum is ${JSON.stringify(stated)}, but "${file}" ${has}`,
  );
}

type EncoderOptions = SpeechEncoderConfig & Partial<Pick<WavLMConfig, "numBuckets">>;

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
  const buckets: SizeClaim[] = options.numBuckets === undefined ? [] : [
    ["num_buckets", options.numBuckets, `${attention}.rel_attn_embed.weight`, 0],
    ["num_attention_heads", options.numAttentionHeads, `${attention}.rel_attn_embed.weight`, 1],
  ];
  return [
    ...convolutions,
    ["hidden_size", hiddenSize, "encoder.layer_norm.weight", 0],
    ["intermediate_size", intermediateSize, "encoder.layers.0.feed_forward.intermediate_dense.weight", 0],
    ["num_conv_pos_embeddings", numConvPosEmbeddings, position, 2],
    ["hidden_size / num_conv_pos_embedding_groups", hiddenSize / numConvPosEmbeddingGroups, position, 1],
    ...buckets,
  ];
}

/** The classes that a weight has rows or columns for, by the names of id2label, `--labels`, or numbers. */
export async function classesOf(json: Json, { count, noun, weight, hints, config }: {
  readonly count: number;
  /** What to call a class that has no name. */
  readonly noun: string;
  /** The weight that has a place for each class, for messages. */
  readonly weight: string;
  readonly hints: ImportHints;
  readonly config: string;
}): Promise<{ classes: string[]; said: string[] }> {
  const { id2label } = json;
  if (hints.labels !== undefined || typeof id2label !== "object" || id2label === null) {
    return await labelsOf({ count, file: hints.labels, noun });
  }
  const labels = Object.entries(id2label);
  if (labels.length !== count) {
    throw new RangeError(
      `Cannot import "${config}": id2label names ${labels.length} classes, but ${weight} has places for ${count}`,
    );
  }
  const classes = labels.map((_, i) => (id2label as Json)[i]).map((name, i) => {
    if (typeof name === "string") return name;
    throw new RangeError(`Cannot import "${config}": id2label has no name for class ${i}`);
  });
  checkNames(classes, `id2label of "${config}"`);
  return { classes, said: [] };
}
