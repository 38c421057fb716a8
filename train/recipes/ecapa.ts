/** Speaker verification by ECAPA-TDNN. @module */
import { defineRecipe, type Recipe } from "./recipe.ts";

/**
 * The write-up's verifier: ECAPA-TDNN with 512 channels and an embedding of 192 on chunks of 3 s, drawn anew in each epoch, of 80 log-mel bands
 * less their mean; additive angular margin 0.2 with scale 30, dropout 0.1 before the head, AdamW at 1e-3, batches of 64, 30 epochs under a
 * cosine that moves once an epoch, and an end after five epochs that did not validate better. Validation hears the first 3 s.
 *
 * The write-up's own features, without a logarithm and normalised over time, are `--features s4-mel`.
 */
export const ecapa: Recipe = defineRecipe({
  name: "ecapa",
  about: "speaker verification, ECAPA-TDNN (512 channels, AAM-softmax)",
  changes: {
    data: "data/train.txt",
    features: "speaker80",
    chunkSeconds: 3,
    validChunk: "first",
    batchSize: 64,
    epochs: 30,
    validSteps: 1,
    saveSteps: 5,
    logSteps: 10,
    patience: 5,
    loss: "aam-softmax",
    margin: 0.2,
    scale: 30,
    optimizer: "adamw",
    lr: 1e-3,
    schedule: "cosine",
    scheduleUnit: "epoch",
    model: "ecapa",
    channels: [512, 512, 512, 512, 1536],
    embeddingDim: 192,
    dropout: 0.1,
    head: "linear",
  },
});

/**
 * A verifier that two CPU cores train in minutes: a quarter of the channels, chunks of 2 s, and all that makes few recordings go further: other
 * speeds as people of their own, noise and rooms that are made up, and masks. The margin rises nearly to the end: one that is there early
 * keeps a few hundred voices of a single recording each from being told apart at all.
 */
export const ecapaSmall: Recipe = defineRecipe({
  name: "ecapa-small",
  about: "speaker verification, small enough for two CPU cores",
  base: ecapa,
  changes: {
    chunkSeconds: 2,
    validChunk: "whole",
    batchSize: 32,
    epochs: 0,
    totalSteps: 2400,
    validSteps: 200,
    saveSteps: 400,
    logSteps: 20,
    patience: 0,
    marginSteps: 2000,
    noise: "generated",
    noiseProbability: 0.3,
    reverb: "generated",
    reverbProbability: 0.2,
    speeds: [0.9, 1, 1.1],
    speedClasses: true,
    specAugment: true,
    freqMaskWidth: 10,
    timeMaskWidth: 20,
    lr: 2e-3,
    gradClip: 5,
    schedule: "cosine-warmup",
    scheduleUnit: "step",
    warmupSteps: 200,
    channels: [128, 128, 128, 128, 384],
    embeddingDim: 128,
    dropout: 0,
    attentionChannels: 64,
    seChannels: 64,
  },
});
