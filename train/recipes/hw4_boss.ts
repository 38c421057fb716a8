/** The best write-up's answer to the homework's boss baseline. @module */
import { hw4Strong2023 } from "./hw4_strong_2023.ts";
import { defineRecipe, type Recipe } from "./recipe.ts";

/**
 * `hw4-strong-2023` with self-attention pooling (arXiv 2008.01077) and additive margin softmax (arXiv 1801.05599), margin 0.35. The write-up
 * applied the margin to unbounded logits, where it means nothing, with a scale of 10; here it is on cosines of normalised embeddings and
 * weights, which want the usual 30. `deno task ablate hw4-boss` compares the four combinations of the two.
 */
export const hw4Boss: Recipe = defineRecipe({
  name: "hw4-boss",
  about: "speaker identification, the 2023 boss baseline (self-attention pooling, AM-softmax)",
  base: hw4Strong2023,
  changes: { pooling: "self-attention", loss: "am-softmax", margin: 0.35, scale: 30 },
  ablation: { pooling: ["mean", "self-attention"], loss: ["cross-entropy", "am-softmax"] },
});
