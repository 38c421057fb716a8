/** What each key of a training run's config may hold, what it is for, and how `--help` groups it. @module */
import { featurePresets } from "../data/features/settings.ts";
import type { FieldsOf } from "./config.ts";
import { choice, flag, integer, integers, number, numbers, text, texts } from "./fields.ts";
import type { TrainConfig } from "./train_config.ts";

const count = { min: 1 };

const general = {
  recipe: text("Recipe that the defaults come from"),
  data: text("Data set; or recordings: a folder for each class, or a list (PATH<tab>LABEL, or CSV)", {
    placeholder: "DIR|LIST",
  }),
  out: text("Run folder to write; unless given, the next free one of runs/RECIPE, runs/RECIPE-2, …", {
    placeholder: "DIR",
  }),
  device: choice("Where to compute; auto: a real GPU, else the CPU", ["auto", "webgpu", "cpu"]),
  seed: integer("Seed of everything random", { min: 0, max: 2 ** 32 - 1 }),
};

/** Keys by what they are about. */
const groups = {
  "Data": {
    label: text("The group of this pattern is the label, in paths of recordings", {
      placeholder: "PATTERN",
      empty: true,
    }),
    labelColumn: text("Column of a CSV list of recordings that holds the label (default: class, else label)", {
      placeholder: "NAME",
      empty: true,
    }),
    features: text(`Features of recordings: ${Object.keys(featurePresets).join(", ")}; a data set has its own`, {
      placeholder: "NAME",
    }),
    chunkSeconds: number("Seconds heard of a recording at a time, anew each epoch; 0: features are computed once", {
      min: 0,
      max: 600,
    }),
    minSeconds: number("Seconds of the shortest recording that training in chunks takes", { min: 0 }),
    validChunk: choice("With chunks, validate on whole recordings or on their first chunk", ["whole", "first"]),
    batchSize: integer("Utterances a training batch", count),
    segmentLength: integer(
      "Frames of a training utterance; longer ones are cropped at random (chunks: all of theirs)",
      count,
    ),
    validSegment: choice("Validate on whole utterances, or on their middle segmentLength frames", ["whole", "centre"]),
    validCrops: integer("Crops of segmentLength frames whose scores are averaged in validation; 1: none", count),
    validFraction: number("Part of each class kept for validation, without --folds and --hold-out; 0: none", {
      min: 0,
      below: 1,
    }),
    folds: text("CSV file with the columns file and fold (or split)", { placeholder: "FILE", empty: true }),
    validFold: text("Fold of --folds kept for validation", { placeholder: "NAME", empty: true }),
    testFold: text("Fold of --folds left out altogether", { placeholder: "NAME", empty: true }),
    holdOut: text("Utterances whose name fits this pattern are kept for validation", {
      placeholder: "PATTERN",
      empty: true,
    }),
    cacheMegabytes: integer("Most memory for utterances kept after reading, in MB", { min: 0 }),
  },
  "Steps": {
    epochs: integer("Epochs in all; validSteps, saveSteps and the schedule then count epochs; 0: see totalSteps", {
      min: 0,
    }),
    totalSteps: integer("Steps in all", count),
    validSteps: integer("Steps from one validation to the next", count),
    saveSteps: integer("Steps from one checkpoint to the next", count),
    logSteps: integer("Steps from one line of metrics to the next", count),
    patience: integer("Validations without a better one before stopping early; 0: never", { min: 0 }),
    averageCheckpoints: integer("Last checkpoints averaged at the end; 0: none", { min: 0, max: 100 }),
  },
  "Loss": {
    loss: choice("What is minimised", ["cross-entropy", "am-softmax", "aam-softmax"]),
    labelSmoothing: number("Part of the target that all classes share (cross-entropy)", { min: 0, below: 1 }),
    margin: number("Margin of am-softmax (in cosine) and aam-softmax (in radians)", { min: 0, below: 1.5 }),
    scale: number("Factor of the cosines (am-softmax, aam-softmax)", { above: 0 }),
    marginSteps: integer("Steps over which the margin rises from 0", { min: 0 }),
  },
  "Augmentation": {
    noise: text("Noise over chunks: a folder of recordings, or generated (white, pink, brown, babble)", {
      placeholder: "DIR|generated",
      empty: true,
    }),
    noiseSnr: numbers("Lowest and highest ratio of speech to noise, in dB", { length: 2, min: -40, max: 100 }),
    noiseProbability: number("Part of the chunks that get noise", { min: 0, max: 1 }),
    reverb: text("Rooms for chunks: a folder of impulse responses, or generated", {
      placeholder: "DIR|generated",
      empty: true,
    }),
    reverbProbability: number("Part of the chunks that get a room", { min: 0, max: 1 }),
    speeds: numbers("Factors of which each chunk's speed is drawn, as 0.9,1,1.1", { min: 0.5, max: 2 }),
    speedClasses: flag("Take recordings at another speed for other classes, in training only"),
    volume: numbers("Lowest and highest gain of chunks, in dB", { length: 2, min: -60, max: 60 }),
    timeShift: integer("Most frames by which training clips are turned (models of clips: sound-…); 0: none", {
      min: 0,
    }),
    specAugment: flag("Warp and mask the features of training utterances"),
    timeWarp: integer("Most frames by which SpecAugment moves a place in time; 0: none", { min: 0 }),
    freqMasks: integer("Masks of channels", { min: 0, max: 100 }),
    freqMaskWidth: integer("Most channels a mask", { min: 0 }),
    timeMasks: integer("Masks of frames", { min: 0, max: 100 }),
    timeMaskWidth: integer("Most frames a mask", { min: 0 }),
    timeMaskFraction: number("Most of an utterance that a mask of frames may cover", { above: 0, max: 1 }),
    adaptiveMasks: number("Masks of frames for each frame, at most --time-masks; 0: always so many", {
      min: 0,
      max: 1,
    }),
    adaptiveWidth: number("Most frames a mask, as a part of the utterance; 0: --time-mask-width", { min: 0, max: 1 }),
    mixup: number("Mixes pairs of utterances by Beta(X, X); 0: none", { min: 0, max: 100 }),
  },
  "Optimizer": {
    optimizer: choice("Optimizer", ["adamw", "adam", "sgd", "rmsprop"]),
    lr: number("Learning rate, the highest of the schedule", { above: 0 }),
    weightDecay: number("Weight decay", { min: 0 }),
    betas: numbers("Decay rates of Adam's averages", { length: 2, min: 0, below: 1 }),
    momentum: number("Momentum of sgd and rmsprop", { min: 0, below: 1 }),
    gradClip: number("Largest norm of all gradients together; 0: any", { min: 0 }),
  },
  "Fine-tuning": {
    init: text("Starts from a model: a run folder, a model file, or a state dict (.safetensors, .pt, .ckpt, .bin)", {
      placeholder: "MODEL|FILE",
      empty: true,
    }),
    initSha256: text("SHA-256 that this file must have; a run notes it by itself", { placeholder: "HEX", empty: true }),
    modelOptions: text("Options of the model that no other key has, which --init takes over, as a JSON object", {
      placeholder: "JSON",
      empty: true,
    }),
    freeze: texts("Weights that stay as they are: patterns of their names, * being any characters", {
      placeholder: "GLOB,GLOB",
    }),
    layerDecay: number("Factor of the learning rate from each layer to the one below it; the head has all of --lr", {
      above: 0,
      max: 1,
    }),
    cacheStates: flag(
      "Computes the hidden states of a frozen encoder once, of whole recordings, and keeps them on disk",
    ),
    recompute: flag("Computes layers again in backward instead of keeping what they made: less memory, more time"),
  },
  "Schedule": {
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
    scheduleUnit: choice("Whether the rate moves with every step, or once an epoch (with --epochs)", [
      "step",
      "epoch",
    ]),
    warmupSteps: integer("Steps of the linear rise at the start (cosine-warmup)", { min: 0 }),
    lrMetric: choice("What a plateau is seen by: validation accuracy or loss", ["accuracy", "loss"]),
    lrStepSize: integer("Steps a stair (step)", count),
    lrMilestones: numbers("Steps at which the rate falls (multi-step)", { min: 0 }),
    lrGamma: number("Factor of a fall (step, multi-step, plateau) or of each step (exponential)", {
      above: 0,
      max: 1,
    }),
    lrMin: number("Lowest rate (cosine, plateau)", { min: 0 }),
    lrPatience: integer("Validations without a better one before the rate falls (plateau)", { min: 0 }),
  },
  "Model": {
    model: choice("Architecture; keys that it does not have are without effect", [
      "transformer",
      "conformer",
      "sound-cnn",
      "sound-small",
      "alexnet",
      "resnetish18",
      "resnetish34",
      "resnetish50",
      "resnet18",
      "resnet34",
      "resnet50",
      "resnet101",
      "resnet152",
      "vggish",
      "ecapa",
      "xvector",
      "resnet34-speaker",
      "campplus",
      "wavlm",
      "wavlm-encoder",
      "wav2vec2-encoder",
      "hubert-encoder",
    ]),
    dModel: integer("Width of the model", count),
    nHead: integer("Attention heads; must divide dModel", count),
    numLayers: integer("Encoder layers", count),
    dimFeedforward: integer("Width inside the feed-forward blocks", count),
    dropout: number("Part of the activations zeroed in training", { min: 0, below: 1 }),
    activation: choice("Activation of the feed-forward blocks", ["relu", "gelu"]),
    normFirst: flag("Normalise before the blocks of a layer, not after"),
    positionalEncoding: choice("What tells the encoder the order of frames", ["none", "sinusoidal"]),
    attention: choice("What a frame sees of the others", ["full", "relative", "local", "learned-window", "linformer"]),
    attentionWindow: integer("Frames on each side that local attention sees, and learned windows at first", count),
    linformerRank: integer("Mixtures of frames that Linformer attends to", count),
    maxTime: integer("Most frames that Linformer can take", count),
    convKernel: integer("Frames under the Conformer's convolution; odd", count),
    convExpansion: integer("Channels of that convolution as a multiple of dModel, twice what leaves its gate", count),
    subsampling: choice("conv: the Conformer begins with convolutions that leave a quarter of the frames", [
      "none",
      "conv",
    ]),
    pooling: choice("How frames become one vector", [
      "mean",
      "attentive",
      "self-attention",
      "statistics",
      "attentive-statistics",
    ]),
    head: choice("Layers after pooling", ["linear", "two-layer", "2023", "xvector"]),
    channels: integers(
      "Channels of the layers of an encoder of speakers, of its stages, after wavlm, or of sound-cnn; none: the usual ones",
      {
        most: 16,
        min: 1,
        max: 8192,
      },
    ),
    embeddingDim: integer(
      "Length of an embedding of ecapa, xvector, resnet34-speaker, wavlm, sound-cnn; 0: the usual one",
      {
        min: 0,
        max: 8192,
      },
    ),
    attentionChannels: integer("Channels of the hidden layer of ecapa's pooling", { min: 1, max: 8192 }),
    res2netScale: integer("Parts into which the channels of ecapa's blocks fall", { min: 2, max: 64 }),
    seChannels: integer("Channels of the squeeze of ecapa's blocks", { min: 1, max: 8192 }),
    globalContext: flag("Show the frames in ecapa's pooling the statistics of the whole utterance"),
  },
};

