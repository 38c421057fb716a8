/** Sound classification: log-mel pictures of clips, after the write-ups on ResNetish and VGGish. @module */
import { defineRecipe, type Recipe } from "./recipe.ts";

/**
 * The four-convolution network: clips of 5 s (501 frames of 64 bands at 44.1 kHz), Adam at 3e-4, 50 epochs, and a rate that falls to a tenth
 * when the validation accuracy has not risen for ten of them. Shorter clips lie in the middle of silence, of longer ones training takes a
 * random part and validation the middle.
 */
export const soundCnn: Recipe = defineRecipe({
  name: "sound-cnn",
  about: "sound classification, four convolutions",
  changes: {
    data: "esc10",
    features: "sound64",
    batchSize: 32,
    segmentLength: 501,
    validFraction: 0.2,
    epochs: 50,
    validSteps: 1,
    saveSteps: 10,
    logSteps: 10,
    optimizer: "adam",
    lr: 3e-4,
    weightDecay: 0,
    schedule: "plateau",
    lrMetric: "accuracy",
    lrGamma: 0.1,
    lrPatience: 10,
    model: "sound-cnn",
    head: "linear",
  },
});

/** ResNetish18: torchvision's ResNet-18 for pictures of one channel, with a stride of 1 at its beginning. */
export const soundResnet18: Recipe = defineRecipe({
  name: "sound-resnet18",
  about: "sound classification, ResNetish18",
  base: soundCnn,
  changes: { model: "resnetish18" },
});

/** ResNetish34, with the stairs that the write-up tried: the rate falls to a twentieth every 15 epochs. */
export const soundResnet34: Recipe = defineRecipe({
  name: "sound-resnet34",
  about: "sound classification, ResNetish34",
  base: soundCnn,
  changes: { model: "resnetish34", schedule: "step", lrStepSize: 15, lrGamma: 0.05 },
});

/** VGGish, 72 million weights. */
export const soundVggish: Recipe = defineRecipe({
  name: "sound-vggish",
  about: "sound classification, VGGish",
  base: soundCnn,
  changes: { model: "vggish" },
});
