/** The settings of a training run. @module */
/** All settings of a training run; a recipe gives every one of them a value. */
export interface TrainConfig {
  /** Recipe that the defaults come from. */
  recipe: string;
  /** Folder of the data set or of recordings, or a list of recordings. */
  data: string;
  /** Run folder to write. */
  out: string;
  /** Where to compute. */
  device: "auto" | "webgpu" | "cpu";
  /** Seed of the split, the shuffling, the crops, the initial weights and dropout. */
  seed: number;

  /** Pattern whose group is the label, in the paths of recordings; empty: the first folder is. */
  label: string;
  /** Column of a CSV list of recordings that holds the label; empty: `class`, else `label`. */
  labelColumn: string;
  /** Features of recordings: a preset's name. A data set has its own. */
  features: string;
  /** Seconds that training hears of a recording at a time, other ones in each epoch; 0: features are computed once. */
  chunkSeconds: number;
  /** Seconds of the shortest recording that training in chunks takes. */
  minSeconds: number;
  /** With chunks, validation on recordings whole or on their first chunk. */
  validChunk: "whole" | "first";
  /** Utterances a training batch. */
  batchSize: number;
  /** Frames of a training utterance: longer ones are cropped at random. With chunks, their frames count instead. */
  segmentLength: number;
  /** Validation utterances whole, or their middle `segmentLength` frames. */
  validSegment: "whole" | "centre";
  /** Crops of `segmentLength` frames whose scores are averaged in validation and inference; 1: as `validSegment` says. */
  validCrops: number;
  /** Part of each speaker's utterances that is kept for validation, where neither `folds` nor `holdOut` say which; 0: none. */
  validFraction: number;
  /** CSV file with the columns `file` and `fold` (or `split`); empty: none. */
  folds: string;
  /** Fold of that file which is kept for validation. */
  validFold: string;
  /** Fold of that file which is left out altogether; empty: none. */
  testFold: string;
  /** Pattern of utterance ids that are kept for validation; empty: none. */
  holdOut: string;
  /** Most memory for utterances kept after reading, in MB: features, or waveforms where training hears chunks. */
  cacheMegabytes: number;

  /** Epochs in all; `validSteps`, `saveSteps` and the schedule's steps then count epochs as well. 0: `totalSteps` counts. */
  epochs: number;
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
  /** Last checkpoints whose weights are averaged at the end; the average counts if it validates best. 0 and 1: none. */
  averageCheckpoints: number;

  /** What is minimised; the margin losses are on cosines of embedding and class weights. */
  loss: LossName;
  /** Part of the target that all classes share (cross-entropy). */
  labelSmoothing: number;
  /** Margin of am-softmax (in cosine) and aam-softmax (in radians). */
  margin: number;
  /** Multiplies cosines (am-softmax, aam-softmax). */
  scale: number;
  /** Steps over which the margin rises from 0. */
  marginSteps: number;

  /** Noise over the chunks of waveforms: a folder (or list) of recordings, or "generated" (white, pink, brown, babble); empty: none. */
  noise: string;
  /** Lowest and highest ratio of speech to noise, in dB. */
  noiseSnr: readonly number[];
  /** Part of the chunks that get noise. */
  noiseProbability: number;
  /** Rooms for chunks: a folder (or list) of impulse responses, or "generated"; empty: none. */
  reverb: string;
  /** Part of the chunks that get a room. */
  reverbProbability: number;
  /** Factors of which each chunk's speed is drawn; empty: none. */
  speeds: readonly number[];
  /** Whether a recording at another speed is of another class, which validation and inference leave out. */
  speedClasses: boolean;
  /** Lowest and highest gain of chunks, in dB. */
  volume: readonly number[];
  /** Most frames by which a training clip is turned, for models that look at clips; 0: none. */
  timeShift: number;
  /** Whether training features are warped and masked. */
  specAugment: boolean;
  /** Most frames by which a place in time is moved; 0: no warping. */
  timeWarp: number;
  /** Masks of channels. */
  freqMasks: number;
  /** Most channels a mask. */
  freqMaskWidth: number;
  /** Masks of frames. */
  timeMasks: number;
  /** Most frames a mask. */
  timeMaskWidth: number;
  /** Most of an utterance that a mask of frames may cover. */
  timeMaskFraction: number;
  /** Masks of frames for each frame of an utterance, at most `timeMasks`; 0: always `timeMasks`. */
  adaptiveMasks: number;
  /** Most frames a mask as a part of the utterance; 0: `timeMaskWidth`. */
  adaptiveWidth: number;
  /** Both parameters of the Beta distribution that mixes pairs of utterances; 0: no mixing. */
  mixup: number;

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

