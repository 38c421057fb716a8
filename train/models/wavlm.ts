/** WavLM as a verifier of speakers. @module */
import { wavlmConfig, WavLMForXVector, type WavLMForXVectorOptions } from "../../nn/mod.ts";
import { type ModelKind, modelKind } from "./model_kind.ts";
import { encoderBody, encoderKeysOf, encoderLayersOf, encoderOptionsOf } from "./speech_encoders.ts";

/** Every option of the published models. */
type Options = Required<WavLMForXVectorOptions>;

/** See `nn.WavLMForXVector`. */
export const wavlm: ModelKind = modelKind<Options>({
  fixedClips: false,
  takesWaveforms: true,
  body: encoderBody("WavLM", { field: "wavlm", published: wavlmConfig() }),
  optionsOf: (config, { classes }) => ({
    ...encoderOptionsOf(config, wavlmConfig()),
    numLabels: classes,
    useWeightedLayerSum: true,
    tdnnDim: config.channels.length > 0 ? config.channels : [512, 512, 512, 512, 1500],
    tdnnKernel: [5, 3, 3, 1, 1],
    tdnnDilation: [1, 2, 3, 1, 1],
    xvectorOutputDim: config.embeddingDim > 0 ? config.embeddingDim : 512,
    tdnnLengths: "dilated",
    scale: config.scale,
  }),
  keysOf: (options) => ({
    ...encoderKeysOf(options),
    channels: options.tdnnDim,
    embeddingDim: options.xvectorOutputDim,
  }),
  classesOf: ({ numLabels }) => numLabels,
  layersOf: (options) => encoderLayersOf(options, "wavlm"),
  build: (options) => new WavLMForXVector(options),
});
