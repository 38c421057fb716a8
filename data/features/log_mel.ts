import type { FeatureExtractor, FeatureFrames } from "./extractor.ts";
import { logInPlace } from "./fast_log.ts";
import { MelSpectrogram } from "./mel_spectrogram.ts";
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
  readonly #mel: MelSpectrogram;

  /**
   * Makes the tables; what is left out of the options takes its default.
   *
   * @throws TypeError or RangeError for settings that `parseFeatureSettings` would refuse.
   */
  constructor(options: FeatureOptions<"logMel"> = {}) {
    this.settings = resolveSettings("logMel", options);
    const { kind: _, logFloor: _floor, logMode: _mode, ...mel } = this.settings;
    this.#mel = new MelSpectrogram(mel);
    this.channels = mel.nMels;
  }

  /** Number of frames that a waveform of `samples` samples gives. */
  frameCount(samples: number): number {
    return this.#mel.frameCount(samples);
  }

  /** Features of a mono waveform; see `FeatureExtractor.apply`. */
  apply(samples: Float32Array): FeatureFrames {
    const result = this.#mel.apply(samples), { data } = result, { logFloor, logMode } = this.settings;
    if (logMode === "add") { for (let i = 0; i < data.length; i++) data[i] += logFloor; }
    else for (let i = 0; i < data.length; i++) data[i] = data[i] > logFloor ? data[i] : logFloor;
    logInPlace(data);
    return result;
  }
}
