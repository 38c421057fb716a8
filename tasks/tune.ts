/** `deno task tune`: searches for good hyper-parameters. @module */
import { choice, flag, integer, text } from "../train/fields.ts";
import { recipes } from "../train/recipes/mod.ts";
import { trainGroups } from "../train/train_fields.ts";
import { parseSpace } from "../train/tune/space.ts";
import { type CommandSpec, parseCommand, repeated } from "./cli/command.ts";
import { runTask } from "./cli/run_task.ts";
import { runSearch, searchFields, shownRecipe } from "./tune/search_task.ts";

const options = {
  grid: repeated(text("Values of a key; all combinations are tried. May be given several times", {
    placeholder: "KEY=A,B,…",
  })),
  random: repeated(text("Range or values that a key is drawn from. May be given several times", {
    placeholder: "KEY=LOW..HIGH",
  })),
  trials: integer("Draws; with --grid so many for each of its combinations, the same ones", { min: 1 }),
  halving: flag(
    "Successive halving: all trials get a part of the steps, the best third goes on to three times as many",
  ),
  metric: choice("What the best trial is best in (default: accuracy)", ["accuracy", "loss"]),
  ...searchFields,
};

const spec: CommandSpec<typeof options> = {
  name: "tune",
  about:
    "Searches for good values of a recipe's keys: a grid, random draws, or both. Every trial is a run of its own. " +
    "Ctrl-C saves and stops; the same command, or --resume, goes on.",
  positionals: { name: "RECIPE", help: `One of ${recipes.map(({ name }) => name).join(", ")}`, max: 1 },
  options,
  groups: trainGroups,
  shownDefaults: { ...shownRecipe.config, out: undefined },
  notes: "Keys are those of a recipe, written lr or d-model or dModel; every other key of the recipe is an option.\n" +
    "Draws are uniform, of whole numbers where the key wants them; log-uniform where the range is positive and spans\n" +
    "more than a decade (1e-4..1e-2). --seed alone decides them. Values with commas in them are separated by ';'.\n" +
    "Trials that differ only in seed or validFold are also shown as mean ± deviation.\n" +
    "The folder (--out, default runs/RECIPE-tune) gets trials.jsonl, trial-0001/ and so on, and at the end results.md,\n" +
    "results.csv, results.svg and results.png. A trial that fails is recorded and the search goes on; the exit code is then 1.",
  examples: [
    "deno task tune hw4-simple --data Dataset --grid lr=1e-3,5e-4 --grid dModel=80,160",
    "deno task tune hw4-simple --data Dataset --random lr=1e-4..1e-2 --random dropout=0..0.3 --trials 27 --halving",
    "deno task tune hw4-simple --data Dataset --grid pooling=mean,self-attention --random lr=1e-4..1e-2 --trials 5",
    "deno task tune quickstart --grid seed=0,1,2 --grid lr=1e-3,3e-3 --metric loss",
    "deno task tune --resume --out runs/hw4-simple-tune",
  ],
};

await runTask(async () => {
  const { options, positionals: [recipe] } = parseCommand(spec, Deno.args);
  const { grid, random, trials, halving, metric, ...flags } = options;
  const isPlanned = grid.length + random.length > 0 || [trials, halving, metric].some((given) => given !== undefined);
  const space = () => parseSpace({ grid, random, trials });
  return await runSearch({ task: "tune", recipe, flags, isPlanned, space, metric, halving });
});
