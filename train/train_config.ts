/** The settings of a training run. @module */
import type { FieldsOf } from "./config.ts";
import { choice, flag, integer, number, numbers, text } from "./fields.ts";

/** All settings of a training run; a recipe gives every one of them a value. */
export interface TrainConfig {
  /** Recipe that the defaults come from. */
  recipe: string;
  /** Folder of the data set. */
  data: string;
  /** Run folder to write. */
  out: string;
  /** Where to compute. */
  device: "auto" | "webgpu" | "cpu";
  /** Seed of the split, the shuffling, the crops, the initial weights and dropout. */
  seed: number;

  /** Utterances a training batch. */
  batchSize: number;
  /** Frames of a training utterance: longer ones are cropped at random. */
  segmentLength: number;
  /** Validation utterances whole, or their middle `segmentLength` frames. */
  validSegment: "whole" | "centre";
  /** Part of each speaker's utterances that is kept for validation. */
  validFraction: number;
  /** Most memory for utterances kept after reading, in MB. */
  cacheMegabytes: number;

  /** Steps in all. */
  totalSteps: number;
  /** Steps from one validation to the next. */
  validSteps: number;
  /** Steps from one checkpoint to the next. */
  saveSteps: number;
  /** Steps from one line of metrics to the next. */
  logSteps: number;
  /** Validations without a better one after which training stops; 0 never. */
  patience: number;

  /** Kind of optimizer. */
  optimizer: "adamw" | "adam" | "sgd" | "rmsprop";
  /** Learning rate, the highest of the schedule. */
  lr: number;
  /** Weight decay. */
  weightDecay: number;
  /** Decay rates of Adam's two averages. */
  betas: readonly number[];
  /** Momentum of SGD and RMSprop. */
  momentum: number;
  /** Largest norm of all gradients together; 0 for any. */
  gradClip: number;

  /** How the learning rate goes. */
  schedule: ScheduleName;
  /** Steps of the linear rise at the start (cosine-warmup). */
  warmupSteps: number;
  /** Steps a stair (step). */
  lrStepSize: number;
  /** Steps at which the rate falls (multi-step). */
  lrMilestones: readonly number[];
  /** Factor of a fall (step, multi-step, plateau), or of every step (exponential). */
  lrGamma: number;
  /** Lowest rate (cosine, plateau). */
  lrMin: number;
  /** Validations without a better one after which the rate falls (plateau). */
  lrPatience: number;

  /** Width of the model. */
  dModel: number;
  /** Attention heads; must divide `dModel`. */
  nHead: number;
  /** Encoder layers. */
  numLayers: number;
  /** Width inside the feed-forward blocks. */
  dimFeedforward: number;
  /** Part of the activations that dropout zeroes in training. */
  dropout: number;
  /** Activation of the feed-forward blocks. */
  activation: "relu" | "gelu";
  /** Whether layers normalise before (true) or after their blocks. */
  normFirst: boolean;
  /** What tells the encoder the order of the frames. */
  positionalEncoding: "none" | "sinusoidal";
  /** How frames become one vector. */
  pooling: "mean" | "attentive" | "self-attention";
  /** Layers after pooling. */
  head: "linear" | "two-layer" | "2023";
}

/** Names of schedules in a config. */
export type ScheduleName =
  | "cosine-warmup"
  | "constant"
  | "step"
  | "multi-step"
  | "exponential"
  | "cosine"
  | "one-cycle"
  | "plateau";

const steps = { min: 1 };