  /** Run folder, model file or state dict whose weights the run starts from; empty: random weights. */
  init: string;
  /** SHA-256 that this file must have; empty: any, and the run's config then says which it had. */
  initSha256: string;
  /** Options of the model for which there is no key, as a JSON object; `init` brings them. */
  modelOptions: string;
  /** Patterns of names of weights that stay as they are, as `encoder.*`; none: all are trained. */
  freeze: readonly string[];
  /** Factor of the learning rate from each layer to the one below it, the head having the whole rate; 1: all have it. */
  layerDecay: number;
  /** Whether hidden states of a frozen encoder are computed once, of whole recordings, and kept on disk for the run. */
  cacheStates: boolean;
  /** Whether backward computes the layers of a Transformer, Conformer or encoder of speech again instead of keeping what they made. */
  recompute: boolean;

  /** How the learning rate goes. */
  schedule: ScheduleName;
  /** Whether the rate moves with every step or, in a run that counts epochs, once an epoch. */
  scheduleUnit: "step" | "epoch";
  /** Steps of the linear rise at the start (cosine-warmup). */
  warmupSteps: number;
  /** What a plateau is seen by: validation accuracy (higher is better) or validation loss (lower is better). */
  lrMetric: "accuracy" | "loss";
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

  /** Architecture; the keys below that it does not have are without effect. */
  model: ModelName;
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
  /** What a frame sees of the others. */
  attention: "full" | "relative" | "local" | "learned-window" | "linformer";
  /** Frames on each side that local attention sees, and learned windows see at first. */
  attentionWindow: number;
  /** Mixtures of frames that Linformer attends to. */
  linformerRank: number;
  /** Most frames that Linformer can take. */
  maxTime: number;
  /** Frames under a Conformer's convolution; odd. */
  convKernel: number;
  /** Channels of its convolution as a multiple of `dModel`, before the gated linear unit halves them. */
  convExpansion: number;
  /** Whether a Conformer begins with two convolutions that leave a quarter of the frames. */
  subsampling: "none" | "conv";
  /** How frames become one vector. */
  pooling: "mean" | "attentive" | "self-attention" | "statistics" | "attentive-statistics";
  /** Layers after pooling. */
  head: "linear" | "two-layer" | "2023" | "xvector";
  /**
   * Channels of the layers of an encoder of speakers (ecapa, xvector), of its stages (resnet34-speaker), of its pictures, first layer, growth
   * and bottleneck (campplus), of the time-delay layers after the encoder (wavlm), or of the convolutions of sound-cnn; none: the usual ones.
   */
  channels: readonly number[];
  /** Length of the embedding of such an encoder or of sound-cnn; 0: the usual one, which wavlm-encoder, wav2vec2-encoder and hubert-encoder have without a map of frames. */
  embeddingDim: number;
  /** Channels of the hidden layer of the pooling (ecapa). */
  attentionChannels: number;
  /** Parts into which the channels of a block fall (ecapa). */
  res2netScale: number;
  /** Channels of a block's squeeze (ecapa). */
  seChannels: number;
  /** Whether the pooling's frames see the statistics of the whole utterance (ecapa). */
  globalContext: boolean;
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

/** Names of losses in a config. */
export type LossName = "cross-entropy" | "am-softmax" | "aam-softmax";

/** Names of architectures in a config. */
export type ModelName =
  | "transformer"
  | "conformer"
  | "sound-cnn"
  | "sound-small"
  | "alexnet"
  | "resnetish18"
  | "resnetish34"
  | "resnetish50"
  | "resnet18"
  | "resnet34"
  | "resnet50"
  | "resnet101"
  | "resnet152"
  | "vggish"
  | "ecapa"
  | "xvector"
  | "resnet34-speaker"
  | "campplus"
  | "wavlm"
  | "wavlm-encoder"
  | "wav2vec2-encoder"
  | "hubert-encoder";
