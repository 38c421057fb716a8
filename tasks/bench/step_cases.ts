/** The models whose training steps, or forward passes, the benchmark times. @module */
import {
  ConformerClassifier,
  EcapaTdnn,
  EmbeddingClassifier,
  type Module,
  SpeakerClassifier,
  WavLMForXVector,
  type WavLMForXVectorOptions,
} from "../../nn/mod.ts";
import { amSoftmax, type Tensor } from "../../tensor/mod.ts";
import { SoundNetwork, TimeDelayNetwork } from "./convolutional_models.ts";

/** A model and what it is trained on. */
export interface StepCase {
  /** A model with fresh weights. */
  readonly make: () => Module & { forward(x: Tensor): Tensor };
  /** Shape of a batch of inputs. */
  readonly input: readonly number[];
  readonly classes: number;
  /** From scores, (batch, classes), and numbers of classes to what is minimised. Default: cross-entropy. */
  readonly loss?: (scores: Tensor, classes: Tensor) => Tensor;
  /** Times the forward pass alone, in evaluation and without gradients. Default false. */
  readonly forwardOnly?: boolean;
}

const [TIME, MELS, SPEAKERS] = [128, 40, 600];

/** The homework's Transformer: mean pooling, two-layer head, dropout 0.1. */
function transformer(
  batch: number,
  sizes: { dModel: number; nHead: number; dimFeedforward: number; numLayers: number },
) {
  return {
    make: () => new SpeakerClassifier({ ...sizes, numSpeakers: SPEAKERS, nMels: MELS }),
    input: [batch, TIME, MELS],
    classes: SPEAKERS,
  };
}

/** One Conformer block of the homework's best write-up, 512 channels wide: relative positions, kernel 31, dropout 0.1. */
const conformer: StepCase = {
  make: () => new ConformerClassifier({ numSpeakers: SPEAKERS, nMels: MELS }),
  input: [32, TIME, MELS],
  classes: SPEAKERS,
};

/** ECAPA-TDNN with 512 channels on 3 s of 80 bands. */
const ecapa: StepCase = {
  make: () => new EmbeddingClassifier(new EcapaTdnn(), { classes: SPEAKERS }),
  input: [8, 300, 80],
  classes: SPEAKERS,
};

/** WavLM on waveforms of 3 s, without anything random, so that engines are compared on the same work. */
function wavlm(batch: number, sizes: Partial<WavLMForXVectorOptions> = {}): StepCase {
  const [scale, margin] = [30, 0.4];
  const still = {
    hiddenDropout: 0,
    attentionDropout: 0,
    activationDropout: 0,
    layerdrop: 0,
    applySpecAugment: false,
    maskedSpecEmbed: false,
  };
  return {
    make: () => new WavLMForXVector({ ...sizes, ...still, numLabels: SPEAKERS, useWeightedLayerSum: true, scale }),
    input: [batch, 48000, 1],
    classes: SPEAKERS,
    loss: (scores, classes) => amSoftmax(scores.div(scale), classes, { scale, margin }),
  };
}

/** 4 layers of 256, convolutions of 256. */
const narrowWavLM = {
  hiddenSize: 256,
  numHiddenLayers: 4,
  numAttentionHeads: 4,
  intermediateSize: 1024,
  convDim: [256, 256, 256, 256, 256, 256, 256],
};

/** Cases by name. */
export const stepCases: Readonly<Record<string, StepCase>> = {
  "hw4-simple": transformer(16, { dModel: 80, nHead: 2, dimFeedforward: 256, numLayers: 1 }),
  "hw4-medium": transformer(32, { dModel: 160, nHead: 8, dimFeedforward: 256, numLayers: 2 }),
  "hw4-512": transformer(16, { dModel: 512, nHead: 16, dimFeedforward: 2048, numLayers: 1 }),
  conformer,
  ecapa,
  tdnn: { make: () => new TimeDelayNetwork(), input: [16, 80, 200], classes: 600 },
  cnn: { make: () => new SoundNetwork(), input: [8, 1, 64, 501], classes: 10 },
  wavlm: { ...wavlm(1), forwardOnly: true },
  "wavlm-step": wavlm(8, narrowWavLM),
};