/** What each key may hold, and what it is for. */
export const trainFields: FieldsOf<TrainConfig> = {
  recipe: text("Recipe that the defaults come from"),
  data: text("Folder of the data set, or of recordings in a folder for each speaker", { placeholder: "DIR" }),
  out: text("Run folder to write; unless given, the next free one of runs/RECIPE, runs/RECIPE-2, …", {
    placeholder: "DIR",
  }),
  device: choice("Where to compute; auto: a real GPU, else the CPU", ["auto", "webgpu", "cpu"]),
  seed: integer("Seed of everything random", { min: 0, max: 2 ** 32 - 1 }),

  batchSize: integer("Utterances a training batch", { min: 1 }),
  segmentLength: integer("Frames of a training utterance; longer ones are cropped at random", { min: 1 }),
  validSegment: choice("Validate on whole utterances, or on their middle segmentLength frames", ["whole", "centre"]),
  validFraction: number("Part of each speaker's utterances kept for validation", { above: 0, below: 1 }),
  cacheMegabytes: integer("Most memory for utterances kept after reading, in MB", { min: 0 }),

  totalSteps: integer("Steps in all", steps),
  validSteps: integer("Steps from one validation to the next", steps),
  saveSteps: integer("Steps from one checkpoint to the next", steps),
  logSteps: integer("Steps from one line of metrics to the next", steps),
  patience: integer("Validations without a better one before stopping early; 0: never", { min: 0 }),

  optimizer: choice("Optimizer", ["adamw", "adam", "sgd", "rmsprop"]),
  lr: number("Learning rate, the highest of the schedule", { above: 0 }),
  weightDecay: number("Weight decay", { min: 0 }),
  betas: numbers("Decay rates of Adam's averages", { length: 2, min: 0, below: 1 }),
  momentum: number("Momentum of sgd and rmsprop", { min: 0, below: 1 }),
  gradClip: number("Largest norm of all gradients together; 0: any", { min: 0 }),

  schedule: choice("How the learning rate goes", [
    "cosine-warmup",
    "constant",
    "step",
    "multi-step",
    "exponential",
    "cosine",
    "one-cycle",
    "plateau",
  ]),
  warmupSteps: integer("Steps of the linear rise at the start (cosine-warmup)", { min: 0 }),
  lrStepSize: integer("Steps a stair (step)", steps),
  lrMilestones: numbers("Steps at which the rate falls (multi-step)", { min: 0 }),
  lrGamma: number("Factor of a fall (step, multi-step, plateau) or of each step (exponential)", { above: 0, max: 1 }),
  lrMin: number("Lowest rate (cosine, plateau)", { min: 0 }),
  lrPatience: integer("Validations without a better one before the rate falls (plateau)", { min: 0 }),

  dModel: integer("Width of the model", { min: 1 }),
  nHead: integer("Attention heads; must divide dModel", { min: 1 }),
  numLayers: integer("Encoder layers", { min: 1 }),
  dimFeedforward: integer("Width inside the feed-forward blocks", { min: 1 }),
  dropout: number("Part of the activations zeroed in training", { min: 0, below: 1 }),
  activation: choice("Activation of the feed-forward blocks", ["relu", "gelu"]),
  normFirst: flag("Normalise before the blocks of a layer, not after"),
  positionalEncoding: choice("What tells the encoder the order of frames", ["none", "sinusoidal"]),
  pooling: choice("How frames become one vector", ["mean", "attentive", "self-attention"]),
  head: choice("Layers after pooling", ["linear", "two-layer", "2023"]),
};

/** Keys by what they are about, as `--help` lists them. */
export const trainGroups: Readonly<Record<string, readonly Exclude<keyof TrainConfig, "recipe">[]>> = {
  "Data": ["batchSize", "segmentLength", "validSegment", "validFraction", "cacheMegabytes"],
  "Steps": ["totalSteps", "validSteps", "saveSteps", "logSteps", "patience"],
  "Optimizer": ["optimizer", "lr", "weightDecay", "betas", "momentum", "gradClip"],
  "Schedule": ["schedule", "warmupSteps", "lrStepSize", "lrMilestones", "lrGamma", "lrMin", "lrPatience"],
  "Model": [
    "dModel",
    "nHead",
    "numLayers",
    "dimFeedforward",
    "dropout",
    "activation",
    "normFirst",
    "positionalEncoding",
    "pooling",
    "head",
  ],
};

/** Keys that a resumed run cannot change: its weights, its split or its place in the data would no longer fit. */
export const fixedKeys: readonly (keyof TrainConfig)[] = [
  "recipe",
  "seed",
  "batchSize",
  "segmentLength",
  "validFraction",
  "optimizer",
  "schedule",
  ...trainGroups["Model"],
];

/**
 * Checks what single fields cannot.
 *
 * @throws {RangeError} Where two values do not fit together.
 */
export function checkTrainConfig({ dModel, nHead }: TrainConfig): void {
  if (dModel % nHead !== 0) {
    throw new RangeError(`Cannot build the model: dModel is ${dModel}, which nHead ${nHead} does not divide`);
  }
}
