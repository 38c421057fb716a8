/** Writing a model for another toolkit. @module */
import { basename, dirname, join } from "node:path";
import { readSafetensors, writeAtomic, writeSafetensors, writeTorchFile } from "../../data/files/mod.ts";
import { parseOrigin } from "../import/origin.ts";
import { ioFact } from "../io_fact.ts";
import { parseFacts } from "../model_facts.ts";
import { modelFileOf } from "../model_file.ts";
import type { Exported, ExportedFile, Exporter, ExportTarget, StoredModel } from "./exporter.ts";
import { huggingface } from "./huggingface.ts";
import { speechbrain } from "./speechbrain.ts";
import { torch } from "./torch.ts";
import { voxgrad } from "./voxgrad.ts";

const exporters: readonly Exporter[] = [huggingface, speechbrain, torch, voxgrad];

/** How a model is exported. */
export interface ExportOptions {
  /** Toolkit to write for. */
  readonly to: ExportTarget;
  /** Where to: a folder, or a single file where the toolkit has such (`.pt`, `.pth`, `.ckpt` or `.bin` for torch, `.safetensors` for voxgrad). */
  readonly out: string;
  /** Replaces files that are there. Default false. */
  readonly overwrite?: boolean;
}

/** What was exported. */
export interface ExportResult {
  /** "Hugging Face WavLMForXVector". */
  readonly what: string;
  /** Paths of the files. */
  readonly files: readonly string[];
  /** Lines for the user: what the files do not say, how they are loaded. */
  readonly said: readonly string[];
}

/** A place that is taken: the user has to name another. */
export class ExportRefusal extends Error {
  /** For error handlers. */
  override name = "ExportRefusal";
}

/**
 * Writes a model of ours under the names and in the files that another toolkit loads. A model that was imported from that toolkit gets the names
 * back that it had there. Nothing is left behind where that fails.
 *
 * @param path run folder or model file
 * @throws {ExportRefusal} Where something is there already.
 * @throws {RangeError} Where the toolkit has no such model; the message says what it cannot hold.
 * @throws {Error} Where the model cannot be read or the files not be written.
 *
 * @example
 * ```ts ignore
 * import { exportModel } from "./export_model.ts";
 *
 * const { files } = await exportModel("models/wavlm-base-plus-sv", { to: "huggingface", out: "upload" });
 * console.log(files); // upload/model.safetensors, upload/config.json, upload/preprocessor_config.json
 * ```
 */
export async function exportModel(path: string, options: ExportOptions): Promise<ExportResult> {
  const { to, out, overwrite = false } = options;
  const exporter = exporters.find(({ target }) => target === to);
  if (exporter === undefined) {
    throw new RangeError(`Cannot export to "${to}": known are ${exporters.map((e) => e.target).join(", ")}`);
  }
  const stat = await Deno.lstat(out).catch(() => undefined);
  if (stat !== undefined && !overwrite) {
    throw new ExportRefusal(`Cannot export to "${out}": it exists; give --overwrite to replace it, or another --out`);
  }
  const model = await storedModel(path);
  const exported = converted(exporter, model);
  const isFile = exporter.endings.some((ending) => out.toLowerCase().endsWith(ending));
  if (stat !== undefined && stat.isDirectory === isFile) {
    throw new ExportRefusal(`Cannot export to "${out}": it is a ${isFile ? "folder" : "file"}; give another --out`);
  }
  const files = isFile ? await writeFile(out, exported) : await writeFolder(out, exported);
  return { what: `${exporter.toolkit} ${exported.what}`, files, said: exported.said };
}

async function storedModel(path: string): Promise<StoredModel> {
  const file = await modelFileOf(path);
  const { arrays, metadata } = readSafetensors(file);
  return { path: file, facts: parseFacts(file, metadata), arrays, origin: parseOrigin(metadata.origin) };
}

function converted(exporter: Exporter, model: StoredModel): Exported {
  try {
    return exporter.convert(model);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`Cannot export "${model.path}" to ${exporter.toolkit}: ${error.message}`, { cause: error });
  }
}

/** The weights alone. */
async function writeFile(out: string, { files: [file] }: Exported): Promise<string[]> {
  await write(out, file);
  return [out];
}

/** All files, beside the folder first, so that it appears with all of them or with none. */
async function writeFolder(out: string, { files }: Exported): Promise<string[]> {
  const parent = dirname(out);
  const beside = await Deno.makeTempDir({ dir: parent, prefix: `.${basename(out)}-` }).catch((error) => {
    throw new Error(`Cannot write "${out}": ${ioFact(error)}`, { cause: error });
  });
  try {
    for (const file of files) await write(join(beside, file.name), file);
    await Deno.mkdir(out, { recursive: true });
    for (const { name } of files) await Deno.rename(join(beside, name), join(out, name));
  } finally {
    await Deno.remove(beside, { recursive: true });
  }
  return files.map(({ name }) => join(out, name));
}

async function write(path: string, file: ExportedFile): Promise<void> {
  try {
    if ("text" in file) await writeAtomic(path, file.text);
    else if ("torch" in file) await writeTorchFile(path, file.torch);
    else await writeSafetensors(path, file.safetensors, file.metadata);
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new Error(`Cannot write "${path}": ${ioFact(error)}`, { cause: error });
  }
}
