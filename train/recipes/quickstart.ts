/** The first run on a new machine: small, on the recordings that come with the project. @module */
import { defineRecipe, type Recipe } from "./recipe.ts";

/** Six speakers saying digits (`data/samples`). */
export const quickstart: Recipe = defineRecipe({
  name: "quickstart",
  about: "six speakers of the bundled recordings",
  changes: {
    data: "data/samples",
    segmentLength: 64,
    totalSteps: 600,
    validSteps: 100,
    saveSteps: 300,
    logSteps: 20,
    warmupSteps: 60,
  },
});
