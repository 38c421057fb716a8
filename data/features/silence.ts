import { createFeatures } from "./create.ts";
import type { FeatureSettings } from "./settings.ts";

/** S0's value of a padded log-mel frame, for features of which nobody says how they were made. */
export const SILENCE: number = -20;

/**
 * What a frame of digital silence looks like, for padding: 0 would be loud in logarithmic features. It is what the
 * extractor itself makes of zeros: the logarithm of the floor for log-mel and Kaldi's energies, 0 for a spectrogram,
 * mel bands and waveforms, and of normalised features 0 as well: with the level of the recording their silence is gone, and 0 is its mean.
 *
 * @param settings of the features, or null where they are not known: −20 then, as S0 has it
 * @returns one number if all channels have the same, else (MFCC, energy beside bands) one for each channel
 */
export function silenceOf(settings: FeatureSettings | null): number | Float32Array {
  if (settings === null) return SILENCE;
  const { data, channels } = createFeatures(settings).apply(new Float32Array(1));
  const frame = data.slice(0, channels);
  return frame.every((value) => value === frame[0]) ? frame[0] : frame;
}

/**
 * Number of frames of a clip of so many seconds: with centred frames 1 + floor(samples / hopLength), so 501 for 5 s of the
 * preset `sound64`.
 *
 * @throws {RangeError} no clip is that long
 */
export function framesOf(seconds: number, settings: FeatureSettings): number {
  const samples = Math.round(seconds * settings.sampleRate);
  if (!(samples >= 1 && samples <= Number.MAX_SAFE_INTEGER)) {
    throw new RangeError(`Cannot count the frames of ${seconds} s: wanted at least one sample`);
  }
  return createFeatures(settings).frameCount(samples);
}

/** Samples that a frame's window covers: a shorter waveform is mostly padding. Of waveforms a frame is one sample. */
export function windowSamples(settings: FeatureSettings): number {
  if (settings.kind === "waveform") return 1;
  return settings.kind === "kaldiFbank"
    ? Math.floor(settings.sampleRate * settings.frameLength / 1000)
    : settings.winLength;
}

/** Whether no sample is further from 0 than one step of 16 bits: nothing that was recorded is that quiet. */
export function isSilent(samples: Float32Array): boolean {
  return samples.every((x) => Math.abs(x) <= 2 ** -15);
}
