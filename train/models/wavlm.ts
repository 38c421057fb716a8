/** WavLM as a verifier of speakers. @module */
import { wavlmConfig, WavLMForXVector, type WavLMForXVectorOptions } from "../../nn/mod.ts";
import type { TrainConfig } from "../train_config.ts";
import { type ModelKind, modelKind } from "./model_kind.ts";

/** Every option of the published models. */
type Options = Required<WavLMForXVectorOptions>;

/** The encoder's options for a config: the rest is as published, and may be changed by `modelOptions`. */
function encoderOf({ dModel, nHead, numLayers, dimFeedforward, normFirst, dropout }: TrainConfig) {
  return {
    ...wavlmConfig(),
    ...{ hiddenSize: dModel, numAttentionHeads: nHead, numHiddenLayers: numLayers, intermediateSize: dimFeedforward },
    ...{ doStableLayerNorm: normFirst, hiddenDropout: dropout, attentionDropout: dropout, activationDropout: dropout },
  };
}

/** See `nn.WavLMForXVector`. */
export const wavlm: ModelKind = modelKind<Options>({
  fixedClips: false,
  takesWaveforms: true,
  optionsOf: (config, { classes }) => ({
    ...encoderOf(config),
    numLabels: classes,
    useWeightedLayerSum: true,
    tdnnDim: config.channels.length > 0 ? config.channels : [512, 512, 512, 512, 1500],
    tdnnKernel: [5, 3, 3, 1, 1],
    tdnnDilation: [1, 2, 3, 1, 1],
    xvectorOutputDim: config.embeddingDim > 0 ? config.embeddingDim : 512,
    tdnnLengths: "dilated",
    scale: config.scale,
  }),
  keysOf: ({ hiddenSize, numAttentionHeads, numHiddenLayers, intermediateSize, ...options }) => ({
    ...{ dModel: hiddenSize, nHead: numAttentionHeads, numLayers: numHiddenLayers, dimFeedforward: intermediateSize },
    normFirst: options.doStableLayerNorm,
    channels: options.tdnnDim,
    embeddingDim: options.xvectorOutputDim,
  }),
  classesOf: ({ numLabels }) => numLabels,
  build: (options) => new WavLMForXVector(options),
});
