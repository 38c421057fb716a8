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

function soundModel(build: (options: SoundModelOptions) => Classifier): ModelKind {
  return modelKind<SoundModelOptions>({
    fixedClips: true,
    optionsOf: (config, { classes }) => ({ classes, ...headOf(config) }),
    classesOf: ({ classes }) => classes,
    build,
  });
}

/** See `nn.SoundCnn` and the others. */
export const soundModels = {
  "sound-cnn": soundModel((options) => new SoundCnn(options)),
  "sound-small": modelKind<SoundSmallOptions>({
    fixedClips: true,
    optionsOf: (config, { channels: bands, classes }) => ({ bands, classes, ...headOf(config) }),
    classesOf: ({ classes }) => classes,
    build: (options) => new SoundSmall(options),
  }),
  "alexnet": soundModel((options) => new AlexNet(options)),
  "resnetish18": soundModel((options) => new ResNetish({ ...options, depth: 18 })),
  "resnetish34": soundModel((options) => new ResNetish({ ...options, depth: 34 })),
  "resnetish50": soundModel((options) => new ResNetish({ ...options, depth: 50 })),
  "vggish": soundModel((options) => new VGGish(options)),
};
