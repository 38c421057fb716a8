/** The files of a model of Hugging Face: weights in one file or several, and how recordings are prepared. @module */
import type { FeatureSettings } from "../../data/features/mod.ts";
import { parseFeatureSettings } from "../../data/features/mod.ts";
import type { ArrayDict } from "../../data/files/mod.ts";
import type { ImportSource } from "./source.ts";

/** In the order of preference; an index lists the files of a model in several. */
const weightFiles = [
  "model.safetensors",
  "model.safetensors.index.json",
  "pytorch_model.bin",
  "pytorch_model.bin.index.json",
];

/** The weights of a folder and the path to name in errors. */
export async function readHuggingfaceWeights(source: ImportSource): Promise<{ arrays: ArrayDict; file: string }> {
  const name = weightFiles.find((name) => source.files.has(name));
  if (name === undefined) {
    throw new Error(
      `Cannot import "${source.path}": it has a config.json, but neither model.safetensors nor pytorch_model.bin`,
    );
  }
  const file = source.pathOf(name);
  if (name.endsWith(".json")) return { arrays: await readSharded(source, name), file };
  return { arrays: (await source.weights(name)).arrays, file };
}

/** The weights that an index lists, each from its file. */
async function readSharded(source: ImportSource, index: string): Promise<ArrayDict> {
  const path = source.pathOf(index);
  const { weight_map: map } = await source.json(index);
  if (typeof map !== "object" || map === null || Array.isArray(map)) {
    throw new SyntaxError(`Cannot import "${path}": weight_map is missing`);
  }
  const byFile = Map.groupBy(Object.entries(map), ([, file]) => file);
  const found: [string, ArrayDict[string]][] = [];
  for (const [file, entries] of byFile) {
    if (typeof file !== "string" || file.includes("/") || !source.files.has(file)) {
      throw new Error(`Cannot import "${path}": it names ${JSON.stringify(file)}, which is no file of the folder`);
    }
    const { arrays } = await source.weights(file);
    for (const [name] of entries) {
      if (!Object.hasOwn(arrays, name)) {
        throw new Error(`Cannot import "${source.pathOf(file)}": it has no ${name}, which "${path}" looks for there`);
      }
      found.push([name, arrays[name]]);
    }
  }
  return Object.fromEntries(found);
}

/**
 * How recordings are prepared: what preprocessor_config.json says, which is not the default of Hugging Face's class.
 *
 * @throws {Error} It is missing and the user has not said either, or asks for what our waveforms do not do.
 */
export async function waveformSettingsOf(source: ImportSource, features: string | undefined): Promise<FeatureSettings> {
  const name = "preprocessor_config.json";
  if (features !== undefined) return waveformOnly(parseFeatureSettings(features), features);
  if (!source.files.has(name)) {
    throw new Error(
      `Cannot import "${source.path}": it holds no ${name}, which says how recordings are prepared; ` +
        "say it by --features waveform, or waveform-normalized where its do_normalize was true",
    );
  }
  const { do_normalize: normalize = true, sampling_rate: sampleRate = 16000 } = await source.json(name);
  if (typeof normalize !== "boolean") {
    throw new RangeError(
      `Cannot import "${source.pathOf(name)}": do_normalize is ${JSON.stringify(normalize)}, expected true or false`,
    );
  }
  if (typeof sampleRate !== "number") {
    throw new RangeError(
      `Cannot import "${source.pathOf(name)}": sampling_rate is ${JSON.stringify(sampleRate)}, expected a number`,
    );
  }
  return parseFeatureSettings({ kind: "waveform", sampleRate, normalize: normalize ? "layer" : "none" });
}

function waveformOnly(settings: FeatureSettings, given: string): FeatureSettings {
  if (settings.kind === "waveform") return settings;
  throw new RangeError(
    `Cannot use --features "${given}": this model listens to waveforms; give waveform or waveform-normalized`,
  );
}
