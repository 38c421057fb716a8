/** A folder as Hugging Face's `save_pretrained` makes it, of a tiny WavLM. */
import { join } from "node:path";
import { type ArrayDict, writeSafetensors } from "../../../data/files/mod.ts";
import { WavLMForXVector } from "../../../nn/mod.ts";

/** Keys of config.json that a test changes. */
export type Changes = Readonly<Record<string, unknown>>;

export const tinyConfig = {
  architectures: ["WavLMForXVector"],
  model_type: "wavlm",
  hidden_act: "gelu",
  feat_extract_activation: "gelu",
  hidden_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 24,
  conv_dim: [8, 8],
  conv_kernel: [10, 8],
  conv_stride: [5, 4],
  num_conv_pos_embeddings: 8,
  num_conv_pos_embedding_groups: 4,
  num_buckets: 32,
  max_bucket_distance: 80,
  use_weighted_layer_sum: true,
  tdnn_dim: [12, 20],
  tdnn_kernel: [5, 3],
  tdnn_dilation: [1, 2],
  xvector_output_dim: 10,
  id2label: { "0": "id1", "1": "id2", "2": "id3" },
  label2id: { id1: 0, id2: 1, id3: 2 },
};

export function tinyModel(): WavLMForXVector {
  return new WavLMForXVector({
    ...{ hiddenSize: 16, numHiddenLayers: 2, numAttentionHeads: 2, intermediateSize: 24, convDim: [8, 8] },
    ...{ convKernel: [10, 8], convStride: [5, 4], numConvPosEmbeddings: 8, numConvPosEmbeddingGroups: 4 },
    ...{ numBuckets: 32, maxBucketDistance: 80, useWeightedLayerSum: true, tdnnDim: [12, 20], tdnnKernel: [5, 3] },
    ...{ tdnnDilation: [1, 2], xvectorOutputDim: 10, numLabels: 3 },
  }).eval();
}

export interface FolderParts {
  readonly config?: Changes;
  readonly arrays: ArrayDict;
  /** null for no such file. */
  readonly preprocessor?: Changes | null;
}

/** Writes the folder. */
export async function writeFolder(
  folder: string,
  { config = {}, arrays, preprocessor = {} }: FolderParts,
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const json = (name: string, value: object) => Deno.writeTextFile(join(folder, name), JSON.stringify(value));
  await json("config.json", { ...tinyConfig, ...config });
  if (preprocessor !== null) {
    await json("preprocessor_config.json", { do_normalize: true, sampling_rate: 16000, ...preprocessor });
  }
  await writeSafetensors(join(folder, "model.safetensors"), arrays, { format: "pt" });
}
