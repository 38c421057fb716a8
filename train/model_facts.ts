/**
 * What a model file says besides weights: all that is needed to use them (architecture, sizes, classes, feature settings).
 * @module
 */
import { type FeatureSettings, parseFeatureSettings } from "../data/features/mod.ts";
import type { ArrayDict } from "../data/files/named_array.ts";
import * as models from "./models/mod.ts";
import { recipes } from "./recipes/mod.ts";
import type { Saved } from "./run_folder.ts";
import { speedClassNames } from "./speed_classes.ts";
import type { ModelName, TrainConfig } from "./train_config.ts";
import { trainFields } from "./train_fields.ts";
import { type Viewing, viewingOf } from "./viewing.ts";

const FORMAT = "voxgrad classifier 2";

/** What a model file says besides weights. */
export interface ModelFacts {
  /** Name of the architecture, a config's `model`. */
  readonly architecture: ModelName;
  /** Sizes and kinds of the model's parts. */
  readonly options: models.ModelOptions;
  /** Values a frame. */
  readonly channels: number;
  /** How recordings are to be presented. */
  readonly viewing: Viewing;
  /** Names of the classes in the order of the scores; none where the model only embeds. */
  readonly classes: readonly string[];
  /** Names of the scores after those of the classes: the classes at other speeds, which count in training only. */
  readonly speedClasses?: readonly string[];
  /** How to make features from recordings; null where the training data did not say. */
  readonly featureSettings: FeatureSettings | null;
  /** Step at which the weights were saved. */
  readonly step: number;
  /** Validation accuracy at that step, 0 to 1; null if never validated. */
  readonly accuracy: number | null;
  /** Digest of the names of the utterances kept for validation, see `digestOfNames`; earlier versions did not write it. */
  readonly validDigest?: number;
}

/** What a config and data say of a model. */
export function describeModel(
  config: TrainConfig,
  channels: number,
  classes: readonly string[],
): Pick<ModelFacts, "architecture" | "options" | "channels" | "viewing" | "classes" | "speedClasses"> {
  const { model: architecture } = config, speedClasses = speedClassNames(config, classes);
  const sizes = { channels, classes: classes.length + speedClasses.length };
  const options = { ...models.modelKinds[architecture].optionsOf(config, sizes), ...modelOptionsOf(config) };
  const facts = { architecture, options, channels, viewing: viewingOf(config), classes };
  return speedClasses.length > 0 ? { ...facts, speedClasses } : facts;
}

/**
 * What a config says of the model in `modelOptions`.
 *
 * @throws {RangeError} Where that is no JSON object of plain values.
 */
export function modelOptionsOf({ modelOptions }: Pick<TrainConfig, "modelOptions">): models.ModelOptions {
  if (modelOptions === "") return {};
  let options: unknown;
  try {
    options = JSON.parse(modelOptions);
  } catch {
    // said below
  }
  if (typeof options === "object" && options !== null && !Array.isArray(options)) return { ...options };
  throw new RangeError(`Cannot use modelOptions ${JSON.stringify(modelOptions)}: expected a JSON object`);
}

/**
 * Looks at a config's `modelOptions`.
 *
 * @throws {RangeError} Where they are no options of its model.
 */
export function checkModelOptions(config: TrainConfig): void {
  for (const [key, value] of Object.entries(modelOptionsOf(config))) {
    if (areOptionsOf(config.model, { [key]: value })) continue;
    throw new RangeError(
      `Cannot use modelOptions: "${key}" ${JSON.stringify(value)} is no option of "${config.model}"`,
    );
  }
}

/**
 * Refuses a model that only embeds.
 *
 * @param verb what it was to do, as "predict"
 * @throws {Error} Where it has no classes.
 */
export function requireClasses(
  { classes }: Pick<ModelFacts, "classes">,
  { model, verb }: { model: string; verb: string },
): void {
  if (classes.length > 0) return;
  throw new Error(
    `Cannot ${verb} with "${model}": it has no classes, only embeddings; use it with deno task embed, verify or identify, ` +
      "or train one by --init",
  );
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
  if (metadata.format === "voxgrad speaker classifier 1") {
    throw refuse("an earlier version of voxgrad wrote it; deno task import makes it a model of this one");
  }
  if (metadata.format !== FORMAT) throw refuse("it is not a model that deno task train wrote");
  let facts: ModelFacts;
  try {
    facts = JSON.parse(metadata.facts);
  } catch {
    throw refuse("its description is not JSON");
  }
  if (!isSane(facts)) throw refuse("its description is damaged");
  const scores = models.modelKinds[facts.architecture].classesOf(facts.options);
  const named = facts.classes.length + (facts.speedClasses?.length ?? 0);
  if (scores !== named) {
    throw refuse(`it names ${named} classes, but its model has scores for ${scores}`);
  }
  const { featureSettings } = facts;
  return { ...facts, featureSettings: featureSettings === null ? null : parseFeatureSettings(featureSettings) };
}

/** Whether a description from a file has the parts that using the model needs; the weights have to fit it as well. */
function isSane(facts: ModelFacts | null): boolean {
  if (facts === null || typeof facts !== "object") return false;
  const { architecture, options, channels, viewing, classes, speedClasses = [] } = facts;
  const isCount = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 1 && (n as number) <= 1e6;
  return Object.hasOwn(models.modelKinds, architecture) && typeof options === "object" && options !== null &&
    Object.values(options).every((value) => typeof value !== "number" || (value >= 0 && value <= 1e6)) &&
    areOptionsOf(architecture, options) &&
    Array.isArray(classes) && classes.every((c) => typeof c === "string") &&
    Array.isArray(speedClasses) && speedClasses.every((c) => typeof c === "string") &&
    isCount(channels) && ["whole", "crops"].includes(viewing?.mode) &&
    isCount(viewing.frames) && isCount(viewing.crops);
}

/** Whether options are such as an architecture's own, and hold what the key of that name in a config may. */
function areOptionsOf(architecture: ModelName, options: models.ModelOptions): boolean {
  const [{ config }] = recipes;
  const example = models.modelKinds[architecture].optionsOf(config, { channels: 1, classes: 1 });
  const fields = new Map(Object.entries(trainFields));
  return Object.entries(options).every(([key, value]) => {
    const isKey = typeof example[key] === typeof config[key as keyof TrainConfig]; // some only share the name
    return isLike(example[key], value) && (!isKey || fields.get(key)?.check(value) !== undefined);
  });
}

/** Most elements of an option that is a list. */
const LONGEST = 64;

/** Whether a value from a file is of the kind of an example: a list as short as lists of layers are, of whole numbers as theirs are. */
function isLike(example: unknown, value: unknown): boolean {
  if (!Array.isArray(example)) return typeof value === typeof example && value !== null && !Array.isArray(value);
  return Array.isArray(value) && value.length <= LONGEST &&
    value.every((n) => Number.isSafeInteger(n) && n >= 1 && n <= 1e5);
}
