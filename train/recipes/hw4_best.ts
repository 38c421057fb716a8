/** This project's own best for the homework. @module */
import { hw4Strong } from "./hw4_strong.ts";
import { defineRecipe, type Recipe } from "./recipe.ts";

/**
 * Two Conformer blocks of 256 channels, attentive statistics pooling (Okabe et al. 2018, arXiv 1803.10963), additive angular margin softmax
 * whose margin rises over the first third (Deng et al. 2019, arXiv 1801.07698), SpecAugment, whole utterances in validation and inference,
 * and at the end the average of the last checkpoints, if it is better.
 */
export const hw4Best: Recipe = defineRecipe({
  name: "hw4-best",
  about: "speaker identification, our best (Conformer, AAM-softmax, SpecAugment, averaged checkpoints)",
  base: hw4Strong,
  changes: {
    saveSteps: 2000,
    averageCheckpoints: 5,
    convExpansion: 2,
    dModel: 256,
    nHead: 4,
    numLayers: 2,
    dimFeedforward: 1024,
    pooling: "attentive-statistics",
    loss: "aam-softmax",
    margin: 0.2,
    marginSteps: 20_000,
    specAugment: true,
    freqMaskWidth: 6,
    timeMaskWidth: 16,
    gradClip: 5,
  },
});
