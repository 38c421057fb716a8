/** WavLM with the head that makes it a verifier of speakers. @module */
import { conv1d, normalize, type Tensor } from "../../../tensor/mod.ts";
import { normal, ones } from "../../init.ts";
import type { Linear } from "../../linear.ts";
import { Module } from "../../module.ts";
import { ModuleList } from "../../module_list.ts";
import { Parameter } from "../../parameter.ts";
import type { WavLMConfig } from "./config.ts";
import { wavlmLinear } from "./initial.ts";
import { samplesFor, tdnnLoss, type TdnnReach } from "./lengths.ts";
import { WavLMModel, type WavLMOutput } from "./model.ts";
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
    this.kernel = wavlmLinear(inChannels * kernel, outChannels);
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

/** What {@linkcode WavLMForXVector.forward} gives. */
export interface WavLMXVectorOutput extends WavLMOutput {
  /** Mean and deviation of the last time-delay layer, (batch, 2 · channels). */
  readonly statistics: Tensor;
  /** What voices are compared by, (batch, xvectorOutputDim). */
  readonly embeddings: Tensor;
  /** Hugging Face's "logits": the embedding through one more map, (batch, xvectorOutputDim). */
  readonly logits: Tensor;
  /** Cosines of `logits` and the speakers' directions, (batch, speakers): what `amSoftmax` takes (scale 30, margin 0.4). */
  readonly cosine: Tensor;
}

/** WavLM, five time-delay layers, statistics over time and two linear maps, under Hugging Face's names. */
export class WavLMForXVector extends Module {
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
  readonly #lost: { readonly dilated: number; readonly hf: number };
  readonly #tdnnLengths: "dilated" | "hf";

  /** A model with fresh weights. RangeError for lists of different lengths, or as {@linkcode WavLMModel}. */
  constructor(options: WavLMForXVectorOptions) {
    super();
    const { tdnnDim = [512, 512, 512, 512, 1500], tdnnKernel = [5, 3, 3, 1, 1], tdnnDilation = [1, 2, 3, 1, 1] } =
      options;
    const { numLabels, useWeightedLayerSum = false, xvectorOutputDim: dim = 512, tdnnLengths = "dilated" } = options;
    if (tdnnDim.length === 0 || tdnnKernel.length !== tdnnDim.length || tdnnDilation.length !== tdnnDim.length) {
      throw new RangeError(
        `Cannot make a WavLMForXVector of ${tdnnDim.length} tdnnDim, ${tdnnKernel.length} tdnnKernel and ` +
          `${tdnnDilation.length} tdnnDilation: expected as many of each, and at least one`,
      );
    }
    const wavlm = new WavLMModel(options), { hiddenSize, numHiddenLayers } = wavlm.config;
    this.layer_weights = useWeightedLayerSum ? ones(new Parameter([numHiddenLayers + 1])) : null;
    this.wavlm = wavlm;
    this.projector = wavlmLinear(hiddenSize, tdnnDim[0]);
    const layer = (to: number, i: number) =>
      new WavLMTdnnLayer(tdnnDim[Math.max(0, i - 1)], to, { kernel: tdnnKernel[i], dilation: tdnnDilation[i] });
    this.tdnn = new ModuleList(tdnnDim.map(layer));
    this.feature_extractor = wavlmLinear(2 * tdnnDim[tdnnDim.length - 1], dim);
    this.classifier = wavlmLinear(dim, dim);
    this.objective = new WavLMObjective(dim, numLabels);
    const plain = tdnnKernel.map(() => 1);
    this.#lost = { dilated: tdnnLoss({ tdnnKernel, tdnnDilation }), hf: tdnnLoss({ tdnnKernel, tdnnDilation: plain }) };
    this.#tdnnLengths = tdnnLengths;
    this.minFrames = samplesFor(this.#lost.dilated + 1, wavlm.config);
  }

  /**
   * Waveforms, (batch, samples) or (batch, samples, 1), 16 kHz, to embeddings and cosines.
   *
   * @param lengths int32 (batch): samples of each recording, the rest being padding; default null, where there is none
   * @throws TypeError for another shape, or for fewer samples than `minFrames`.
   */
  forward(waves: Tensor, lengths: Tensor | null = null): WavLMXVectorOutput {
    if (waves.shape[1] < this.minFrames) {
      throw new TypeError(`Cannot embed ${waves.shape[1]} samples: expected at least ${this.minFrames}`);
    }
    const output = this.wavlm.forward(waves, { lengths });
    let x = this.projector.forward(this.#joined(output.hiddenStates)).transpose(1, 2);
    for (const layer of this.tdnn) x = layer.forward(x);
    const statistics = unbiasedStatistics(x.transpose(1, 2), this.#pooled(output.frameLengths, x.shape[2]));
    const embeddings = this.feature_extractor.forward(statistics), logits = this.classifier.forward(embeddings);
    const cosine = normalize(logits).matmul(normalize(this.objective.weight, { dim: 0 }));
    return { ...output, statistics, embeddings, logits, cosine };
  }

  /** The embeddings alone, (batch, xvectorOutputDim); parameters as of {@linkcode WavLMForXVector.forward}. */
  embed(waves: Tensor, lengths: Tensor | null = null): Tensor {
    return this.forward(waves, lengths).embeddings;
  }

  /** The last hidden state, or all of them weighed. */
  #joined(states: readonly Tensor[]): Tensor {
    if (this.layer_weights === null) return states[states.length - 1];
    const weights = this.layer_weights.softmax();
    return states.map((state, i) => state.mul(weights.select(0, i))).reduce((a, b) => a.add(b));
  }

  /** Frames to pool. */
  #pooled(frameLengths: Tensor | null, time: number): Tensor | null {
    return frameLengths?.toFloat().sub(this.#lost[this.#tdnnLengths]).clamp(0, time).toInt() ?? null;
  }
}
