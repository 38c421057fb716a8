/** The homework's Transformer. @module */
import { SpeakerClassifier, type SpeakerClassifierOptions } from "../../nn/mod.ts";
import { attentionOf, headOf, type ModelKind, modelKind } from "./model_kind.ts";

/** See `nn.SpeakerClassifier`. */
export const transformer: ModelKind = modelKind<SpeakerClassifierOptions>({
  fixedClips: false,
  optionsOf(config, { channels, classes }) {
    const { dModel, nHead, numLayers, dimFeedforward, dropout, activation, normFirst, pooling } = config;
    const positionalEncoding = config.positionalEncoding === "sinusoidal";
    const sizes = { nMels: channels, numSpeakers: classes, dModel, nHead, numLayers, dimFeedforward };
    return {
      ...sizes,
      ...headOf(config),
      dropout,
      activation,
      normFirst,
      positionalEncoding,
      pooling,
      ...attentionOf(config),
    };
  },
  keysOf: ({ positionalEncoding }) => ({ positionalEncoding: positionalEncoding ? "sinusoidal" : "none" }),
  classesOf: ({ numSpeakers }) => numSpeakers,
  layersOf: () => ["prenet", "encoder.layers.#"],
  build: (options) => new SpeakerClassifier(options),
});
