/** The homework's Conformer. @module */
import { ConformerClassifier, type ConformerClassifierOptions } from "../../nn/mod.ts";
import { attentionOf, headOf, type ModelKind, modelKind } from "./model_kind.ts";

/** See `nn.ConformerClassifier`. */
export const conformer: ModelKind = modelKind<ConformerClassifierOptions>({
  fixedClips: false,
  optionsOf(config, { channels, classes }) {
    const {
      dModel,
      nHead,
      numLayers,
      dimFeedforward,
      dropout,
      subsampling,
      convKernel: kernelSize,
      convExpansion,
      pooling,
    } = config;
    return {
      ...{ nMels: channels, numSpeakers: classes, dModel, nHead, numLayers, ffExpansion: dimFeedforward / dModel },
      ...headOf(config),
      ...attentionOf(config),
      ...{ dropout, subsampling, kernelSize, convExpansion, pooling },
      positionalEncoding: config.positionalEncoding === "sinusoidal",
    };
  },
  keysOf: ({ kernelSize, dModel = 0, ffExpansion = 0, positionalEncoding }) => ({
    convKernel: kernelSize,
    dimFeedforward: dModel * ffExpansion,
    positionalEncoding: positionalEncoding ? "sinusoidal" : "none",
  }),
  classesOf: ({ numSpeakers }) => numSpeakers,
  layersOf: () => ["prenet", "encoder.conformer_layers.#"],
  build: (options) => new ConformerClassifier(options),
  check({ convKernel }) {
    if (convKernel % 2 === 1) return;
    throw new RangeError(`Cannot build the model: convKernel is ${convKernel}, expected an odd number`);
  },
});
