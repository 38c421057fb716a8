/** From recipe, file and flags to the config of a run. @module */
import { basename, dirname, join } from "node:path";
import { flagLayer, layConfig, type Layer, readConfigFile } from "./config.ts";
import { adoptInitial } from "./init/adopt.ts";
import { readInitialModel } from "./init/initial_model.ts";
import { recipeNamed, recipes } from "./recipes/mod.ts";
import { checkTrainConfig } from "./check_config.ts";
import type { TrainConfig } from "./train_config.ts";
import { fixedKeys, trainFields } from "./train_fields.ts";

/** What a user gives for a run. */
export interface ConfigRequest {
  /** A recipe's name; else that of the config file, else the default recipe. */
  readonly recipe?: string;
  /** A `.toml`, `.json` or `.jsonc` file of keys. */
  readonly file?: string;
  /** Keys given as flags. */
  readonly flags?: Readonly<Partial<TrainConfig>>;
  /** Go on with the run in `out`: its saved config takes the place of the recipe's defaults. */
  readonly resume?: boolean;
  /** Is told what was taken over from the initial model. */
  readonly say?: (line: string) => void;
}

/**
 * The config of a run: the recipe's defaults (or the resumed run's config), the file over them, flags over that. Where
 * neither file nor flags name the run folder, a new run gets the next free one of `runs/NAME`, `runs/NAME-2`, …, and
 * `resume` takes the last of them. A new run that starts from a model (`init`) takes over its architecture, sizes and features, unless asked
 * for others.
 *
 * @throws {SyntaxError} Where a key is unknown or a file does not parse.
 * @throws {RangeError} Where the recipe is unknown or a value is out of range, on resuming one that may not change, or where the initial
 * model contradicts what is asked for.
 * @throws {Error} Where a file cannot be read, or `out` holds no run to resume.
 */
export async function resolveConfig(request: ConfigRequest): Promise<TrainConfig> {
  const { recipe, file, flags = {}, resume } = request;
  if (resume && flags.init !== undefined) {
    throw new RangeError(
      `Cannot resume with --init "${flags.init}": a run that goes on has its weights; leave out --resume to begin a new one`,
    );
  }
  const given = [...(file === undefined ? [] : [await readConfigFile(file)]), flagLayer(flags)];
  const named = recipe ?? given[0].values.recipe;
  const fresh = layOver(typeof named === "string" ? named : recipes[0].name, given);
  if (given.every(({ values }) => values.out === undefined)) fresh.out = await runFolderOf(fresh.out, resume);
  const config = resume ? await resumed(fresh, recipe, given) : await begun(fresh, given, request);
  checkTrainConfig(config);
  return config;
}

/** A new run's config, with what its initial model brings. */
async function begun(
  config: TrainConfig,
  given: readonly Layer[],
  { recipe, say }: ConfigRequest,
): Promise<TrainConfig> {
  const { init: path, initSha256: sha256 } = config;
  if (path === "" && recipeNamed(config.recipe).needsInit) {
    throw new RangeError(
      `Cannot train recipe "${config.recipe}" from random weights: it goes on with a trained model; give it by --init MODEL`,
    );
  }
  if (path === "") return config;
  const initial = await readInitialModel(path, { sha256 });
  const has = (key: keyof TrainConfig) => given.some(({ values }) => values[key] !== undefined);
  const nameOf = (key: keyof TrainConfig) =>
    given.findLast(({ values }) => values[key] !== undefined)?.nameOf(key) ?? key;
  const asked = { has, nameOf, recipe: recipe !== undefined || has("recipe") };
  const { config: adopted, lines } = adoptInitial(config, { initial, asked });
  for (const line of lines) say?.(line);
  return adopted;
}

function layOver(recipe: string, layers: readonly Layer[]): TrainConfig {
  const { config } = recipeNamed(recipe);
  return { ...layConfig<TrainConfig>(trainFields, config, layers), recipe };
}

/** The next or (to resume it) the last one of a recipe's run folders. */
async function runFolderOf(first: string, resume = false): Promise<string> {
  const others = new Set(recipes.map(({ config }) => config.out)); // "hw4-medium-2023" is not the 2023rd of "hw4-medium"
  const folder = dirname(first);
  let last = 0;
  for (const name of await namesIn(folder)) {
    const number = numberIn(name, basename(first));
    if (number === 1 || !others.has(join(folder, name))) last = Math.max(last, number);
  }
  const number = resume ? Math.max(1, last) : last + 1;
  return number === 1 ? first : `${first}-${number}`;
}

/** "quickstart" is 1, "quickstart-3" is 3, what is no such name is 0. */
function numberIn(name: string, first: string): number {
  if (name === first) return 1;
  const rest = name.startsWith(`${first}-`) ? name.slice(first.length + 1) : "";
  return /^[1-9]\d{0,8}$/.test(rest) ? Number(rest) : 0;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  } catch {
    return []; // there is none yet, or it cannot be read: making the run folder will say so
  }
}

async function resumed(fresh: TrainConfig, recipe: string | undefined, given: readonly Layer[]): Promise<TrainConfig> {
  const { out } = fresh;
  const saved = await readSaved(out);
  const before = layOver(String(saved.values.recipe), [saved]);
  const config = { ...layConfig<TrainConfig>(trainFields, before, given), out };
  if (recipe !== undefined) config.recipe = recipe;
  for (const key of fixedKeys) {
    const [was, is] = [before[key], config[key]].map((value) => JSON.stringify(value));
    if (was !== is) throw new RangeError(`Cannot resume "${out}" with ${key} ${is}: it was started with ${was}`);
  }
  if (before.epochs > 0 !== config.epochs > 0) {
    const [was, is] = [before.epochs, config.epochs].map((epochs) => epochs > 0 ? "epochs" : "steps");
    throw new RangeError(
      `Cannot resume "${out}" with epochs ${config.epochs}: it was started to count ${was}, not ${is}`,
    );
  }
  return config;
}

async function readSaved(out: string): Promise<Layer> {
  try {
    return await readConfigFile(join(out, "config.json"));
  } catch (error) {
    if (!(error instanceof Error && error.cause instanceof Deno.errors.NotFound)) throw error;
    throw new Error(`Cannot resume "${out}": it holds no run`, { cause: error });
  }
}
