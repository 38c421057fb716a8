/** Sizes and kinds of a WavLM. @module */
import {
  checkSpeechEncoder,
  requireSizes,
  type SpeechEncoderConfig,
  speechEncoderDefaults,
} from "../speech_encoder/config.ts";

/** Keys of Hugging Face's config.json in camelCase, with its defaults, which are those of wavlm-base-plus. */
export interface WavLMConfig extends SpeechEncoderConfig {
  /** Classes of distances. Default 320. */
  numBuckets: number;
  /** Distance from which all are alike. Default 800. */
  maxBucketDistance: number;
}

/** What {@linkcode WavLMConfig} is where nothing else is said. */
export const wavlmDefaults: Readonly<WavLMConfig> = {
  ...speechEncoderDefaults,
  numBuckets: 320,
  maxBucketDistance: 800,
};

/** A complete config. RangeError as {@linkcode checkSpeechEncoder}, or where there are no classes of distances. */
export function wavlmConfig(options: Partial<WavLMConfig> = {}): WavLMConfig {
  const config = { ...wavlmDefaults, ...options }, { numBuckets, maxBucketDistance } = config;
  checkSpeechEncoder(config, "WavLM");
  requireSizes("WavLM", { numBuckets, maxBucketDistance });
  return config;
}
