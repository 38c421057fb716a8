/** What `deno task tune` and `deno task ablate` have in common: a search from its plan to its results. @module */
import { join } from "node:path";
import type { Values } from "../cli/command.ts";
import { asUsageError, UsageError } from "../cli/errors.ts";
import { quoted } from "../cli/quoted.ts";
import { exitCodes, stopOnInterrupt } from "../cli/run_task.ts";
import { flag, flagOf, text } from "../../train/fields.ts";
import { Screen } from "../../train/progress.ts";
import { readConfigFile } from "../../train/config.ts";
import { recipeNamed, recipes } from "../../train/recipes/mod.ts";
import { type ConfigRequest, resolveConfig } from "../../train/resolve_config.ts";
import type { TrainConfig } from "../../train/train_config.ts";
import { trainFields } from "../../train/train_fields.ts";
import { rungsOf, type SearchPlan, trialsOf } from "../../train/tune/plan.ts";
import { search, type SearchResult } from "../../train/tune/search.ts";
import { pointsOf, type Space } from "../../train/tune/space.ts";
import { readPlan, SearchFolder } from "../../train/tune/search_folder.ts";
import { reportResults } from "./report.ts";

const { recipe: _, out: __, ...keys } = trainFields;

/** Options of both tasks: the recipe keys, and what becomes of the search. */
export const searchFields = {
  out: text("Folder of the search; a search that it holds goes on", { placeholder: "DIR" }),
  resume: flag("Go on with the search in --out as it was begun; nothing else need be given"),
  retryFailed: flag("Make trials that failed once more"),
  config: text("File of keys over the recipe's: .toml, .json or .jsonc", { placeholder: "FILE" }),
  ...keys,
};

/** The recipe whose values `--help` shows. */
export const shownRecipe = recipes.find(({ name }) => Deno.args.includes(name)) ?? recipes[0];

/** What both tasks take besides options of their own. */
export type SearchFlags = Values<typeof searchFields>;

/** A search as its command line asks for it. */
export interface SearchRequest {
  readonly task: SearchPlan["task"];
  readonly recipe?: string;
  readonly flags: SearchFlags;
  /** What is searched, for a recipe of this name. */
  readonly space: (recipe: string) => Space;
  readonly metric?: SearchPlan["metric"];
  readonly halving?: boolean;
  /** Whether options of the task's own are given, which a search that goes on has already. */
  readonly isPlanned: boolean;
}

/** Makes or continues a search, and shows what it gave. */
export async function runSearch(request: SearchRequest): Promise<number> {
  const { out, plan } = await planOf(request).catch((error) => {
    throw asUsageError(error);
  });
  const screen = new Screen();
  const signal = stopOnInterrupt((line) => screen.log(line));
  const { interrupted, trials } = await searched(plan, { out, screen, signal, retryFailed: request.flags.retryFailed });
  if (interrupted) {
    screen.log(`Stopped and saved; go on with: deno task ${plan.task} --resume --out ${quoted(out)}`);
    return exitCodes.interrupted;
  }
  await reportResults(plan, { out, screen, trials });
  return trials.some(({ status }) => status === "failed") ? exitCodes.failed : exitCodes.done;
}

interface SearchedOptions {
  readonly out: string;
  readonly screen: Screen;
  readonly signal: AbortSignal;
  readonly retryFailed?: boolean;
}

async function searched(plan: SearchPlan, { out, ...options }: SearchedOptions): Promise<SearchResult> {
  const { TrainingObjective } = await import("../../train/tune/training_objective.ts"); // only now: typos need no engine
  const { screen } = options;
  const debug = Number(Deno.env.get("DEBUG") ?? 0);
  using objective = await TrainingObjective.open(plan.config, { metric: plan.metric, screen, debug });
  using folder = await SearchFolder.open(out, plan).catch((error) => { // after data and device: a typo leaves nothing
    throw asUsageError(error);
  });
  return await search(plan, { ...options, folder, objective: objective.run });
}

async function planOf(request: SearchRequest): Promise<{ out: string; plan: SearchPlan }> {
  const { task, recipe, flags } = request;
  const { out, resume, retryFailed: _, config: file, ...changes } = flags;
  if (resume) return await planInFolder(request);
  const name = recipeNamed(recipe ?? await recipeIn(file) ?? recipes[0].name).name;
  const folder = out ?? join("runs", `${name}-${task}`);
  const space = request.space(name);
  const config = await configOf({ recipe, file, flags: { ...changes, out: folder } }, space);
  const plan = { task, config, space, metric: request.metric ?? "accuracy", halving: request.halving ?? false };
  rungsOf(plan, trialsOf(plan).length); // what cannot be is said before anything is opened
  return { out: folder, plan };
}

/** The recipe that a config file names. */
async function recipeIn(file: string | undefined): Promise<string | undefined> {
  const name = file && (await readConfigFile(file)).values.recipe;
  return typeof name === "string" ? name : undefined;
}

/**
 * The config that trials change. Values that are searched need not be in it, so it is checked with those of a trial; there
 * has to be one that fits.
 */
async function configOf(request: ConfigRequest, space: Space): Promise<TrainConfig> {
  const seed = request.flags?.seed ?? 0;
  let mistake: unknown;
  for (const { seed: _, ...values } of pointsOf(space, seed)) {
    try {
      return await resolveConfig({ ...request, flags: { ...request.flags, ...values } });
    } catch (error) {
      mistake ??= error;
    }
  }
  throw mistake;
}

async function planInFolder(
  { task, recipe, flags, isPlanned }: SearchRequest,
): Promise<{ out: string; plan: SearchPlan }> {
  const { out, resume: _, retryFailed: __, device, ...others } = flags;
  const other = Object.entries(others).find(([, value]) => value !== undefined)?.[0];
  if (other !== undefined || isPlanned) {
    const what = other === undefined ? "what is searched" : flagOf(other);
    throw new UsageError(`Cannot use ${what} with --resume: a search goes on as it was begun`);
  }
  if (out === undefined && recipe === undefined) {
    throw new UsageError("Cannot resume: which search is not said; give --out");
  }
  const folder = out ?? join("runs", `${recipe}-${task}`);
  const plan = await readPlan(folder);
  if (plan.task !== task) throw new UsageError(`Cannot resume "${folder}": go on with it by deno task ${plan.task}`);
  return { out: folder, plan: { ...plan, config: { ...plan.config, device: device ?? plan.config.device } } };
}
