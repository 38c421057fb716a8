/** The place of an imported model. @module */
import { dirname, join } from "node:path";
import { writeSafetensors } from "../../data/files/mod.ts";
import { ioFact } from "../io_fact.ts";
import type { Saved } from "../run_folder.ts";

/** The file of a model's place: a name ending in `.safetensors` is the file, else it is a folder. */
export function modelFileIn(out: string): string {
  return out.toLowerCase().endsWith(".safetensors") ? out : join(out, "best.safetensors");
}

/**
 * Writes a model; a folder that is not there is made, and unmade if the file could not be written.
 *
 * @throws {Error} It cannot be written.
 */
export async function writeModel(out: string, { arrays, metadata }: Saved): Promise<void> {
  const file = modelFileIn(out), folder = dirname(file);
  const isThere = await Deno.stat(folder).then(() => true, () => false);
  try {
    if (!isThere) await Deno.mkdir(folder, { recursive: true });
    await writeSafetensors(file, { ...arrays }, metadata);
  } catch (error) {
    if (!isThere) await Deno.remove(folder).catch(() => {}); // maybe it could not even be made
    throw new Error(`Cannot write "${file}": ${ioFact(error)}`, { cause: error });
  }
}
