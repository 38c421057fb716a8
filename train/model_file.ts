/**
 * A trained model as a file: weights, and all that is needed to use them (sizes, classes, feature settings).
 * @module
 */
import { type FeatureSettings, parseFeatureSettings } from "../data/features/mod.ts";
import { type ArrayDict, readSafetensors } from "../data/files/mod.ts";
import * as nn from "../nn/mod.ts";
import type { Saved } from "./run_folder.ts";
import type { TrainConfig } from "./train_config.ts";

const FORMAT = "voxgrad speaker classifier 1";

/** What a model file says besides weights. */
export interface ModelFacts {
  /** Sizes and kinds of the model's parts, see `nn.SpeakerClassifierOptions`. */
  readonly options: ConstructorParameters<(typeof nn)["SpeakerClassifier"]>[0] & { readonly nMels: number };
  /** Names of the classes in the order of the scores. */
  readonly classes: readonly string[];
  /** How to make features from recordings; null where the training data did not say. */
  readonly featureSettings: FeatureSettings | null;
  /** Step at which the weights were saved. */
  readonly step: number;
  /** Validation accuracy at that step, 0 to 1; null if never validated. */
  readonly accuracy: number | null;
}

/** A model ready to use. */
export interface LoadedModel extends ModelFacts {
  /** The classifier, in evaluation mode. */
  readonly model: InstanceType<(typeof nn)["SpeakerClassifier"]>;
}

/** The module's options for a config and a data set. */
export function modelOptions(config: TrainConfig, nMels: number, numSpeakers: number): ModelFacts["options"] {
  const { dModel, nHead, numLayers, dimFeedforward, dropout, activation, normFirst, pooling, head } = config;
  const positionalEncoding = config.positionalEncoding === "sinusoidal";
  const sizes = { nMels, numSpeakers, dModel, nHead, numLayers, dimFeedforward };
  return { ...sizes, dropout, activation, normFirst, positionalEncoding, pooling, head };
}

/** What to write for weights and facts. */
export function modelToSave(arrays: Readonly<ArrayDict>, facts: ModelFacts): Saved {
  return { arrays, metadata: { format: FORMAT, facts: JSON.stringify(facts) } };
}

/** Reads the facts from a file's metadata. */
export function parseFacts(path: string, metadata: Readonly<Record<string, string>>): ModelFacts {
  const refuse = (what: string) => new Error(`Cannot load "${path}": ${what}`);
  if (metadata.format?.startsWith("voxgrad checkpoint")) {
    throw refuse("it is a checkpoint to resume from; give the run folder, which holds the best model");
  }
  if (metadata.format !== FORMAT) throw refuse("it is not a model that deno task train wrote");
  let facts: ModelFacts;
  try {
    facts = JSON.parse(metadata.facts);
  } catch {
    throw refuse("its description is not JSON");
  }
  const { options, classes, featureSettings } = facts;
  const sane = typeof options === "object" && options !== null && Array.isArray(classes) &&
    classes.every((c) => typeof c === "string");
  if (!sane || options.numSpeakers !== classes.length) throw refuse("its description does not fit its classes");
  return { ...facts, featureSettings: featureSettings === null ? null : parseFeatureSettings(featureSettings) };
}

/**
 * Loads a model: a run folder (its best model) or a file.
 *
 * @throws Error if there is none, it is cut short, or weights and description do not fit.
 */
export async function loadModel(path: string): Promise<LoadedModel> {
  const isFolder = await Deno.stat(path).then((s) => s.isDirectory, () => {
    throw new Error(`Cannot load model "${path}": there is no such file or folder`);
  });
  const file = isFolder ? `${path}/best.safetensors` : path;
  if (isFolder && !await Deno.stat(file).then(() => true, () => false)) {
    throw new Error(
      `Cannot load model "${path}": it holds no best.safetensors; train a while longer, up to the first validation`,
    );
  }
  const { arrays, metadata } = readSafetensors(file);
  const facts = parseFacts(file, metadata);
  const model = new nn.SpeakerClassifier(facts.options);
  model.loadStateDict(arrays, { source: file });
  return { ...facts, model: model.eval() };
}
