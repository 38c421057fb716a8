/** An encoder of speech as a classifier of recordings. @module */
import { cat, type Tensor } from "../../../tensor/mod.ts";
import type { Head, StagedClassifier } from "../../classifier.ts";
import { type HeadName, makeHead } from "../../heads.ts";
import { ones } from "../../init.ts";
import { Linear } from "../../linear.ts";
import { Module } from "../../module.ts";
import { Parameter } from "../../parameter.ts";
import { MeanPooling } from "../../pooling.ts";
import { AfterEncoder } from "./after_encoder.ts";
import { requireSizes, type SpeechEncoderConfig } from "./config.ts";
import { joinStates } from "./join_states.ts";
import { samplesFor, wavlmFrames } from "./lengths.ts";
import type { SpeechEncoderModel } from "./model.ts";

/** Options of {@linkcode SpeechEncoderClassifier}. */
export interface SpeechEncoderClassifierOptions {
  /** Classes to tell apart; 0 for a model that only embeds. */
  classes: number;
  /** Weighs all hidden states instead of taking the last. Default false. */
  useWeightedLayerSum?: boolean;
  /** Channels of a linear map of each frame before the mean, and so the length of the embedding; 0 for no such map. Default 0. */
  classifierProjSize?: number;
  /** See {@linkcode makeHead}. Default "linear". */
  head?: HeadName;
  /** Makes the head's last layer a {@linkcode CosineHead}, as margins on angles need it. Default false. */
  cosineHead?: boolean;
  /** Factor on that head's cosines. Default 30. */
  scale?: number;
}

/**
 * Waveforms → encoder → last hidden state, or all of them weighed → maybe a linear map → mean over time, the embedding → head. With
 * `classifierProjSize` 256 and a linear head it is Hugging Face's `Wav2Vec2ForSequenceClassification` (and WavLM's and HuBERT's), whose `classifier`
 * is `head` here and whose encoder is `encoder`.
 *
 * @example
 * ```ts
 * import { SpeechEncoderClassifier, Wav2Vec2Model } from "../../mod.ts";
 * import { randn } from "../../../tensor/mod.ts";
 *
 * const sizes = { hiddenSize: 32, numHiddenLayers: 2, numAttentionHeads: 4, intermediateSize: 64 };
 * const encoder = new Wav2Vec2Model({ ...sizes, convDim: [16, 16], convKernel: [10, 8], convStride: [5, 4] });
 * const model = new SpeechEncoderClassifier(encoder, { classes: 3, classifierProjSize: 24 }).eval();
 * const waves = randn([2, 4000, 1]);
 * console.log(model.embed(waves).shape); // [2, 24]
 * console.log(model.forward(waves).shape); // [2, 3]
 * ```
 */
export class SpeechEncoderClassifier<E extends SpeechEncoderModel = SpeechEncoderModel> extends Module
  implements StagedClassifier {
  /** One weight for each hidden state, or null. */
  readonly layer_weights: Parameter | null;
  /** From samples to hidden states. */
  readonly encoder: E;
  /** Maps each frame, or null. */
  readonly projector: Linear | null;
  /** Over frames that are no padding. */
  readonly pooling: MeanPooling = new MeanPooling();
  /** From the embedding to a score for each class. */
  readonly head: Head;
  /** Samples of the shortest recording that it can take: those of one frame. */
  readonly minFrames: number;
  /** Whether padding changes what it makes of a recording: where the first norm runs over all of a row (`featExtractNorm: "group"`). */
  readonly mixesPadding: boolean;

  /** A classifier around an encoder. RangeError for sizes that are no whole numbers. */
  constructor(encoder: E, options: SpeechEncoderClassifierOptions) {
    super();
    const { classes, useWeightedLayerSum = false, classifierProjSize = 0, head = "linear" } = options;
    const { hiddenSize, numHiddenLayers, featExtractNorm, hiddenDropout: dropout }: SpeechEncoderConfig =
      encoder.config;
    requireSizes("classifier of speech", {
      ...classes !== 0 && { classes },
      ...classifierProjSize !== 0 && { classifierProjSize },
    });
    const dim = classifierProjSize === 0 ? hiddenSize : classifierProjSize;
    this.layer_weights = useWeightedLayerSum ? ones(new Parameter([numHiddenLayers + 1])) : null;
    this.encoder = encoder;
    this.projector = classifierProjSize === 0 ? null : new Linear(hiddenSize, dim);
    this.head = makeHead(head, { dim, classes, dropout, cosine: options.cosineHead ?? false, scale: options.scale });
    this.minFrames = samplesFor(1, encoder.config);
    this.mixesPadding = featExtractNorm === "group";
  }

  /** Waveforms, (batch, samples, 1), to embeddings, (batch, dim); see {@linkcode Classifier}. TypeError for fewer than `minFrames` samples. */
  embed(x: Tensor, lengths: Tensor | null = null): Tensor {
    const { hiddenStates, frameLengths } = this.encoder.forward(x, { lengths });
    return this.#pooled(hiddenStates, frameLengths);
  }

  /** Scores before softmax, (batch, classes); parameters as of {@linkcode Classifier.embed}. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    return this.head.forward(this.embed(x, lengths));
  }

  /** See {@linkcode StagedClassifier}. */
  get firstPart(): string {
    return "encoder";
  }

  /** Channels of all hidden states side by side, or of the last where no others count. */
  get stateChannels(): number {
    return this.#stateCount * this.encoder.config.hiddenSize;
  }

  get #stateCount(): number {
    return this.layer_weights?.size ?? 1;
  }

  /** See {@linkcode StagedClassifier}. */
  framesOf(samples: number): number {
    return wavlmFrames(samples, this.encoder.config);
  }

  /** See {@linkcode StagedClassifier}. */
  states(x: Tensor): Tensor {
    return cat(this.encoder.forward(x).hiddenStates.slice(-this.#stateCount), -1);
  }

  /** See {@linkcode StagedClassifier}. */
  afterStates(): AfterEncoder {
    const modules = this.projector === null ? [] : [this.projector];
    const embed = (states: readonly Tensor[], frames: Tensor | null) => this.#pooled(states, frames);
    return new AfterEncoder({ head: this.head, modules, count: this.#stateCount, embed });
  }

  #pooled(states: readonly Tensor[], frameLengths: Tensor | null): Tensor {
    const joined = joinStates(states, this.layer_weights);
    return this.pooling.forward(this.projector === null ? joined : this.projector.forward(joined), frameLengths);
  }
}
