/** WavLM, an encoder of speech. @module */
import { SpeechEncoderModel } from "../speech_encoder/model.ts";
import { layerAttention, type WavLMAttention } from "./attention.ts";
import { type WavLMConfig, wavlmConfig } from "./config.ts";

/** WavLM (Chen et al. 2022, arXiv 2110.13900) under Hugging Face's names. */
export class WavLMModel extends SpeechEncoderModel<WavLMConfig, WavLMAttention> {
  /** A model with fresh weights. RangeError as {@linkcode wavlmConfig}. */
  constructor(options: Partial<WavLMConfig> = {}) {
    const config = wavlmConfig(options);
    super(config, { name: "WavLM", attentionOf: (layer) => layerAttention(config, layer) });
  }
}
