import type { FeatureExtractor, FeatureFrames } from "./extractor.ts";
import { MelBands } from "./mel_bands.ts";
import { normalizeFrames } from "./normalize.ts";
import { type FeatureOptions, type LogMelSettings, resolveSettings } from "./settings.ts";

/**
 * Natural logarithm of a mel spectrogram, of values clamped at `logFloor` or with `logFloor` added, never of 0. The
 * preset `hw4` gives the features of the HW4 data.
 */
export class LogMel implements FeatureExtractor {
  /** The complete settings. */
  readonly settings: LogMelSettings;
  /** Values a frame. */
  readonly channels: number;
  readonly #bands: MelBands;

  /**
   * Makes the tables; what is left out of the options takes its default.
   *
   * @throws TypeError or RangeError for settings that `parseFeatureSettings` would refuse.
   */
  constructor(options: FeatureOptions<"logMel"> = {}) {
    this.settings = resolveSettings("logMel", options);
    const { logFloor: floor, logMode: mode } = this.settings;
    this.#bands = new MelBands(this.settings, { log: { floor, mode } });
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
