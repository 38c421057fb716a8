/** Networks that look at the picture of a clip. @module */
import {
  AlexNet,
  type Classifier,
  ResNet,
  type ResNetDepth,
  ResNetish,
  type ResNetishOptions,
  type ResNetOptions,
  SoundCnn,
  type SoundCnnOptions,
  type SoundModelOptions,
  SoundSmall,
  type SoundSmallOptions,
  VGGish,
} from "../../nn/mod.ts";
import { headOf, type ModelKind, modelKind } from "./model_kind.ts";

/** Stages of a residual network. */
const stages = ["conv1 bn1", "layer#"];

function soundModel(build: (options: SoundModelOptions) => Classifier, layers: readonly string[]): ModelKind {
  return modelKind<SoundModelOptions>({
    fixedClips: true,
    optionsOf: (config, { classes }) => ({ classes, ...headOf(config) }),
    classesOf: ({ classes }) => classes,
    layersOf: () => layers,
    build,
  });
}

/** A residual network of one channel. */
function resnetish(depth: ResNetDepth): ModelKind {
  return modelKind<ResNetishOptions>({
    fixedClips: true,
    optionsOf: (config, { classes }) => ({ classes, width: 64, ...headOf(config) }),
    classesOf: ({ classes }) => classes,
    layersOf: () => stages,
    build: (options) => new ResNetish({ ...options, depth }),
  });
}

/** torchvision's own. */
function resnet(depth: ResNetDepth): ModelKind {
  return modelKind<ResNetOptions>({
    fixedClips: true,
    optionsOf: (config, { classes }) => ({ classes, inChannels: 3, width: 64, ...headOf(config) }),
    classesOf: ({ classes }) => classes,
    layersOf: () => stages,
    build: (options) => new ResNet({ ...options, depth }),
  });
}

/** See `nn.SoundCnn` and the others. */
export const soundModels = {
  "sound-cnn": modelKind<SoundCnnOptions>({
    fixedClips: true,
    optionsOf: (config, { classes }) => ({
      classes,
      channels: config.channels.length > 0 ? config.channels : [32, 64, 128, 256],
      embeddingDim: config.embeddingDim > 0 ? config.embeddingDim : 128,
      ...headOf(config),
    }),
    classesOf: ({ classes }) => classes,
    layersOf: () => ["conv#", "fc1"],
    build: (options) => new SoundCnn(options),
    check({ channels }) {
      if (channels.length === 0 || channels.length === 4) return;
      throw new RangeError(
        `Cannot build the model: channels has ${channels.length} numbers, expected 4, one for each convolution of "sound-cnn"`,
      );
    },
  }),
  "sound-small": modelKind<SoundSmallOptions>({
    fixedClips: true,
    optionsOf: (config, { channels: bands, classes }) => ({ bands, classes, ...headOf(config) }),
    classesOf: ({ classes }) => classes,
    layersOf: () => ["bn0 conv1 bn1", "blocks.#"],
    build: (options) => new SoundSmall(options),
  }),
  "alexnet": soundModel((options) => new AlexNet(options), [
    "features.0 features.1",
    "features.4 features.5",
    "features.8 features.9",
    "features.11 features.12",
    "features.14 features.15",
    "classifier.1",
    "classifier.4",
  ]),
  "resnetish18": resnetish(18),
  "resnetish34": resnetish(34),
  "resnetish50": resnetish(50),
  "resnet18": resnet(18),
  "resnet34": resnet(34),
  "resnet50": resnet(50),
  "resnet101": resnet(101),
  "resnet152": resnet(152),
  "vggish": soundModel((options) => new VGGish(options), ["features.#", "embeddings.#"]),
};
