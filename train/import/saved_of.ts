/** Looking at an imported model before it is written. @module */
import type { ArrayDict, NamedArray } from "../../data/files/mod.ts";
import type { Tensor } from "../../tensor/mod.ts";
import { type ModelFacts, modelToSave, parseFacts } from "../model_facts.ts";
import { modelKinds } from "../models/mod.ts";
import type { Saved } from "../run_folder.ts";
import type { Imported } from "./importer.ts";
import { originText } from "./origin.ts";
import type { ImportSource } from "./source.ts";
import type { Toolkit } from "./toolkits.ts";

/**
 * What to write for an imported model, after a model was built of it to see that all fits. On the current device.
 *
 * @param what the model in messages, such as "Hugging Face WavLMForXVector"; and the toolkit, noted in the file with its names
 * @throws {Error} Weights are missing, not known to our model, or of another shape; or the sizes make no model.
 */
export function savedOf(imported: Imported, { source, what, toolkit }: {
  source: ImportSource;
  what: string;
  toolkit: Toolkit;
}): Saved {
  const facts: ModelFacts = { ...imported.facts, step: 0, accuracy: null };
  const file = imported.file ?? source.path;
  const model = buildModel(facts, file);
  const arrays = withCounts(imported.arrays, model);
  const theirs = (name: string) => imported.names.get(name) ?? imported.nameOf?.(name) ?? name;
  const complaints = complaintsOf(arrays, { model, theirs });
  if (complaints.length > 0) throw new TypeError(`Cannot import "${file}" as ${what}: ${complaints.join(", ")}`);
  const saved = modelToSave(Object.fromEntries(Object.keys(model).map((name) => [name, arrays[name]])), facts);
  parseFacts(file, saved.metadata); // what the file says is looked at as it will be when it is loaded
  const origin = originText({ toolkit, names: imported.names });
  return { ...saved, metadata: { ...saved.metadata, origin } };
}

/** Our model's tensors by name. */
function buildModel({ architecture, options }: ModelFacts, file: string): Readonly<Record<string, Tensor>> {
  try {
    return modelKinds[architecture].build(options).stateDict();
  } catch (error) {
    throw new RangeError(`Cannot import "${file}": its sizes make no model: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Counts of batches are of no use in evaluation: older files have none, and averaged ones are no whole numbers. */
function withCounts(arrays: Readonly<ArrayDict>, model: Readonly<Record<string, Tensor>>): ArrayDict {
  const counts = Object.entries(model).filter(([name, { dtype }]) =>
    name.endsWith("num_batches_tracked") && dtype === "int32"
  );
  const whole = counts.map(([name]): [string, NamedArray] => {
    const { data: [count] = [0] } = Object.hasOwn(arrays, name) ? arrays[name] : { data: [0] };
    return [name, { shape: [], data: Int32Array.of(Number.isFinite(count) ? Math.trunc(count) : 0) }];
  });
  return { ...arrays, ...Object.fromEntries(whole) };
}

/** What does not fit, in the toolkit's names. */
function complaintsOf(
  arrays: Readonly<ArrayDict>,
  { model, theirs }: { model: Readonly<Record<string, Tensor>>; theirs: (name: string) => string },
): string[] {
  const missing = Object.keys(model).filter((name) => !Object.hasOwn(arrays, name)).map(theirs);
  const extra = Object.keys(arrays).filter((name) => !Object.hasOwn(model, name)).map(theirs);
  const misshapen = Object.entries(model).flatMap(([name, { shape, dtype }]) => {
    if (!Object.hasOwn(arrays, name)) return [];
    const found = arrays[name], isFloat = found.data instanceof Float32Array;
    if (String(found.shape) !== String(shape)) return [`${theirs(name)} is [${found.shape}], wanted [${shape}]`];
    return isFloat === (dtype === "float32")
      ? []
      : [`${theirs(name)} holds ${isFloat ? "fractions" : "whole numbers"}`];
  });
  return [...some(missing, "missing"), ...some(extra, "not known"), ...some(misshapen, "of another shape")];
}

/** "2 missing (a, b)", with at most three names. */
function some(names: readonly string[], what: string): string[] {
  if (names.length === 0) return [];
  return [`${names.length} ${what} (${names.slice(0, 3).join(", ")}${names.length > 3 ? ", …" : ""})`];
}
