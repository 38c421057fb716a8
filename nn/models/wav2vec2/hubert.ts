/** HuBERT, an encoder of speech. @module */
import { type SpeechEncoderConfig, speechEncoderDefaults } from "../speech_encoder/config.ts";
import { SpeechEncoderModel } from "../speech_encoder/model.ts";
import { Wav2Vec2Attention } from "./attention.ts";

/** Keys of Hugging Face's config.json in camelCase, with its defaults, which are those of hubert-base-ls960. */
export interface HubertConfig extends SpeechEncoderConfig {
  /** Whether what the convolutions made is normalised before its projection. Default true. */
  featProjLayerNorm: boolean;
}

/** The encoder of HuBERT (Hsu et al. 2021, arXiv 2106.07447) under Hugging Face's names: that of wav2vec 2.0, trained otherwise. */
export class HubertModel extends SpeechEncoderModel<HubertConfig, Wav2Vec2Attention> {
  /** A model with fresh weights. RangeError where no model can be made of the options. */
  constructor(options: Partial<HubertConfig> = {}) {
    const config = { ...speechEncoderDefaults, featProjLayerNorm: true, ...options };
    const { hiddenSize, numAttentionHeads, attentionDropout: dropout, featProjLayerNorm } = config;
    const attentionOf = () => new Wav2Vec2Attention(hiddenSize, numAttentionHeads, { dropout });
    super(config, { name: "HuBERT", attentionOf, featProjLayerNorm });
  }
}
