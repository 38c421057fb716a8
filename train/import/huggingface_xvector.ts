/** Hugging Face's WavLMForXVector. @module */
import type { ArrayDict } from "../../data/files/mod.ts";
import { wavlmConfig, type WavLMForXVectorOptions } from "../../nn/mod.ts";
import { checkSizes, optionsFrom, requireKeys, type SizeClaim } from "./huggingface_config.ts";
import { readHuggingfaceWeights, waveformSettingsOf } from "./huggingface_files.ts";
import { checkEncoder, classesOf, fixedKeys, type Json, ourNames, weighsLayers } from "./huggingface_speech.ts";
import type { Imported, ImportHints } from "./importer.ts";
import type { ImportSource } from "./source.ts";

/** Converts a folder whose config.json is `json`; errors as of `Importer.convert`. */
export async function convertXVector(
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
  const useWeightedLayerSum = weighsLayers(json, { arrays, config, file });
  const options = { ...stated, maskedSpecEmbed, useWeightedLayerSum };
  checkEncoder(options, { arrays, prefix: "wavlm.", config, weights: file });
  checkSizes(headClaims(options), { arrays, config, weights: file });
  const { classes, said } = await classesOf(json, { ...objectiveOf(arrays, file), hints, config });
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

/** The weight that has a column for each speaker. */
function objectiveOf(arrays: Readonly<ArrayDict>, file: string) {
  const count = arrays["objective.weight"]?.shape[1] ?? 0;
  return { count, noun: "speaker", weight: `objective.weight of "${file}"` };
}

function headClaims(
  { tdnnDim, xvectorOutputDim }: { tdnnDim: readonly number[]; xvectorOutputDim: number },
): SizeClaim[] {
  return [
    ...tdnnDim.map((dim, i): SizeClaim => [`tdnn_dim[${i}]`, dim, `tdnn.${i}.kernel.weight`, 0]),
    ["xvector_output_dim", xvectorOutputDim, "feature_extractor.weight", 0],
  ];
}
