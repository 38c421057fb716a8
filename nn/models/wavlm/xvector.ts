/** WavLM with the head that makes it a verifier of speakers. @module */
import { cat, conv1d, type Tensor } from "../../../tensor/mod.ts";
import type { StagedClassifier } from "../../classifier.ts";
import { CosineHead } from "../../heads.ts";
import { normal, ones } from "../../init.ts";
import type { Linear } from "../../linear.ts";
import { Module } from "../../module.ts";
import { ModuleList } from "../../module_list.ts";
import { Parameter } from "../../parameter.ts";
import type { WavLMConfig } from "./config.ts";
import { AfterEncoder } from "../speech_encoder/after_encoder.ts";
import { requireSizes } from "../speech_encoder/config.ts";
import { encoderLinear } from "../speech_encoder/initial.ts";
import { joinStates } from "../speech_encoder/join_states.ts";
import { samplesFor, tdnnLoss, type TdnnReach, wavlmFrames } from "../speech_encoder/lengths.ts";
import type { SpeechEncoderOutput } from "../speech_encoder/model.ts";
import { WavLMModel } from "./model.ts";
import { unbiasedStatistics } from "./statistics.ts";

/** Options of {@linkcode WavLMForXVector}. */
export interface WavLMForXVectorOptions extends Partial<WavLMConfig>, Partial<TdnnReach> {
  /** Speakers to tell apart in training. */
  numLabels: number;
  /** Weighs all hidden states instead of taking the last. Default false. */
  useWeightedLayerSum?: boolean;
  /** Channels of the time-delay layers; the first is also the projector's. Default [512, 512, 512, 512, 1500]. */
  tdnnDim?: readonly number[];
  /** Length of the embedding. Default 512. */
  xvectorOutputDim?: number;
  /**
   * How many frames of a padded recording are pooled: those that the dilated windows leave ("dilated", default), or, as Hugging Face counts,
   * those that windows without dilation would leave ("hf"), which lets padding in.
   */
  tdnnLengths?: "dilated" | "hf";
  /** Factor on cosines in the scores. Default 30. */
  scale?: number;
}

/** A dilated convolution without padding as a linear map of the window's frames, (out, kernel · in), then ReLU. */
export class WavLMTdnnLayer extends Module {
  /** The map. */
  readonly kernel: Linear;
  readonly #dilation: number;
  readonly #size: number;

  /** From `inChannels` to `outChannels`. */
  constructor(inChannels: number, outChannels: number, { kernel, dilation }: { kernel: number; dilation: number }) {
    super();
    this.kernel = encoderLinear(inChannels * kernel, outChannels);
    this.#size = kernel;
    this.#dilation = dilation;
  }

