/** What a recipe is. @module */
import type { TrainConfig } from "../train_config.ts";

/** A named set of defaults. */
export interface Recipe {
  /** As given to `deno task train`. */
  readonly name: string;
  /** One line for `--help`. */
  readonly about: string;
  /** Every setting of a run. */
  readonly config: Readonly<TrainConfig>;
  /** Whether it goes on with a trained model, so that `init` has to be given. */
  readonly needsInit?: boolean;
  /** Switches that `deno task ablate` tries unless told others: the values of each key, the first of them the base. */
  readonly ablation?: Ablation;
}

/** Values of keys to compare; the first of each is the base. */
export type Ablation = { readonly [K in keyof TrainConfig]?: readonly TrainConfig[K][] };

/** What recipes have in common: the homework's sample code, and nothing it does not have. */
const common: Omit<TrainConfig, "recipe" | "out"> = {
  data: "Dataset",
  device: "auto",
  seed: 0,

  label: "",
  labelColumn: "",
  features: "hw4",
  chunkSeconds: 0,
  minSeconds: 0.5,
  validChunk: "whole",
  batchSize: 16,
  segmentLength: 128,
  validSegment: "whole",
  validCrops: 1,
  validFraction: 0.1,
  folds: "",
  validFold: "",
  testFold: "",
  holdOut: "",
  cacheMegabytes: 1024,

  epochs: 0,
  totalSteps: 70_000,
  validSteps: 2000,
  saveSteps: 10_000,
  logSteps: 100,
  patience: 0,
  averageCheckpoints: 0,

  loss: "cross-entropy",
  labelSmoothing: 0,
  margin: 0.35,
  scale: 30,
  marginSteps: 0,

  noise: "",
  noiseSnr: [0, 15],
  noiseProbability: 0.5,
  reverb: "",
  reverbProbability: 0.5,
  speeds: [],
  speedClasses: false,
  volume: [0, 0],
  timeShift: 0,
  specAugment: false,
  timeWarp: 0,
  freqMasks: 2,
  freqMaskWidth: 8,
  timeMasks: 2,
  timeMaskWidth: 20,
  timeMaskFraction: 0.2,
  adaptiveMasks: 0,
  adaptiveWidth: 0,
  mixup: 0,

  optimizer: "adamw",
  lr: 1e-3,
  weightDecay: 0.01,
  betas: [0.9, 0.999],
  momentum: 0,
  gradClip: 0,

  init: "",
  initSha256: "",
  modelOptions: "",
  freeze: [],
  layerDecay: 1,
  cacheStates: false,
  recompute: false,

  schedule: "cosine-warmup",
  scheduleUnit: "step",
  warmupSteps: 1000,
  lrMetric: "accuracy",
  lrStepSize: 10_000,
  lrMilestones: [],
  lrGamma: 0.1,
  lrMin: 0,
  lrPatience: 10,

  model: "transformer",
  dModel: 80,
  nHead: 2,
  numLayers: 1,
  dimFeedforward: 256,
  dropout: 0.1,
  activation: "relu",
  normFirst: false,
  positionalEncoding: "none",
  attention: "full",
  attentionWindow: 16,
  linformerRank: 64,
  maxTime: 1024,
  convKernel: 31,
  convExpansion: 2,
  subsampling: "none",
  pooling: "mean",
  head: "two-layer",
  channels: [],
  embeddingDim: 0,
  attentionChannels: 128,
  res2netScale: 8,
  seChannels: 128,
  globalContext: true,
};

/** What {@linkcode defineRecipe} makes a recipe of. */
export interface RecipeOptions {
  /** As given to `deno task train`. */
  readonly name: string;
  /** One line for `--help`. */
  readonly about: string;
  /** Recipe that it differs from. Default: the common settings, which are those of the homework's sample code. */
  readonly base?: Recipe;
  /** How it differs. */
  readonly changes: Readonly<Partial<Omit<TrainConfig, "recipe">>>;
  /** See {@linkcode Recipe.needsInit}. Default false. */
  readonly needsInit?: boolean;
  /** See {@linkcode Recipe.ablation}. */
  readonly ablation?: Ablation;
}

/**
 * A recipe from what it changes about another one, or about the common defaults. Its run folder is `runs/NAME` unless it says otherwise.
 *
 * @example
 * ```ts
 * import { defineRecipe } from "./recipe.ts";
 *
 * const wide = defineRecipe({ name: "wide", about: "A wider model", changes: { dModel: 256 } });
 * wide.config.totalSteps; // 70000
 * ```
 */
export function defineRecipe({ name, about, base, changes, ...more }: RecipeOptions): Recipe {
  const config = { ...(base?.config ?? common), recipe: name, out: `runs/${name}`, ...changes };
  return { name, about, config, ...more };
}
