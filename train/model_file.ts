/** A trained model as a file. @module */
import { ioFact } from "./io_fact.ts";
import { type LoadedModel, modelFromBytes } from "./model_from_bytes.ts";

/**
 * The file of a model: of a run folder its best model, else the path itself.
 *
 * @throws {Error} Where there is none.
 */
export async function modelFileOf(path: string): Promise<string> {
  const isFolder = await Deno.stat(path).then((s) => s.isDirectory, () => {
    throw new Error(`Cannot load model "${path}": there is no such file or folder`);
  });
  const file = isFolder ? `${path}/best.safetensors` : path;
  if (isFolder && !await Deno.stat(file).then(() => true, () => false)) {
    const remedy = await hintFor(path) ?? "train a while longer, up to the first validation";
    throw new Error(`Cannot load model "${path}": it holds no best.safetensors; ${remedy}`);
  }
  return file;
}

/** What to do with another toolkit's model. Those who can import it are asked for only now. */
async function hintFor(path: string): Promise<string | undefined> {
  const { importHint } = await import("./import/hint.ts");
  return await importHint(path);
}

/**
 * Loads a model: a run folder (its best model) or a file.
 *
 * @throws {Error} Where there is none, it is cut short, or weights and description do not fit.
 */
export async function loadModel(path: string): Promise<LoadedModel> {
  const file = await modelFileOf(path);
  const bytes = await Deno.readFile(file).catch((error) => {
    throw new Error(`Cannot load model "${path}": ${ioFact(error)}`, { cause: error });
  });
  return await modelFromBytes(bytes, file).catch(async (error) => {
    const hint = await hintFor(file);
    if (hint === undefined) throw error;
    throw new Error(`Cannot load model "${path}": ${hint}`, { cause: error });
  });
}
