import type { FeatureExtractor, FeatureFrames } from "./extractor.ts";
import { speechbrainFilters } from "./filters.ts";
import { MelBands } from "./mel_bands.ts";
import { normalizeFrames } from "./normalize.ts";
import { type FeatureOptions, resolveSettings, type SpeechbrainFbankSettings } from "./settings.ts";

/** From a natural logarithm to decibels. */
const DECIBELS = 10 / Math.LN10;

/**
 * Filter bank energies in decibels, equal to SpeechBrain's `Fbank` (`speechbrain.lobes.features`, checked against version 9c826ef). It
 * differs from a log-mel spectrogram by a Hamming window, zeros before and behind the recording instead of its mirror images, triangles that are as
 * wide to the right as to the left, and a cut `topDb` below the recording's largest value.
 *
 * The largest value is that of the whole waveform given: features of a part differ from that part of the features.
 */
export class SpeechbrainFbank implements FeatureExtractor {
  /** The complete settings. */
  readonly settings: SpeechbrainFbankSettings;
  /** Values a frame. */
  readonly channels: number;
  readonly #bands: MelBands;

  /**
   * Makes the tables; what is left out of the options takes its default.
   *
   * @throws TypeError or RangeError for settings that `parseFeatureSettings` would refuse.
   */
  constructor(options: FeatureOptions<"speechbrainFbank"> = {}) {
    const settings = this.settings = resolveSettings("speechbrainFbank", options);
    const spectrum = { ...settings, window: "hamming", power: 2, center: true, norm: null, melScale: "htk" } as const;
    this.#bands = new MelBands(spectrum, {
      log: { floor: settings.logFloor, mode: "clamp" },
      filters: speechbrainFilters(settings),
      padMode: "zeros",
    });
    this.channels = settings.nMels;
  }

  /** Number of frames that a waveform of `samples` samples gives. */
  frameCount(samples: number): number {
    return this.#bands.frameCount(samples);
  }

  /** Features of a mono waveform; see `FeatureExtractor.apply`. */
  apply(samples: Float32Array): FeatureFrames {
    const features = this.#bands.apply(samples), { data } = features, { topDb, normalize } = this.settings;
    let largest = -Infinity;
    for (let i = 0; i < data.length; i++) {
      data[i] *= DECIBELS;
      if (data[i] > largest) largest = data[i];
    }
    if (topDb !== null) {
      const least = largest - topDb;
      for (let i = 0; i < data.length; i++) if (data[i] < least) data[i] = least;
    }
    return normalizeFrames(features, normalize);
  }
}
