/** A tiny model as a file with its calibration beside it, and recordings that it tells apart. @module */
import { join } from "node:path";
import { encodeWav } from "../../../data/audio/mod.ts";
import { makeCalibration } from "../../../train/verification/calibration.ts";
import { calibrationPath, writeCalibration } from "../../../train/verification/calibration_file.ts";
import { modelFromBytes } from "../../../train/model_from_bytes.ts";
import type { TrainConfig } from "../../../train/train_config.ts";
import { sampleRate, tinyModelBytes, voice } from "./tiny_model.ts";

/** Options of {@linkcode writeVerifier}. */
export interface VerifierOptions {
  /** Name of the file; default tiny.safetensors. */
  readonly name?: string;
  readonly seed?: number;
  /** What to change about the model; default nothing. */
  readonly config?: Partial<TrainConfig>;
  /** Threshold of the calibration; null for none. Default 0.97, which tells pitches apart. */
  readonly threshold?: number | null;
}

/** Writes a model into a folder; gives its path. */
export async function writeVerifier(folder: string, options: VerifierOptions = {}): Promise<string> {
  const { name = "tiny.safetensors", seed, config, threshold = 0.97 } = options;
  const path = join(folder, name), bytes = await tinyModelBytes({ seed, config });
  await Deno.writeFile(path, bytes);
  if (threshold === null) return path;
  const { id: model } = await modelFromBytes(bytes, name);
  const measured = { eer: 0.05, minDcf: { "0.01": 0.4 }, far: 0.05, frr: 0.05, trials: { target: 10, nontarget: 90 } };
  const how = { scoring: "cosine", threshold, operatingPoint: { criterion: "eer" }, data: "made up" } as const;
  await writeCalibration(await calibrationPath(path), makeCalibration({ model, ...how, ...measured }));
  return path;
}

/** A recording as a WAV file. */
export function voiceWav(pitch: number, { seconds = 0.6, seed = 1 } = {}): Uint8Array<ArrayBuffer> {
  return encodeWav(voice(pitch, seconds, seed), sampleRate).slice();
}
