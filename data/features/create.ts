import type { FeatureExtractor } from "./extractor.ts";
import { KaldiFbank } from "./kaldi_fbank.ts";
import { LogMel } from "./log_mel.ts";
import { MelSpectrogram } from "./mel_spectrogram.ts";
import { Mfcc } from "./mfcc.ts";
import { type FeatureSettings, parseFeatureSettings } from "./settings.ts";
import { Spectrogram } from "./spectrogram.ts";
import { SpeechbrainFbank } from "./speechbrain_fbank.ts";
import { Waveform } from "./waveform.ts";

/**
 * The extractor for settings, a partial settings object with `kind`, or a preset's name.
 *
 * @example
 * ```ts
 * import { createFeatures } from "./create.ts";
 * const features = createFeatures("hw4");
 * const { data, frames, channels } = features.apply(new Float32Array(16000));
 * console.assert(frames === 101 && channels === 40 && data.length === 4040);
 * ```
 * @throws TypeError or RangeError as {@linkcode parseFeatureSettings} does.
 */
export function createFeatures(
  settings: FeatureSettings | string | Readonly<Record<string, unknown>>,
): FeatureExtractor {
  const parsed = parseFeatureSettings(settings);
  switch (parsed.kind) {
    case "spectrogram":
      return new Spectrogram(optionsOf(parsed));
    case "mel":
      return new MelSpectrogram(optionsOf(parsed));
    case "logMel":
      return new LogMel(optionsOf(parsed));
    case "mfcc":
      return new Mfcc(optionsOf(parsed));
    case "kaldiFbank":
      return new KaldiFbank(optionsOf(parsed));
    case "waveform":
      return new Waveform(optionsOf(parsed));
    case "speechbrainFbank":
      return new SpeechbrainFbank(optionsOf(parsed));
  }
}

function optionsOf<S extends FeatureSettings>({ kind: _, ...options }: S): Omit<S, "kind"> {
  return options;
}
