/** `deno task ablate`: what each of some switches adds. @module */
import { choice, text } from "../train/fields.ts";
import { recipeNamed, recipes } from "../train/recipes/mod.ts";
import { trainGroups } from "../train/train_fields.ts";
import { checkSwitches, switchesOf } from "../train/tune/ablation.ts";
import { type Choices, parseChoices } from "../train/tune/axis.ts";
import { checkKeys } from "../train/tune/space.ts";
import { type CommandSpec, parseCommand, repeated } from "./cli/command.ts";
import { runTask } from "./cli/run_task.ts";
import { runSearch, searchFields, shownRecipe } from "./tune/search_task.ts";

const options = {
  switch: repeated(text("A key, its base value, and others to try. May be given several times", {
    placeholder: "KEY=BASE,OTHER",
  })),
  seeds: text("Seeds to train every combination with; the table then has mean ± deviation", { placeholder: "N,N,…" }),
  metric: choice("What is compared with the base (default: accuracy)", ["accuracy", "loss"]),
  ...searchFields,
};

const own = recipes.filter(({ ablation }) => ablation !== undefined).map(({ name }) => name);

const spec: CommandSpec<typeof options> = {
  name: "ablate",
  about: "Trains a recipe with every combination of some switches, and shows what each adds to the base.",
  positionals: { name: "RECIPE", help: `One of ${recipes.map(({ name }) => name).join(", ")}`, max: 1 },
  options,
  groups: trainGroups,
  shownDefaults: { ...shownRecipe.config, out: undefined },
  notes: `Recipes with switches of their own: ${own.join(", ") || "none"}. The folder (--out, default ` +
    "runs/RECIPE-ablate) is\nthat of a search: see deno task tune --help.",
  examples: [
    "deno task ablate hw4-simple --data Dataset --switch pooling=mean,self-attention --switch normFirst=false,true",
    "deno task ablate hw4-simple --data Dataset --switch head=two-layer,linear --seeds 0,1,2",
    "deno task ablate --resume --out runs/hw4-simple-ablate",
  ],
};

await runTask(async () => {
  const { options, positionals: [recipe] } = parseCommand(spec, Deno.args);
  const { switch: given, seeds, metric, ...flags } = options;
  const isPlanned = given.length > 0 || seeds !== undefined || metric !== undefined;
  const space = (recipe: string) => ({ grid: gridOf(recipe, { given, seeds }), random: [], draws: 1 });
  return await runSearch({ task: "ablate", recipe, flags, isPlanned, space, metric });
});

/** The switches of the command line, or else of the recipe; and the seeds. */
function gridOf(recipe: string, { given, seeds }: { given: readonly string[]; seeds?: string }): Choices[] {
  const switches = given.length > 0 ? given.map(parseChoices) : switchesOf(recipeNamed(recipe).ablation);
  if (switches.length === 0) {
    throw new RangeError(
      `Cannot ablate "${recipe}": it has no switches of its own; give some with --switch KEY=BASE,OTHER`,
    );
  }
  checkSwitches(switches);
  const grid = [...switches, ...(seeds === undefined ? [] : [parseChoices(`seed=${seeds}`)])];
  checkKeys(grid.map(({ key }) => key));
  return grid;
}
