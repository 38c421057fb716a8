/** Making a model of ours of another toolkit's. @module */
import { openSafetensors } from "../../data/files/mod.ts";
import { type ModelFacts, parseFacts } from "../model_facts.ts";
import type { Saved } from "../run_folder.ts";
import { importHint } from "./hint.ts";
import { importers, recognise, type Recognised } from "./importers.ts";
import type { Imported, ImportHints } from "./importer.ts";
import { savedOf } from "./saved_of.ts";
import { type ImportSource, openImportSource } from "./source.ts";
import type { Toolkit } from "./toolkits.ts";
import { modelFileIn, writeModel } from "./write_model.ts";

/** How a model is imported. */
export interface ImportOptions extends ImportHints {
  /** Where to: a file if it ends in `.safetensors`, else a folder. Default `models/NAME`, after the source. */
  readonly out?: string;
  /** Replaces a model that is there. Default false. */
  readonly overwrite?: boolean;
  /** The toolkit, where a folder could be of more than one. */
  readonly from?: Toolkit;
  /** Folder with the files that belong to a single file. Default none. */
  readonly root?: string;
}

/** What was imported. */
export interface ImportResult {
  /** "Hugging Face WavLMForXVector, 12 layers of 768". */
  readonly what: string;
  /** The model's place, as `--model` takes it. */
  readonly model: string;
  /** Its file. */
  readonly file: string;
  /** What the file says of the model. */
  readonly facts: Omit<ModelFacts, "step" | "accuracy">;
  /** Lines for the user: what was left out, what was assumed. */
  readonly said: readonly string[];
}

/** Nothing that can be imported, or more than one thing, or a place that is taken: the user has to ask for something else. */
export class ImportRefusal extends Error {
  /** Tells it from failures: the task exits with 2. */
  override name = "ImportRefusal";
}

/**
 * Reads a model of another toolkit and writes it as one of ours, on the current device. Nothing is left behind where that fails.
 *
 * @param path folder or file
 * @throws {ImportRefusal} Where it is of no known kind or of two, or a model is there already.
 * @throws {Error} Where a part of it is missing, damaged, or of a kind that our models do not have.
 *
 * @example
 * ```ts ignore
 * import { importModel } from "./import_model.ts";
 *
 * const { model, what } = await importModel("downloads/spkrec-ecapa-voxceleb");
 * console.log(what, model); // models/spkrec-ecapa-voxceleb
 * ```
 */
export async function importModel(path: string, options: ImportOptions = {}): Promise<ImportResult> {
  const { source, what, convert } = await findModel(path, options);
  const model = options.out ?? `models/${source.name}`, file = modelFileIn(model);
  if (!options.overwrite && await Deno.lstat(file).then(() => true, () => false)) {
    throw new ImportRefusal(
      `Cannot import into "${file}": it exists; give --overwrite to replace it, or another --out`,
    );
  }
  const { saved, facts, said } = await convert();
  await writeModel(model, saved);
  return { what, model, file, facts, said };
}

/** A model that was recognised and can be converted. */
export interface FoundModel {
  /** Where it is. */
  readonly source: ImportSource;
  /** What it is, for messages. */
  readonly what: string;
  /** What to write of it. */
  readonly convert: () => Promise<Pick<Imported, "facts" | "said"> & { readonly saved: Saved }>;
}

/** Finds out what a folder or file holds; errors as of {@linkcode importModel}. */
export async function findModel(path: string, options: ImportOptions): Promise<FoundModel> {
  const source = await openImportSource(path, { root: options.root });
  const found = await recognise(source);
  if (found.length === 0) {
    if (isOurs(modelFileIn(path))) {
      throw new ImportRefusal(`Cannot import "${path}": it is a model of voxgrad already; give it as it is to --model`);
    }
    await refuseFileOf(path);
  }
  const { importer, what } = chosen(found, { source, from: options.from });
  const convert = async () => {
    const imported = await importer.convert(source, options);
    return {
      facts: imported.facts,
      said: imported.said,
      saved: savedOf(imported, { source, what, toolkit: importer.id }),
    };
  };
  return { source, what, convert };
}

/** Whether a file is a model that needs no import. */
function isOurs(file: string): boolean {
  try {
    using opened = openSafetensors(file);
    parseFacts(file, opened.metadata);
    return true;
  } catch {
    return false;
  }
}

/** Refuses a file that says nothing without those beside it. */
async function refuseFileOf(path: string): Promise<void> {
  const hint = await importHint(path);
  if (hint !== undefined) {
    throw new ImportRefusal(`Cannot import "${path}" without the files beside it: ${hint.replace(/ first$/u, "")}`);
  }
}

/** The one that is meant. */
function chosen(found: readonly Recognised[], { source, from }: { source: ImportSource; from?: Toolkit }): Recognised {
  const fitting = from === undefined ? found : found.filter(({ importer }) => importer.id === from);
  if (fitting.length === 1) return fitting[0];
  if (fitting.length > 1) {
    const list = fitting.map(({ importer, what }) => `${what} (--from ${importer.id})`).join(", ");
    throw new ImportRefusal(`Cannot import "${source.path}": it could be ${list}; say which`);
  }
  const kinds = importers.map(({ toolkit, looksFor }) => `${toolkit} (${looksFor})`).join("; ");
  const asked = from === undefined ? "" : ` of ${from}`;
  throw new ImportRefusal(`Cannot import "${source.path}": it is no model${asked} that voxgrad knows: ${kinds}`);
}
