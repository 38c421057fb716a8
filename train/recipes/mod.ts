/** All recipes. @module */
import { nameHint } from "../name_hint.ts";
import { ecapa, ecapaSmall } from "./ecapa.ts";
import { ecapaLargeMargin } from "./ecapa_large_margin.ts";
import { hw4Best } from "./hw4_best.ts";
import { hw4Boss } from "./hw4_boss.ts";
import { hw4Medium } from "./hw4_medium.ts";
import { hw4Medium2023 } from "./hw4_medium_2023.ts";
import { hw4Simple } from "./hw4_simple.ts";
import { hw4Strong } from "./hw4_strong.ts";
import { hw4Strong2023 } from "./hw4_strong_2023.ts";
import { quickstart } from "./quickstart.ts";
import { soundSmall } from "./sound_small.ts";
import { soundCnn, soundResnet18, soundResnet34, soundVggish } from "./sound.ts";
import type { Recipe } from "./recipe.ts";
import { wavlm } from "./wavlm.ts";

export { type Ablation, defineRecipe, type Recipe, type RecipeOptions } from "./recipe.ts";

/** All recipes; the first is the default. */
export const recipes: readonly Recipe[] = [
  quickstart,
  hw4Simple,
  hw4Medium,
  hw4Medium2023,
  hw4Strong,
  hw4Strong2023,
  hw4Boss,
  hw4Best,
  soundSmall,
  soundCnn,
  soundResnet18,
  soundResnet34,
  soundVggish,
  ecapa,
  ecapaSmall,
  ecapaLargeMargin,
  wavlm,
];

/**
 * The recipe of this name.
 *
 * @throws {RangeError} Where there is none; near ones are named.
 */
export function recipeNamed(name: string): Recipe {
  const recipe = recipes.find((recipe) => recipe.name === name);
  if (recipe) return recipe;
  throw new RangeError(
    `Cannot use recipe "${name}": there is none; ${nameHint(name, recipes.map((recipe) => recipe.name))}`,
  );
}
