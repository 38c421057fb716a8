import type { FeatureExtractor, FeatureFrames } from "./extractor.ts";
import { type FilterBank, melFilters } from "./filters.ts";
import { type FeatureOptions, type MelSettings, resolveSettings } from "./settings.ts";
import { ShortTimePower } from "./short_time_power.ts";
import { raise } from "./spectrogram.ts";

/**
 * Mel spectrogram, equal to `torchaudio.transforms.MelSpectrogram`. Every filter is applied to the few frequencies
 * where it is not zero.
 */
export class MelSpectrogram implements FeatureExtractor {
  /** The complete settings. */
  readonly settings: MelSettings;
  /** Values a frame. */
  readonly channels: number;
  readonly #stft: ShortTimePower;
  readonly #filters: FilterBank;

  /**
   * Makes the tables; what is left out of the options takes its default.
   *
   * @throws TypeError or RangeError for settings that `parseFeatureSettings` would refuse.
   */
  constructor(options: FeatureOptions<"mel"> = {}) {
    this.settings = resolveSettings("mel", options);
    this.#stft = new ShortTimePower(this.settings);
    this.#filters = melFilters(this.settings);
    this.channels = this.settings.nMels;
  }

  /** Number of frames that a waveform of `samples` samples gives. */
  frameCount(samples: number): number {
    return this.#stft.frameCount(samples);
  }

  /** Features of a mono waveform; see `FeatureExtractor.apply`. */
  apply(samples: Float32Array): FeatureFrames {
    const { channels } = this, frames = this.frameCount(samples.length), data = new Float32Array(frames * channels);
    const exponent = this.settings.power / 2, filters = this.#filters;
    this.#stft.forEach(samples, (t, power) => {
      raise(power, exponent);
      filters.apply(power, data, t * channels);
    });
    return { data, frames, channels };
  }
}
