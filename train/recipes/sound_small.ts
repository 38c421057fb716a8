/** Sound classification in minutes on a CPU. @module */
import { defineRecipe, type Recipe } from "./recipe.ts";
import { soundCnn } from "./sound.ts";

/** A small residual network with masks, mixed clips and a cosine schedule, for machines without a GPU. */
export const soundSmall: Recipe = defineRecipe({
  name: "sound-small",
  about: "sound classification, small enough for two CPU cores",
  base: soundCnn,
  changes: {
    batchSize: 16,
    epochs: 60,
    saveSteps: 60,
    optimizer: "adamw",
    lr: 3e-3,
    weightDecay: 0.01,
    schedule: "one-cycle",
    model: "sound-small",
    timeShift: 501,
    specAugment: true,
    freqMaskWidth: 8,
    timeMaskWidth: 50,
    mixup: 0.3,
  },
});
