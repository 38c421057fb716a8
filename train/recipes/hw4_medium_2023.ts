/** The best write-up's model for the 2023 medium baseline. @module */
import { defineRecipe, type Recipe } from "./recipe.ts";

/**
 * d 512, one layer of 16 heads with PyTorch's default feed-forward width, and the head
 * Linear(512, 1024), Sigmoid, Dropout, Linear(1024, speakers); batches of 32, seed 87, 70,000 steps.
 */
export const hw4Medium2023: Recipe = defineRecipe({
  name: "hw4-medium-2023",
  about: "speaker identification, the 2023 medium baseline (d 512, 16 heads)",
  changes: {
    seed: 87,
    batchSize: 32,
    totalSteps: 70_000,
    dModel: 512,
    nHead: 16,
    dimFeedforward: 2048,
    head: "2023",
  },
});
