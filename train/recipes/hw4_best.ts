/** This project's own best for the homework. @module */
import { hw4Strong } from "./hw4_strong.ts";
import { defineRecipe, type Recipe } from "./recipe.ts";

/**
 * Two Conformer blocks of 256 channels, additive margin softmax (Wang et al. 2018, arXiv 1801.05599) whose margin rises over the first third,
 * SpecAugment, whole utterances in validation and inference, and at the end the average of the last checkpoints, if it is better. Mean
 * pooling did better than attentive pooling, and this margin than an angular one, where words were held out of training.
 */
export const hw4Best: Recipe = defineRecipe({
  name: "hw4-best",
  about: "speaker identification, our best (Conformer, AM-softmax, SpecAugment, averaged checkpoints)",
  base: hw4Strong,
  changes: {
    saveSteps: 2000,
    averageCheckpoints: 5,
    convExpansion: 2,
    dModel: 256,
    nHead: 4,
    numLayers: 2,
    dimFeedforward: 1024,
    loss: "am-softmax",
    margin: 0.35,
    marginSteps: 20_000,
    specAugment: true,
    freqMaskWidth: 6,
    timeMaskWidth: 16,
    gradClip: 5,
  },
});
