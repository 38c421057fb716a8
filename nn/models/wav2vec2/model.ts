/** wav2vec 2.0, an encoder of speech. @module */
import { type SpeechEncoderConfig, speechEncoderDefaults } from "../speech_encoder/config.ts";
import { SpeechEncoderModel } from "../speech_encoder/model.ts";
import { Wav2Vec2Attention } from "./attention.ts";

/**
 * The encoder of wav2vec 2.0 (Baevski et al. 2020, arXiv 2006.11477) under Hugging Face's names, without the quantiser that only pre-training uses. The
 * defaults are those of wav2vec2-base; wav2vec2-large-lv60 has `featExtractNorm: "layer"`, `convBias: true` and `doStableLayerNorm: true`.
 */
export class Wav2Vec2Model extends SpeechEncoderModel<SpeechEncoderConfig, Wav2Vec2Attention> {
  /** A model with fresh weights. RangeError where no model can be made of the options. */
  constructor(options: Partial<SpeechEncoderConfig> = {}) {
    const config = { ...speechEncoderDefaults, ...options };
    const { hiddenSize, numAttentionHeads, attentionDropout: dropout } = config;
    const attentionOf = () => new Wav2Vec2Attention(hiddenSize, numAttentionHeads, { dropout });
    super(config, { name: "wav2vec 2.0", attentionOf });
  }
}
