import { amplitudeToDb } from "./amplitude_to_db.ts";
import type { FeatureExtractor, FeatureFrames } from "./extractor.ts";
import { MelSpectrogram } from "./mel_spectrogram.ts";
import { normalizeFrames } from "./normalize.ts";
import { type FeatureOptions, type MfccSettings, resolveSettings } from "./settings.ts";

/**
 * Mel-frequency cepstral coefficients, equal to `torchaudio.transforms.MFCC`: the orthonormal DCT-II of the mel
 * spectrogram in decibels, cut 80 dB below the recording's maximum.
 */
export class Mfcc implements FeatureExtractor {
  /** The complete settings. */
  readonly settings: MfccSettings;
  /** Values a frame. */
  readonly channels: number;
  readonly #mel: MelSpectrogram;
  readonly #dct: Float64Array;

  /**
   * Makes the tables; what is left out of the options takes its default.
   *
   * @throws TypeError or RangeError for settings that `parseFeatureSettings` would refuse.
   */
  constructor(options: FeatureOptions<"mfcc"> = {}) {
    this.settings = resolveSettings("mfcc", options);
    const { kind: _, nMfcc, topDb: _top, ...mel } = this.settings;
    this.#mel = new MelSpectrogram({ ...mel, normalize: "none" });
    this.#dct = dctMatrix(nMfcc, mel.nMels);
    this.channels = nMfcc;
  }

  /** Number of frames that a waveform of `samples` samples gives. */
  frameCount(samples: number): number {
    return this.#mel.frameCount(samples);
  }

  /** Features of a mono waveform; see `FeatureExtractor.apply`. */
  apply(samples: Float32Array): FeatureFrames {
    const mel = this.#mel.apply(samples), { frames, channels: bands } = mel, { channels } = this, dct = this.#dct;
    const db = amplitudeToDb(mel.data, { topDb: this.settings.topDb });
    const data = new Float32Array(frames * channels);
    for (let t = 0; t < frames; t++) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let m = 0; m < bands; m++) sum += dct[c * bands + m] * db[t * bands + m];
        data[t * channels + c] = sum;
      }
    }
    return normalizeFrames({ data, frames, channels }, this.settings.normalize);
  }
}

/** Row c holds coefficient c of an orthonormal DCT-II of `bands` points. */
function dctMatrix(coefficients: number, bands: number): Float64Array {
  return Float64Array.from({ length: coefficients * bands }, (_, i) => {
    const c = Math.floor(i / bands), m = i % bands;
    return Math.sqrt((c === 0 ? 1 : 2) / bands) * Math.cos(Math.PI / bands * (m + 0.5) * c);
  });
}
