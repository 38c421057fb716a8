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
 * A verifier that two CPU cores train in minutes: a quarter of the channels, chunks of 1.5 s, other speeds as people of their own, the margin rising
 * over the first third. It keeps the mean of each band, which says much of a voice, and of the microphone as well: where the recordings of a person
 * come from several of those, give it `--features speaker80 --noise generated --reverb generated` and more steps. README has what was measured.
 */
export const ecapaSmall: Recipe = defineRecipe({
  name: "ecapa-small",
  about: "speaker verification, small enough for two CPU cores",
  base: ecapa,
  changes: {
    features: "ecapa80",
    chunkSeconds: 1.5,
    validChunk: "whole",
    batchSize: 32,
    epochs: 0,
    totalSteps: 1200,
    validSteps: 200,
    saveSteps: 400,
    logSteps: 20,
    patience: 0,
    marginSteps: 400,
    speeds: [0.9, 1, 1.1],
    speedClasses: true,
    lr: 2e-3,
    gradClip: 5,
    schedule: "cosine-warmup",
    scheduleUnit: "step",
    warmupSteps: 120,
    channels: [128, 128, 128, 128, 384],
    embeddingDim: 128,
    attentionChannels: 64,
    seChannels: 64,
  },
});
