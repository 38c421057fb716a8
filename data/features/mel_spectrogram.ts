import type { FeatureExtractor, FeatureFrames } from "./extractor.ts";
import { MelBands } from "./mel_bands.ts";
import { normalizeFrames } from "./normalize.ts";
import { type FeatureOptions, type MelSettings, resolveSettings } from "./settings.ts";

/**
 * Mel spectrogram, equal to `torchaudio.transforms.MelSpectrogram`. Every filter is applied to the few frequencies
 * where it is not zero.
 */
export class MelSpectrogram implements FeatureExtractor {
  /** The complete settings. */
  readonly settings: MelSettings;
  /** Values a frame. */
  readonly channels: number;
  readonly #bands: MelBands;

  /**
   * Makes the tables; what is left out of the options takes its default.
   *
   * @throws TypeError or RangeError for settings that `parseFeatureSettings` would refuse.
   */
  constructor(options: FeatureOptions<"mel"> = {}) {
    this.settings = resolveSettings("mel", options);
    this.#bands = new MelBands(this.settings);
    this.channels = this.settings.nMels;
  }

  /** Number of frames that a waveform of `samples` samples gives. */
  frameCount(samples: number): number {
    return this.#bands.frameCount(samples);
  }

  /** Features of a mono waveform; see `FeatureExtractor.apply`. */
  apply(samples: Float32Array): FeatureFrames {
    return normalizeFrames(this.#bands.apply(samples), this.settings.normalize);
  }
}
