/** The homework's own baseline. @module */
import { defineRecipe, type Recipe } from "./recipe.ts";

/**
 * The numbers of the tutorial: d 80, one layer of 2 heads, feed-forward 256, two-layer head, AdamW at 1e-3 with 1,000 steps
 * of warm-up, 70,000 steps, validation every 2,000. Batches have 16 utterances as in the tutorial; the course's sample
 * code has 32 (`--batch-size 32`).
 */
export const hw4Simple: Recipe = defineRecipe({
  name: "hw4-simple",
  about: "speaker identification, the homework's simple baseline",
  changes: {
    batchSize: 16,
    totalSteps: 70_000,
    validSteps: 2000,
    saveSteps: 10_000,
    warmupSteps: 1000,
    lr: 1e-3,
    dModel: 80,
    nHead: 2,
    numLayers: 1,
    dimFeedforward: 256,
    dropout: 0.1,
    head: "two-layer",
  },
});