  /** (batch, inChannels, time) → (batch, outChannels, time − (kernel − 1) · dilation). */
  forward(x: Tensor): Tensor {
    const weight = this.kernel.weight.reshape([-1, this.#size, x.shape[1]]).transpose(1, 2);
    return conv1d(x, weight, this.kernel.bias, { dilation: this.#dilation, activation: "relu" });
  }
}

/** The directions of the speakers, for AM-softmax. */
class WavLMObjective extends Module {
  /** (xvectorOutputDim, speakers); normal at first. */
  readonly weight: Parameter;

  constructor(dim: number, classes: number) {
    super();
    this.weight = normal(new Parameter([dim, classes]));
  }
}

/** What {@linkcode WavLMForXVector.outputs} gives. */
export interface WavLMXVectorOutput extends SpeechEncoderOutput {
  /** Mean and deviation of the last time-delay layer, (batch, 2 · channels). */
  readonly statistics: Tensor;
  /** What voices are compared by, (batch, xvectorOutputDim). */
  readonly embeddings: Tensor;
  /** Hugging Face's "logits": the embedding through one more map, (batch, xvectorOutputDim). */
  readonly logits: Tensor;
  /** Cosines of `logits` and the speakers' directions, (batch, speakers): what `amSoftmax` takes (scale 30, margin 0.4). */
  readonly cosine: Tensor;
}

/**
 * WavLM, five time-delay layers, statistics over time and two linear maps, under Hugging Face's names.
 *
 * @example
 * ```ts
 * import { WavLMForXVector } from "../../mod.ts";
 * import { randn } from "../../../tensor/mod.ts";
 *
 * const sizes = { hiddenSize: 32, numHiddenLayers: 2, numAttentionHeads: 4, intermediateSize: 64 };
 * const convolutions = { convDim: [16, 16], convKernel: [10, 8], convStride: [5, 4] };
 * const model = new WavLMForXVector({ numLabels: 3, ...sizes, ...convolutions, tdnnDim: [32, 32, 32, 32, 48] }).eval();
 * const waves = randn([2, 4000, 1]);
 * console.log(model.embed(waves).shape); // [2, 512]
 * console.log(model.forward(waves).shape); // [2, 3]
 * ```
 */
export class WavLMForXVector extends Module implements StagedClassifier {
  /** One weight for each hidden state, or null. */
  readonly layer_weights: Parameter | null;
  /** The encoder. */
  readonly wavlm: WavLMModel;
  /** To the first time-delay layer. */
  readonly projector: Linear;
  /** Time-delay layers. */
  readonly tdnn: ModuleList<WavLMTdnnLayer>;
  /** To the embedding. */
  readonly feature_extractor: Linear;
  /** Follows it in training. */
  readonly classifier: Linear;
  /** The directions of the speakers. */
  readonly objective: WavLMObjective;
  /** Samples of the shortest recording that it can take. */
  readonly minFrames: number;
  /** Whether padding changes what it makes of a recording: where the first norm runs over all of a row (`featExtractNorm: "group"`). */
  readonly mixesPadding: boolean;
  readonly #lost: { readonly dilated: number; readonly hf: number };
  readonly #tdnnLengths: "dilated" | "hf";
  readonly #head: CosineHead;

  /** A model with fresh weights. RangeError for lists of different lengths, sizes below 1, or as {@linkcode WavLMModel}. */
  constructor(options: WavLMForXVectorOptions) {
    super();
    const { tdnnDim = [512, 512, 512, 512, 1500], tdnnKernel = [5, 3, 3, 1, 1], tdnnDilation = [1, 2, 3, 1, 1] } =
      options;
    const { numLabels, useWeightedLayerSum = false, xvectorOutputDim: dim = 512, tdnnLengths = "dilated", scale } =
      options;
    if (tdnnDim.length === 0 || tdnnKernel.length !== tdnnDim.length || tdnnDilation.length !== tdnnDim.length) {
      throw new RangeError(
        `Cannot make a WavLMForXVector of ${tdnnDim.length} tdnnDim, ${tdnnKernel.length} tdnnKernel and ` +
          `${tdnnDilation.length} tdnnDilation: expected as many of each, and at least one`,
      );
    }
    requireSizes("WavLM", { numLabels, tdnnDim, tdnnKernel, tdnnDilation, xvectorOutputDim: dim });
    if (tdnnLengths !== "dilated" && tdnnLengths !== "hf") {
      throw new RangeError(
        `Cannot make a WavLMForXVector: tdnnLengths is "${tdnnLengths}", expected "dilated" or "hf"`,
      );
    }
    const wavlm = new WavLMModel(options), { hiddenSize, numHiddenLayers } = wavlm.config;
    this.layer_weights = useWeightedLayerSum ? ones(new Parameter([numHiddenLayers + 1])) : null;
    this.wavlm = wavlm;
    this.projector = encoderLinear(hiddenSize, tdnnDim[0]);
    const layer = (to: number, i: number) =>
      new WavLMTdnnLayer(tdnnDim[Math.max(0, i - 1)], to, { kernel: tdnnKernel[i], dilation: tdnnDilation[i] });
    this.tdnn = new ModuleList(tdnnDim.map(layer));
    this.feature_extractor = encoderLinear(2 * tdnnDim[tdnnDim.length - 1], dim);
    this.classifier = encoderLinear(dim, dim);
    this.objective = new WavLMObjective(dim, numLabels);
    this.#head = new CosineHead(dim, numLabels, { scale, hidden: this.classifier, columns: this.objective.weight });
    const plain = tdnnKernel.map(() => 1);
    this.#lost = { dilated: tdnnLoss({ tdnnKernel, tdnnDilation }), hf: tdnnLoss({ tdnnKernel, tdnnDilation: plain }) };
    this.#tdnnLengths = tdnnLengths;
    this.minFrames = samplesFor(this.#lost.dilated + 1, wavlm.config);
    this.mixesPadding = wavlm.config.featExtractNorm === "group";
  }

  /** From the embedding to cosines of speakers: `classifier`, then the directions of `objective`, which it shares with the model. */
  get head(): CosineHead {
    return this.#head;
  }

  /**
   * Waveforms, (batch, samples) or (batch, samples, 1), 16 kHz, to hidden states, embeddings, and cosines.
   *
   * @param lengths int32 (batch): samples of each recording, the rest being padding; default null, where there is none
   * @throws TypeError for another shape, or for fewer samples than `minFrames`.
   */
  outputs(waves: Tensor, lengths: Tensor | null = null): WavLMXVectorOutput {
    const output = this.wavlm.forward(this.#checked(waves), { lengths });
    const statistics = this.#statistics(output);
    const embeddings = this.feature_extractor.forward(statistics);
    const cosine = this.#head.cosine(embeddings);
    return { ...output, statistics, embeddings, logits: this.classifier.forward(embeddings), cosine };
  }

  /** The embeddings alone, (batch, xvectorOutputDim); parameters as of {@linkcode WavLMForXVector.outputs}. */
  embed(waves: Tensor, lengths: Tensor | null = null): Tensor {
    return this.feature_extractor.forward(this.#statistics(this.wavlm.forward(this.#checked(waves), { lengths })));
  }

  /** Scores before softmax, (batch, speakers): `scale` times the cosines; parameters as of {@linkcode WavLMForXVector.outputs}. */
  forward(waves: Tensor, lengths: Tensor | null = null): Tensor {
    return this.#head.forward(this.embed(waves, lengths));
  }

  /** See {@linkcode StagedClassifier}. */
  get firstPart(): string {
    return "wavlm";
  }

  /** Channels of all hidden states side by side, or of the last where no others count. */
  get stateChannels(): number {
    return this.#stateCount * this.wavlm.config.hiddenSize;
  }

  get #stateCount(): number {
    return this.layer_weights?.size ?? 1;
  }

  /** See {@linkcode StagedClassifier}. */
  framesOf(samples: number): number {
    return wavlmFrames(samples, this.wavlm.config);
  }

  /** See {@linkcode StagedClassifier}. */
  states(x: Tensor): Tensor {
    return cat(this.wavlm.forward(x).hiddenStates.slice(-this.#stateCount), -1);
  }

  /** See {@linkcode StagedClassifier}. */
  afterStates(): AfterEncoder {
    return new AfterEncoder({
      head: this.#head,
      modules: [this.projector, this.tdnn, this.feature_extractor],
      count: this.#stateCount,
      minFrames: this.#lost.dilated + 1,
      embed: (hiddenStates, frameLengths) =>
        this.feature_extractor.forward(this.#statistics({ hiddenStates, frameLengths })),
    });
  }

  #checked(waves: Tensor): Tensor {
    if (waves.shape[1] >= this.minFrames) return waves;
    throw new TypeError(`Cannot embed ${waves.shape[1]} samples: expected at least ${this.minFrames}`);
  }

  /** Mean and deviation of what the time-delay layers make of hidden states. */
  #statistics({ hiddenStates, frameLengths }: Pick<SpeechEncoderOutput, "hiddenStates" | "frameLengths">): Tensor {
    let x = this.projector.forward(joinStates(hiddenStates, this.layer_weights)).transpose(1, 2);
    for (const layer of this.tdnn) x = layer.forward(x);
    return unbiasedStatistics(x.transpose(1, 2), this.#pooled(frameLengths, x.shape[2]));
  }

  /** Frames to pool. */
  #pooled(frameLengths: Tensor | null, time: number): Tensor | null {
    return frameLengths?.toFloat().sub(this.#lost[this.#tdnnLengths]).clamp(0, time).toInt() ?? null;
  }
}
