/** The tutorial's model that passes the homework's medium baseline. @module */
import { defineRecipe, type Recipe } from "./recipe.ts";

/**
 * d 160, two layers of 8 heads, one linear layer as head, 100,000 steps; the rest as `hw4-simple`. The tutorial names no
 * batch size for this model: batches have the 32 utterances of the course's sample code.
 */
export const hw4Medium: Recipe = defineRecipe({
  name: "hw4-medium",
  about: "speaker identification, the 2022 medium baseline (d 160, 2 layers)",
  changes: {
    batchSize: 32,
    totalSteps: 100_000,
    dModel: 160,
    nHead: 8,
    numLayers: 2,
    head: "linear",
  },
});
