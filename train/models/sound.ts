/** Networks that look at the picture of a clip. @module */
import {
  AlexNet,
  type Classifier,
  ResNetish,
  SoundCnn,
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

/** See `nn.SoundCnn` and the others. */
export const soundModels = {
  "sound-cnn": soundModel((options) => new SoundCnn(options), ["conv#", "fc1"]),
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
  "resnetish18": soundModel((options) => new ResNetish({ ...options, depth: 18 }), stages),
  "resnetish34": soundModel((options) => new ResNetish({ ...options, depth: 34 }), stages),
  "resnetish50": soundModel((options) => new ResNetish({ ...options, depth: 50 }), stages),
  "vggish": soundModel((options) => new VGGish(options), ["features.#", "embeddings.#"]),
};
