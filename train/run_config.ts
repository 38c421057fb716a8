/** The config of the run that a model comes from. @module */
import { dirname, join } from "node:path";
import { layConfig, readConfigFile } from "./config.ts";
import { recipes } from "./recipes/mod.ts";
import type { TrainConfig } from "./train_config.ts";
import { trainFields } from "./train_fields.ts";

/** Where the config of a run lies, for a run folder or a model file in one. */
export async function runFolderOf(model: string): Promise<string> {
  const isFolder = await Deno.stat(model).then(({ isDirectory }) => isDirectory, () => false);
  return isFolder ? model : dirname(model);
}

/**
 * The config beside a model; null where there is none.
 *
 * @param model run folder or model file
 * @throws {Error} Where there is one that cannot be read, or holds what no config may.
 */
export async function runConfigOf(model: string): Promise<TrainConfig | null> {
  const path = join(await runFolderOf(model), "config.json");
  if (!await Deno.stat(path).then(() => true, () => false)) return null;
  return layConfig<TrainConfig>(trainFields, recipes[0].config, [await readConfigFile(path)]);
}
