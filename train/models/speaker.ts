/** Encoders of speakers, each with a head that trains it. @module */
import {
  CamPlusPlus,
  EcapaTdnn,
  ecapaWindows,
  EmbeddingClassifier,
  type EmbeddingClassifierOptions,
  type SpeakerEncoder,
  SpeakerResNet,
  XVector,
  XVECTOR_DILATIONS,
  XVECTOR_KERNELS,
} from "../../nn/mod.ts";
import type { TrainConfig } from "../train_config.ts";
import { headOf, type ModelKind, modelKind } from "./model_kind.ts";

/** What all encoders have. */
interface EncoderSizes {
  readonly inputSize: number;
  readonly embeddingDim: number;
  readonly channels: readonly number[];
}

/** An encoder by name. */
interface EncoderKind<O extends EncoderSizes> {
  /** Sizes where the config leaves them open. */
  readonly usual: Omit<EncoderSizes, "inputSize">;
  /** Its options for a config. */
  readonly optionsOf: (config: TrainConfig, sizes: EncoderSizes) => O;
  /** See {@linkcode ModelKind.layersOf}. */
  readonly layers: readonly string[];
  readonly build: (options: O) => SpeakerEncoder;
  /** Says what is wrong with its channels; empty if nothing is. */
  readonly fault: (config: TrainConfig) => string;
}

function encoderKind<O extends EncoderSizes>({ usual, optionsOf, layers, build, fault }: EncoderKind<O>): ModelKind {
  return modelKind<O & EmbeddingClassifierOptions>({
    fixedClips: false,
    optionsOf(config, { channels: inputSize, classes }) {
      const channels = config.channels.length > 0 ? config.channels : usual.channels;
      const embeddingDim = config.embeddingDim > 0 ? config.embeddingDim : usual.embeddingDim;
      const encoder = optionsOf(config, { inputSize, embeddingDim, channels });
      return { ...encoder, classes, dropout: config.dropout, ...headOf(config), headWidth: 0 };
    },
    classesOf: ({ classes }) => classes,
    layersOf: () => layers,
    build: (options) => new EmbeddingClassifier(build(options), options),
    check(config) {
      const text = config.channels.length === 0 ? "" : fault(config);
      if (text !== "") throw new RangeError(`Cannot build the model: ${text}`);
    },
  });
}

/** Says that so many numbers of channels are not those of so many parts. */
function countFault({ channels, model }: TrainConfig, parts: { count: number; name: string }): string {
  if (channels.length === parts.count) return "";
  return `channels has ${channels.length} numbers, expected ${parts.count}, one for each ${parts.name} of "${model}"`;
}

/** Says why the channels of a block cannot be parted. */
function scaleFault({ channels, res2netScale }: TrainConfig): string {
  if (channels.length < 3) {
    return `channels has ${channels.length} numbers, expected at least 3, for the first layer, each block and the last layer`;
  }
  const odd = channels.slice(1, -1).find((width) => width % res2netScale !== 0);
  return odd === undefined ? "" : `channels has a block of ${odd}, which res2netScale ${res2netScale} does not divide`;
}

/** See `nn.EcapaTdnn` and the others. */
export const speakerModels = {
  "ecapa": encoderKind({
    usual: { channels: [512, 512, 512, 512, 1536], embeddingDim: 192 },
    optionsOf: ({ attentionChannels, res2netScale, seChannels, globalContext }, sizes) => ({
      ...sizes,
      ...{ attentionChannels, res2netScale, seChannels, globalContext },
      ...ecapaWindows(sizes.channels.length),
      variant: "speechbrain" as const,
      embeddingNorm: false,
    }),
    layers: ["encoder.blocks.#", "encoder.mfa encoder.asp encoder.asp_bn encoder.fc encoder.fc_bn"],
    build: (options) => new EcapaTdnn(options),
    fault: scaleFault,
  }),
  "xvector": encoderKind({
    usual: { channels: [512, 512, 512, 512, 1500], embeddingDim: 512 },
    optionsOf: (_, sizes) => ({
      ...sizes,
      ...{ kernelSizes: XVECTOR_KERNELS, dilations: XVECTOR_DILATIONS, variant: "voxgrad" as const },
    }),
    layers: ["encoder.blocks.#", "encoder.fc"],
    build: (options) => new XVector(options),
    fault: (config) => countFault(config, { count: 5, name: "layer" }),
  }),
  "resnet34-speaker": encoderKind({
    usual: { channels: [32, 64, 128, 256], embeddingDim: 256 },
    optionsOf: (_, sizes) => ({
      ...sizes,
      ...{ variant: "voxgrad" as const, blocks: [3, 4, 6, 3], bottleneck: false, secondLayer: false },
    }),
    layers: ["encoder.conv1 encoder.bn1", "encoder.layer#", "encoder.fc encoder.fc_bn encoder.fc2"],
    build: (options) => new SpeakerResNet(options),
    fault: (config) => countFault(config, { count: 4, name: "stage" }),
  }),
  "campplus": encoderKind({
    usual: { channels: [32, 128, 32, 128], embeddingDim: 512 },
    optionsOf: (_, sizes) => ({ ...sizes, variant: "wespeaker" as const, blocks: [12, 24, 16] }),
    layers: [
      "encoder.head",
      "encoder.xvector.tdnn encoder.xvector.block1 encoder.xvector.transit1",
      "encoder.xvector.block2 encoder.xvector.transit2",
      "encoder.xvector.block3 encoder.xvector.transit3 encoder.xvector.out_nonlinear encoder.xvector.dense",
    ],
    build: (options) => new CamPlusPlus(options),
    fault: (config) => countFault(config, { count: 4, name: "of pictures, first layer, growth and bottleneck" }),
  }),
};
