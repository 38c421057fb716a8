/** The best write-up's Conformer for the 2023 strong baseline. @module */
import { hw4Strong } from "./hw4_strong.ts";
import { defineRecipe, type Recipe } from "./recipe.ts";

/** As `hw4-strong` with a convolution as wide as the block and the write-up's seed 87: 0.955 of the public test part, with a single linear layer as head. */
export const hw4Strong2023: Recipe = defineRecipe({
  name: "hw4-strong-2023",
  about: "speaker identification, the 2023 strong baseline (Conformer, seed 87)",
  base: hw4Strong,
  changes: { seed: 87, convExpansion: 2 },
});
