/** The tutorial's Conformer for the homework's strong baseline. @module */
import { defineRecipe, type Recipe } from "./recipe.ts";

/**
 * d 512, one Conformer block with 8 heads of 64 channels, the feed-forward four times and the convolution twice as wide, kernel 31, dropout 0.1,
 * mean over time, one linear layer; 70,000 steps. The tutorial's own run fed the block (time, batch, channels) as if it were
 * (batch, time, channels), and so mixed the utterances of a batch; here every utterance is by itself.
 */
export const hw4Strong: Recipe = defineRecipe({
  name: "hw4-strong",
  about: "speaker identification, the 2022 strong baseline (Conformer, d 512)",
  changes: {
    batchSize: 32,
    totalSteps: 70_000,
    model: "conformer",
    dModel: 512,
    nHead: 8,
    dimFeedforward: 2048,
    attention: "relative",
    convExpansion: 4, // twice d behind the gate
    head: "linear",
  },
});
