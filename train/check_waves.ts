/** Whether what a config says of chunks and of their augmentation fits together. @module */
import { parseFeatureSettings } from "../data/features/settings.ts";
import type { TrainConfig } from "./train_config.ts";

/**
 * Checks the keys of training on waveforms; that a data set of features cannot be cut to chunks is said where it is opened.
 *
 * @throws {RangeError} Where they do not fit.
 */
export function checkWaves(config: TrainConfig): void {
  const { chunkSeconds, features } = config, { sampleRate } = parseFeatureSettings(features);
  if (chunkSeconds > 0 && chunkSeconds * sampleRate < 1) {
    throw new RangeError(`Cannot train on chunks of ${chunkSeconds} s: that is no sample at ${sampleRate} Hz`);
  }
  checkRanges(config);
  checkSpeeds(config);
  const asked = askedFor(config);
  if (chunkSeconds > 0 || asked === undefined) return;
  throw new RangeError(
    `Cannot augment waveforms by ${asked}: chunkSeconds is 0, so training sees features; set it to 3`,
  );
}

function checkRanges({ noiseSnr, volume }: TrainConfig): void {
  for (const [key, [low, high]] of Object.entries({ noiseSnr, volume })) {
    if (low <= high) continue;
    throw new RangeError(`Cannot draw ${key} from ${low} to ${high} dB: the first is above the second`);
  }
}

function checkSpeeds({ speeds, speedClasses }: TrainConfig): void {
  const all = new Set(speeds);
  if (all.size < speeds.length) throw new RangeError(`Cannot draw speeds from ${speeds.join()}: one is there twice`);
  if (!speedClasses || all.has(1) && all.size > 1) return;
  const found = speeds.length > 0 ? speeds.join() : "none";
  throw new RangeError(
    `Cannot make speeds classes of their own: speeds are ${found}, wanted 1 and others, as 0.9,1,1.1`,
  );
}

/** The first augmentation of waveforms that a config turns on. */
function askedFor({ noise, reverb, speeds, volume }: TrainConfig): string | undefined {
  if (noise !== "") return `noise "${noise}"`;
  if (reverb !== "") return `reverb "${reverb}"`;
  if (speeds.length > 0) return `speeds ${speeds.join()}`;
  return volume.some((gain) => gain !== 0) ? `volume ${volume.join()}` : undefined;
}
