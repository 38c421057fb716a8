import type { FeatureExtractor, FeatureFrames } from "./extractor.ts";
import { normalizeFrames } from "./normalize.ts";
import { type FeatureOptions, resolveSettings, type SpectrogramSettings } from "./settings.ts";
import { ShortTimePower } from "./short_time_power.ts";

/**
 * Spectrogram |STFT|^power, equal to `torchaudio.transforms.Spectrogram`; channel c is the frequency
 * c * sampleRate / nFft.
 *
 * @example
 * ```ts
 * import { Spectrogram } from "./spectrogram.ts";
 * const { frames, channels } = new Spectrogram({ nFft: 400, hopLength: 160 }).apply(new Float32Array(16000));
 * console.assert(frames === 101 && channels === 201);
 * ```
 */
export class Spectrogram implements FeatureExtractor {
  /** The complete settings. */
  readonly settings: SpectrogramSettings;
  /** Values a frame. */
  readonly channels: number;
  readonly #stft: ShortTimePower;

  /**
   * Makes the tables; what is left out of the options takes its default.
   *
   * @throws TypeError or RangeError for settings that `parseFeatureSettings` would refuse.
   */
  constructor(options: FeatureOptions<"spectrogram"> = {}) {
    this.settings = resolveSettings("spectrogram", options);
    this.#stft = new ShortTimePower(this.settings);
    this.channels = this.#stft.bins;
  }

  /** Number of frames that a waveform of `samples` samples gives. */
  frameCount(samples: number): number {
    return this.#stft.frameCount(samples);
  }

  /** Features of a mono waveform; see `FeatureExtractor.apply`. */
  apply(samples: Float32Array): FeatureFrames {
    const { channels } = this, frames = this.frameCount(samples.length), data = new Float32Array(frames * channels);
    const exponent = this.settings.power / 2;
    this.#stft.forEach(samples, (t, power) => {
      raise(power, exponent);
      data.set(power, t * channels);
    });
    return normalizeFrames({ data, frames, channels }, this.settings.normalize);
  }
}

/** Raises every value to `exponent`, in place. */
export function raise(values: Float64Array, exponent: number): void {
  if (exponent === 1) return;
  for (let i = 0; i < values.length; i++) {
    values[i] = exponent === 0.5 ? Math.sqrt(values[i]) : Math.pow(values[i], exponent);
  }
}
