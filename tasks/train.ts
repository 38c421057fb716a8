/** `deno task train`: trains a recipe. @module */
import { recipes } from "../train/recipes/mod.ts";
import { Screen } from "../train/progress.ts";
import { resolveConfig } from "../train/resolve_config.ts";
import type { TrainConfig } from "../train/train_config.ts";
import { trainFields, trainGroups } from "../train/train_fields.ts";
import { type CommandSpec, parseCommand } from "./cli/command.ts";
import { asUsageError } from "./cli/errors.ts";
import { exitCodes, runTask, stopOnInterrupt } from "./cli/run_task.ts";
import { quoted } from "./cli/quoted.ts";
import { flag, text } from "../train/fields.ts";

const { recipe: _, ...keys } = trainFields;

/** The recipe whose values `--help` shows. */
const shown = recipes.find(({ name }) => Deno.args.includes(name)) ?? recipes[0];

const options = {
  config: text("File of keys over the recipe's: .toml, .json or .jsonc", { placeholder: "FILE" }),
  resume: flag("Go on with the run in --out (unless given, the newest), exactly where its checkpoint stands"),
  ...keys,
};

const spec: CommandSpec<typeof options> = {
  name: "train",
  about: "Trains a model by a recipe. The run folder gets config.json, metrics.jsonl, TensorBoard events, " +
    "best.safetensors and checkpoints.",
  positionals: { name: "RECIPE", help: `One of ${recipes.map(({ name }) => name).join(", ")}`, max: 1 },
  options,
  groups: trainGroups,
  shownDefaults: { ...shown.config, out: undefined },
  notes: `Defaults are those of ${shown.name}; deno task train RECIPE --help shows another recipe's.\n\nRecipes:\n` +
    recipes.map(({ name, about }) => `  ${name.padEnd(19)} ${about}`).join("\n"),
  examples: [
    "deno task train",
    "deno task train hw4-simple --data Dataset --out runs/first",
    "deno task train hw4-medium --data Dataset --total-steps 3000 --device cpu",
    "deno task train --config my.toml --lr 5e-4",
    "deno task train --resume --out runs/first",
    "deno task train ecapa-small --init runs/verifier --data my-folder --freeze 'encoder.blocks.*' --lr 1e-4",
  ],
};

await runTask(async () => {
  const { options, positionals } = parseCommand(spec, Deno.args);
  const { config: file, resume = false, ...flags } = options;
  const screen = new Screen();
  const say = (line: string) => screen.info(line);
  const config = await configOf({ recipe: positionals[0], file, flags, resume, say });
  const signal = stopOnInterrupt((line) => screen.log(line));
  // only now: --help and typos need no engine
  const [{ train }, { FreezeError }] = await Promise.all([import("../train/train.ts"), import("../train/freeze.ts")]);
  const debug = Number(Deno.env.get("DEBUG") ?? 0);
  const { interrupted, heldOut } = await train(config, { resume, signal, screen, debug }).catch((error) => {
    throw error instanceof FreezeError && flags.freeze !== undefined ? asUsageError(error) : error;
  });
  const out = quoted(config.out);
  if (interrupted) {
    screen.log(`Stopped and saved; go on with: deno task train --resume --out ${out}`);
    return exitCodes.interrupted;
  }
  screen.log(`Next: deno task infer --model ${out}${heldOut === null ? "" : ` ${quoted(heldOut)}`}`);
});

async function configOf(request: Parameters<typeof resolveConfig>[0]): Promise<TrainConfig> {
  try {
    return await resolveConfig(request);
  } catch (error) {
    throw asUsageError(error);
  }
}
