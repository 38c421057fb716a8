/**
 * Waveforms as features, for models that listen to samples (wav2vec 2.0, HuBERT, WavLM).
 */
import { checkWaveform, type FeatureExtractor, type FeatureFrames } from "./extractor.ts";
import { type FeatureOptions, resolveSettings, type WaveformSettings } from "./settings.ts";

/** What Hugging Face's `Wav2Vec2FeatureExtractor` adds to the variance before it takes the root. */
const EPSILON = 1e-7;

/**
 * The samples themselves: a "frame" is one sample, with one channel. `normalize: "layer"` gives them zero mean and unit variance over all
 * that `apply` is given, (x − mean) / √(variance + 1e-7), the variance over n, as Hugging Face's `do_normalize`.
 *
 * @example
 * ```ts
 * import { Waveform } from "./waveform.ts";
 * const { data, frames, channels } = new Waveform({ normalize: "layer" }).apply(Float32Array.of(0, 2, 4));
 * console.assert(frames === 3 && channels === 1 && Math.abs(data[2] - Math.sqrt(1.5)) < 1e-6);
 * ```
 */
export class Waveform implements FeatureExtractor {
  /** The complete settings. */
  readonly settings: WaveformSettings;
  /** Values a frame. */
  readonly channels = 1;

  /**
   * What is left out of the options takes its default.
   *
   * @throws TypeError or RangeError for settings that `parseFeatureSettings` would refuse.
   */
  constructor(options: FeatureOptions<"waveform"> = {}) {
    this.settings = resolveSettings("waveform", options);
  }

  /** Number of frames of a waveform: its samples. */
  frameCount(samples: number): number {
    return samples;
  }

  /** The samples; not a copy where nothing is normalised. See `FeatureExtractor.apply`. */
  apply(samples: Float32Array): FeatureFrames {
    checkWaveform(samples);
    const data = this.settings.normalize === "layer" ? standardized(samples) : samples;
    return { data, frames: data.length, channels: this.channels };
  }
}

/** Zero mean and unit variance. */
function standardized(samples: Float32Array): Float32Array {
  let sum = 0, squares = 0;
  for (const x of samples) sum += x;
  const mean = sum / samples.length;
  for (const x of samples) squares += (x - mean) ** 2;
  const scale = 1 / Math.sqrt(squares / samples.length + EPSILON);
  return samples.map((x) => (x - mean) * scale);
}
