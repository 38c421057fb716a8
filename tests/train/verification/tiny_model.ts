/** A classifier with random weights that takes real waveforms, as bytes and loaded. @module */
import { encodeSafetensors } from "../../../data/files/mod.ts";
import { parseFeatureSettings } from "../../../data/features/mod.ts";
import { manualSeed } from "../../../tensor/mod.ts";
import { describeModel, modelToSave } from "../../../train/model_facts.ts";
import { type LoadedModel, modelFromBytes } from "../../../train/model_from_bytes.ts";
import { modelKinds } from "../../../train/models/mod.ts";
import type { TrainConfig } from "../../../train/train_config.ts";
import { smallConfig } from "../small_run.ts";

/** Samples a second of the model's recordings. */
export const sampleRate = 8000;
/** 40 ms windows, 20 ms apart, 8 bands. */
export const settings = parseFeatureSettings({ kind: "logMel", sampleRate, nFft: 320, hopLength: 160, nMels: 8 });

/** What to change about the model. */
export interface TinyOptions {
  readonly config?: Partial<TrainConfig>;
  /** Whether it says how its features are made. Default true. */
  readonly knowsFeatures?: boolean;
  readonly seed?: number;
}

/** The bytes of a model file. */
export async function tinyModelBytes(options: TinyOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  const { config: changes = {}, knowsFeatures = true, seed = 1 } = options;
  manualSeed(seed);
  const config = smallConfig({ pooling: "statistics", ...changes });
  const described = describeModel(config, 8, ["anna", "ben", "carl"]);
  const arrays = await modelKinds[config.model].build(described.options).stateArrays();
  const facts = { ...described, featureSettings: knowsFeatures ? settings : null, step: 7, accuracy: 0.5 };
  const saved = modelToSave(arrays, facts);
  return encodeSafetensors(saved.arrays, saved.metadata);
}

/** The same, loaded on the current device. */
export async function tinyModel(options: TinyOptions = {}): Promise<LoadedModel> {
  return await modelFromBytes(await tinyModelBytes(options), "tiny.safetensors");
}

/** A voice of sorts: harmonics of a pitch, some noise, for some seconds. */
export function voice(pitch: number, seconds: number, seed = 1): Float32Array {
  let state = seed;
  const noise = () => (state = (state * 16807) % 2147483647) / 2147483647 - 0.5;
  return Float32Array.from({ length: Math.round(seconds * sampleRate) }, (_, i) => {
    const t = i / sampleRate;
    let x = 0;
    for (let k = 1; k <= 6; k++) x += Math.sin(2 * Math.PI * pitch * k * t) / k;
    return 0.1 * x * (1 + 0.5 * Math.sin(7 * t)) + 0.02 * noise();
  });
}
