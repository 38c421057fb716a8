/** What WavLM, wav2vec 2.0 and HuBERT are made of. @module */
import { type Tensor, where } from "../../../tensor/mod.ts";
import { uniform } from "../../init.ts";
import { Module } from "../../module.ts";
import { Parameter } from "../../parameter.ts";
import { checkSpeechEncoder, type SpeechEncoderConfig } from "./config.ts";
import { type EncoderAttention, SpeechEncoder } from "./encoder.ts";
import { FeatureEncoder, FeatureProjection } from "./feature_encoder.ts";
import { frameLengthsOf, samplesFor } from "./lengths.ts";
import { randomSpans } from "./random_masks.ts";

/** Options of {@linkcode SpeechEncoderModel.forward}. */
export interface SpeechEncoderForwardOptions {
  /** int32 (batch): samples of each recording, the rest being padding. Default null: all are. */
  lengths?: Tensor | null;
  /** int32 (batch, frames), not 0 where a frame becomes the learned one. Default null: none does, but random spans in training. */
  maskTime?: Tensor | null;
  /** int32 (batch, hiddenSize), not 0 where a channel becomes 0. Default null: none does, but random spans in training. */
  maskFeature?: Tensor | null;
}

/** What {@linkcode SpeechEncoderModel.forward} gives. */
export interface SpeechEncoderOutput {
  /** Input of the first layer and output of each, (batch, frames, hiddenSize). */
  readonly hiddenStates: readonly Tensor[];
  /** What the convolutions made of the samples, normalised, (batch, frames, the last of `convDim`). */
  readonly extractFeatures: Tensor;
  /** int32 (batch): frames of each recording; null where none is padded. */
  readonly frameLengths: Tensor | null;
}

/** In what the models differ. */
export interface SpeechEncoderParts<A extends EncoderAttention> {
  /** For messages. */
  readonly name: string;
  /** The attention of the layer with such a number. */
  readonly attentionOf: (layer: number) => A;
  /** See {@linkcode FeatureProjectionOptions}. */
  readonly featProjLayerNorm?: boolean;
}

/**
 * Convolutions over samples, then a Transformer, under Hugging Face's names. With `featExtractNorm: "group"` the norm after the first convolution runs
 * over padding as well, as everywhere: put only recordings of one length into a batch where they shall not see each other.
 *
 * In training, spans of frames and channels are masked and layers skipped at random, as {@linkcode SpeechEncoderConfig} says, anew in each step.
 */
export class SpeechEncoderModel<
  C extends SpeechEncoderConfig = SpeechEncoderConfig,
  A extends EncoderAttention = EncoderAttention,
> extends Module {
  /** Stands for masked frames, (hiddenSize); null where none are ever masked. */
  readonly masked_spec_embed: Parameter | null;
  /** From samples to frames. */
  readonly feature_extractor: FeatureEncoder;
  /** To the encoder's channels. */
  readonly feature_projection: FeatureProjection;
  /** Positions and layers. */
  readonly encoder: SpeechEncoder<A>;
  /** All keys. */
  readonly config: C;

  /** A model with fresh weights. RangeError as {@linkcode checkSpeechEncoder}. */
  constructor(config: C, parts: SpeechEncoderParts<A>) {
    super();
    checkSpeechEncoder(config, parts.name);
    this.masked_spec_embed = config.maskedSpecEmbed ? uniform(new Parameter([config.hiddenSize])) : null;
    this.feature_extractor = new FeatureEncoder(config);
    const { featProjLayerNorm } = parts, channels = config.convDim[config.convDim.length - 1];
    this.feature_projection = new FeatureProjection(channels, { ...config, featProjLayerNorm });
    this.encoder = new SpeechEncoder(config, parts.attentionOf);
    this.config = config;
  }

  /**
   * Waveforms, (batch, samples) or (batch, samples, 1), 16 kHz, to hidden states.
   *
   * @throws TypeError for another shape, or fewer samples than one frame needs.
   */
  forward(waves: Tensor, options: SpeechEncoderForwardOptions = {}): SpeechEncoderOutput {
    const { lengths = null, maskTime = null, maskFeature = null } = options;
    const x = waves.ndim === 3 && waves.shape[2] === 1 ? waves.squeeze(2) : waves, least = samplesFor(1, this.config);
    if (x.ndim !== 2 || x.shape[1] < least) {
      throw new TypeError(
        `Cannot encode [${waves.shape.join(", ")}]: expected waveforms (batch, samples) of at least ${least} samples`,
      );
    }
    const { y, normed } = this.feature_projection.forward(this.feature_extractor.forward(x).transpose(1, 2));
    const frameLengths = lengths === null ? null : frameLengthsOf(lengths, this.config);
    const masks = {
      maskTime: maskTime ?? this.#timeMask(y, frameLengths),
      maskFeature: maskFeature ?? this.#featureMask(y),
    };
    const hiddenStates = this.encoder.forward(this.#masked(y, masks), frameLengths);
    return { hiddenStates, extractFeatures: normed, frameLengths };
  }

  /** Random frames in training; null where there is no learned frame to put in their place. */
  #timeMask({ shape: [batch, size] }: Tensor, lengths: Tensor | null): Tensor | null {
    const { applySpecAugment, maskTimeProb, maskTimeLength, maskTimeMinMasks } = this.config;
    if (!this.training || !applySpecAugment || this.masked_spec_embed === null || maskTimeProb === 0) return null;
    const spans = { maskProb: maskTimeProb, maskLength: maskTimeLength, minMasks: maskTimeMinMasks };
    return randomSpans({ batch, size, lengths, ...spans });
  }

  /** Random channels in training. */
  #featureMask({ shape: [batch, , size] }: Tensor): Tensor | null {
    const { applySpecAugment, maskFeatureProb, maskFeatureLength, maskFeatureMinMasks } = this.config;
    if (!this.training || !applySpecAugment || maskFeatureProb === 0) return null;
    const spans = { maskProb: maskFeatureProb, maskLength: maskFeatureLength, minMasks: maskFeatureMinMasks };
    return randomSpans({ batch, size, lengths: null, ...spans });
  }

  #masked(x: Tensor, { maskTime, maskFeature }: Pick<SpeechEncoderForwardOptions, "maskTime" | "maskFeature">): Tensor {
    let y = x;
    if (maskTime) {
      if (this.masked_spec_embed === null) {
        throw new TypeError("Cannot mask frames: this model has no maskedSpecEmbed to put in their place");
      }
      y = where(maskTime.unsqueeze(-1), this.masked_spec_embed, y);
    }
    return maskFeature ? y.maskedFill(maskFeature.unsqueeze(1), 0) : y;
  }
}
