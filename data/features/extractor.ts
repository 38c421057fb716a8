import type { FeatureSettings } from "./settings.ts";

/** Features of one waveform: `data[t * channels + c]` is channel c of frame t. */
export interface FeatureFrames {
  /** `frames` × `channels` values, frame after frame; where a frame is a sample maybe the waveform itself: read only. */
  data: Float32Array;
  /** Number of frames. */
  frames: number;
  /** Values a frame. */
  channels: number;
}

/**
 * Turns waveforms into features. Tables are made once, so keep the object; it holds scratch memory, so one belongs to
 * one thread.
 */
export interface FeatureExtractor {
  /** The complete settings it was made from. */
  readonly settings: FeatureSettings;
  /** Values a frame. */
  readonly channels: number;
  /** Number of frames that a waveform of `samples` samples gives. */
  frameCount(samples: number): number;
  /**
   * Features of a mono waveform at the settings' sample rate. A waveform too short for its padding or for one frame
   * is continued with zeros, so that every recording gives at least one frame.
   *
   * @throws RangeError for an empty waveform and for a sample that is NaN or infinite.
   */
  apply(samples: Float32Array): FeatureFrames;
}

/** Throws if a waveform is empty or has a sample that is not finite. */
export function checkWaveform(samples: Float32Array): void {
  if (samples.length === 0) throw new RangeError("Cannot compute features: the waveform is empty");
  // A product with 0 is 0 unless the sample is NaN or infinite: one test for the whole waveform.
  // Four sums, because one would wait for its own last addition at every sample.
  let a = 0, b = 0, c = 0, d = 0, i = 0;
  for (const end = samples.length - 3; i < end; i += 4) {
    a += samples[i] * 0;
    b += samples[i + 1] * 0;
    c += samples[i + 2] * 0;
    d += samples[i + 3] * 0;
  }
  for (; i < samples.length; i++) a += samples[i] * 0;
  if (a + b + c + d === 0) return;
  const at = samples.findIndex((x) => !Number.isFinite(x));
  throw new RangeError(`Cannot compute features: sample ${at} of ${samples.length} is ${samples[at]}`);
}

/** The same features in torchaudio's layout, (channels, frames): `out[c * frames + t]`. */
export function toChannelsFirst({ data, frames, channels }: FeatureFrames): Float32Array {
  const out = new Float32Array(data.length);
  for (let t = 0; t < frames; t++) {
    for (let c = 0; c < channels; c++) out[c * frames + t] = data[t * channels + c];
  }
  return out;
}