/** What each key may hold, and what it is for. */
export const trainFields: FieldsOf<TrainConfig> = {
  ...general,
  ...groups.Data,
  ...groups.Steps,
  ...groups.Loss,
  ...groups.Augmentation,
  ...groups.Optimizer,
  ...groups["Fine-tuning"],
  ...groups.Schedule,
  ...groups.Model,
};

type Key = Exclude<keyof TrainConfig, "recipe">;

/** The keys of a table above: its own, which the compiler knows to be keys of a config. */
function keysOf<K extends Key>(table: Readonly<Record<K, unknown>>): readonly K[] {
  return Object.keys(table) as K[];
}

/** Keys by what they are about, as `--help` lists them. */
export const trainGroups: Readonly<Record<keyof typeof groups, readonly Key[]>> = {
  Data: keysOf(groups.Data),
  Steps: keysOf(groups.Steps),
  Loss: keysOf(groups.Loss),
  Augmentation: keysOf(groups.Augmentation),
  Optimizer: keysOf(groups.Optimizer),
  "Fine-tuning": keysOf(groups["Fine-tuning"]),
  Schedule: keysOf(groups.Schedule),
  Model: keysOf(groups.Model),
};

/** Keys that a resumed run cannot change: its weights, its split or its place in the data would no longer fit. */
export const fixedKeys: readonly (keyof TrainConfig)[] = [
  ...["recipe", "seed", "label", "labelColumn", "features", "chunkSeconds", "batchSize", "segmentLength"] as const,
  ...[
    "validFraction",
    "folds",
    "validFold",
    "testFold",
    "holdOut",
    "optimizer",
    "schedule",
    "scheduleUnit",
    "lrMetric",
  ] as const,
  ...trainGroups.Loss,
  ...trainGroups.Augmentation,
  ...trainGroups["Fine-tuning"],
  ...trainGroups.Model,
];
