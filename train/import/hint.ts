/** What to tell who gives another toolkit's model where one of ours is wanted. @module */
import { dirname } from "node:path";
import { recognise } from "./importers.ts";
import { openImportSource } from "./source.ts";

/** "it is a Hugging Face WavLMForXVector, …: deno task import DIR"; undefined for what no importer knows. */
export async function importHint(path: string): Promise<string | undefined> {
  for (const place of await placesOf(path)) {
    const [found] = await openImportSource(place).then(recognise).catch(() => []);
    if (found !== undefined) {
      const what = found.importer.id === "voxgrad" ? found.what : `model of another toolkit (${found.what})`;
      return `it is a ${what}; run deno task import ${place} first`;
    }
  }
  return undefined;
}

/** The path itself, and of a file the folder that it lies in. */
async function placesOf(path: string): Promise<string[]> {
  const stat = await Deno.stat(path).catch(() => undefined);
  return stat?.isFile ? [path, dirname(path)] : [path];
}
