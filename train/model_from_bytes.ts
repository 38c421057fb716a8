/**
 * A trained model from the bytes of its file. Nothing here or below touches files, so that it works in a browser.
 * @module
 */
import { readSafetensors } from "../data/files/safetensors_file.ts";
import { type ModelFacts, parseFacts } from "./model_facts.ts";
import * as models from "./models/mod.ts";
import { sha256 } from "./sha256.ts";
import type { ModelName } from "./train_config.ts";

/** A model ready to use. */
export interface LoadedModel extends ModelFacts {
  /** An `nn.Classifier` in evaluation mode, on the device that was current when it was loaded. */
  readonly model: ReturnType<(typeof models)["modelKinds"][ModelName]["build"]>;
  /** SHA-256 of the file's bytes in lower-case hexadecimals: what calibrations and databases of speakers know the model by. */
  readonly id: string;
}

/**
 * Loads a model on the current device.
 *
 * @param bytes a model file's
 * @param name what to call it in errors
 * @throws {Error} Where they are cut short, or weights and description do not fit.
 */
export async function modelFromBytes(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<LoadedModel> {
  const id = await sha256(bytes);
  const { arrays, metadata } = readSafetensors(bytes, { name });
  const facts = parseFacts(name, metadata);
  const model = build(facts, name);
  model.loadStateDict(arrays, { source: name });
  return { ...facts, id, model: model.eval() };
}

/** A model of the sizes that a file asks for. */
function build({ architecture, options }: ModelFacts, name: string): LoadedModel["model"] {
  try {
    return models.modelKinds[architecture].build(options);
  } catch (error) {
    throw new Error(`Cannot load "${name}": its sizes make no model: ${(error as Error).message}`, { cause: error });
  }
}
