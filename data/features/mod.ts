/**
 * Waveforms to features: spectrogram, mel, log-mel and MFCC equal to torchaudio's, Kaldi's filter bank, the samples themselves, resampling.
 *
 * @module
 */
export { amplitudeToDb, type AmplitudeToDbOptions } from "./amplitude_to_db.ts";
export { createFeatures } from "./create.ts";
export { type FeatureExtractor, type FeatureFrames, toChannelsFirst } from "./extractor.ts";
export { Fft } from "./fft.ts";
export { hzToMel, type MelScale, melToHz } from "./filters.ts";
export { KaldiFbank } from "./kaldi_fbank.ts";
export { LogMel } from "./log_mel.ts";
export { MelSpectrogram } from "./mel_spectrogram.ts";
export { Mfcc } from "./mfcc.ts";
export { normalizeFrames } from "./normalize.ts";
export { resample, type ResampleOptions, Resampler } from "./resample.ts";
export {
  differingSettings,
  featureKinds,
  type FeatureOptions,
  type FeaturePresets,
  featurePresets,
  type FeatureSettings,
  featuresText,
  type KaldiFbankSettings,
  type LogMelSettings,
  type MelSettings,
  type MfccSettings,
  type Normalization,
  parseFeatureSettings,
  type SettingsOf,
  type SpectrogramSettings,
  type SpeechbrainFbankSettings,
  type WaveformSettings,
} from "./settings.ts";
export { framesOf, silenceOf } from "./silence.ts";
export { Spectrogram } from "./spectrogram.ts";
export { SpeechbrainFbank } from "./speechbrain_fbank.ts";
export { Waveform } from "./waveform.ts";
export { type WindowName } from "./window.ts";
