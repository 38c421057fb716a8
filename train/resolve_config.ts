/** From recipe, file and flags to the config of a run. @module */
import { join } from "node:path";
import { flagLayer, layConfig, type Layer, readConfigFile } from "./config.ts";
import { recipeNamed, recipes } from "./recipes/mod.ts";
import { checkTrainConfig, fixedKeys, type TrainConfig, trainFields } from "./train_config.ts";

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
}

/**
 * The config of a run: the recipe's defaults (or the resumed run's config), the file over them, flags over that.
 *
 * @throws {SyntaxError} Where a key is unknown or a file does not parse.
 * @throws {RangeError} Where the recipe is unknown or a value is out of range, or on resuming one that may not change.
 * @throws {Error} Where a file cannot be read, or `out` holds no run to resume.
 */
export async function resolveConfig({ recipe, file, flags = {}, resume }: ConfigRequest): Promise<TrainConfig> {
  const given = [...(file === undefined ? [] : [await readConfigFile(file)]), flagLayer(flags)];
  const named = recipe ?? given[0].values.recipe;
  const fresh = layOver(typeof named === "string" ? named : recipes[0].name, given);
  const config = resume ? await resumed(fresh, recipe, given) : fresh;
  checkTrainConfig(config);
  return config;
}

function layOver(recipe: string, layers: readonly Layer[]): TrainConfig {
  const { config } = recipeNamed(recipe);
  return { ...layConfig<TrainConfig>(trainFields, config, layers), recipe };
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
