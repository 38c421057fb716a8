/** WavLM, wav2vec 2.0 and HuBERT: the mean of their frames tells voices, or anything else, apart. @module */
import {
  type HubertConfig,
  HubertModel,
  SpeechEncoderClassifier,
  type SpeechEncoderClassifierOptions,
  type SpeechEncoderConfig,
  speechEncoderDefaults,
  type SpeechEncoderModel,
  Wav2Vec2Model,
  type WavLMConfig,
  wavlmConfig,
  WavLMModel,
} from "../../nn/mod.ts";
import type { TrainConfig } from "../train_config.ts";
import { headOf, type ModelKind, modelKind, type SharedBody } from "./model_kind.ts";

/** An encoder's options for a config: the rest is as published, and may be changed by `modelOptions`. */
export function encoderOptionsOf<C extends SpeechEncoderConfig>(config: TrainConfig, published: C): C {
  const { dModel, nHead, numLayers, dimFeedforward, normFirst, dropout } = config;
  return {
    ...published,
    ...{ hiddenSize: dModel, numAttentionHeads: nHead, numHiddenLayers: numLayers, intermediateSize: dimFeedforward },
    ...{ doStableLayerNorm: normFirst, hiddenDropout: dropout, attentionDropout: dropout, activationDropout: dropout },
  };
}

/** The keys of a config that give such options. */
export function encoderKeysOf(options: SpeechEncoderConfig): Partial<TrainConfig> {
  return {
    dModel: options.hiddenSize,
    nHead: options.numAttentionHeads,
    numLayers: options.numHiddenLayers,
    dimFeedforward: options.intermediateSize,
    normFirst: options.doStableLayerNorm,
  };
}

/** The layers of such an encoder of this name in its model: convolutions lowest, then what their frames go through before the Transformer. */
export function encoderLayersOf({ doStableLayerNorm }: SpeechEncoderConfig, name: string): readonly string[] {
  const before = ["feature_projection", "masked_spec_embed", "encoder.pos_conv_embed"];
  if (!doStableLayerNorm) before.push("encoder.layer_norm"); // else it comes after the last layer
  return [
    `${name}.feature_extractor`,
    before.map((part) => `${name}.${part}`).join(" "),
    `${name}.encoder.layers.#`,
  ];
}

/** Such an encoder as a part that models of several kinds have. */
export function encoderBody(
  name: string,
  { field, published }: { field: string; published: SpeechEncoderConfig },
): SharedBody {
  const keys = Object.keys(encoderKeysOf(published)) as (keyof TrainConfig)[];
  return { name, field, options: Object.keys(published), keys };
}

function encoderKind<C extends SpeechEncoderConfig>(
  published: C,
  { name, build }: { name: string; build: (options: C) => SpeechEncoderModel },
): ModelKind {
  return modelKind<C & Required<SpeechEncoderClassifierOptions>>({
    fixedClips: false,
    takesWaveforms: true,
    body: encoderBody(name, { field: "encoder", published }),
    optionsOf: (config, { classes }) => ({
      ...encoderOptionsOf(config, published),
      classes,
      useWeightedLayerSum: true,
      classifierProjSize: config.embeddingDim,
      ...headOf(config),
    }),
    keysOf: (options) => ({ ...encoderKeysOf(options), embeddingDim: options.classifierProjSize }),
    classesOf: ({ classes }) => classes,
    layersOf: (options) => encoderLayersOf(options, "encoder"),
    build: (options) => new SpeechEncoderClassifier(build(options), options),
  });
}

/** See `nn.SpeechEncoderClassifier`. */
export const speechEncoders = {
  "wavlm-encoder": encoderKind<WavLMConfig>(wavlmConfig(), {
    name: "WavLM",
    build: (options) => new WavLMModel(options),
  }),
  "wav2vec2-encoder": encoderKind<SpeechEncoderConfig>(speechEncoderDefaults, {
    name: "wav2vec 2.0",
    build: (options) => new Wav2Vec2Model(options),
  }),
  "hubert-encoder": encoderKind<HubertConfig>(
    { ...speechEncoderDefaults, featProjLayerNorm: true },
    { name: "HuBERT", build: (options) => new HubertModel(options) },
  ),
};
