/** What a run takes over from the model that it starts from: architecture, sizes, features. @module */
import { differingSettings, featuresText, parseFeatureSettings } from "../../data/features/mod.ts";
import { flagOf } from "../fields.ts";
import { type ModelFacts, modelOptionsOf } from "../model_facts.ts";
import { modelKinds, sharesBody } from "../models/mod.ts";
import type { TrainConfig } from "../train_config.ts";
import type { InitialModel } from "./initial_model.ts";

/** What the user has asked for in so many words. */
export interface Asked {
  /** Whether a key was given, by flag or file, and not left to the recipe. */
  readonly has: (key: keyof TrainConfig) => boolean;
  /** How such a key is called where it was given. */
  readonly nameOf: (key: keyof TrainConfig) => string;
  /** Whether the recipe was named. */
  readonly recipe: boolean;
}

/** A config that fits its initial model, and lines that say what was taken over. */
export interface Adopted {
  readonly config: TrainConfig;
  readonly lines: readonly string[];
}

/** Keys that may differ from the model's: another head is drawn anew. */
const free: ReadonlySet<string> = new Set(["model", "head"]);

/**
 * Takes over from the initial model what the user has not asked for otherwise. Of a state dict, which says nothing about itself,
 * nothing.
 *
 * @throws {RangeError} Where it is of another kind than the config's model, or the user asks for sizes or features that it does not have.
 */
export function adoptInitial(
  config: TrainConfig,
  { initial, asked }: { initial: InitialModel; asked: Asked },
): Adopted {
  const { facts, path, sha256: initSha256 } = initial;
  const known = { ...config, initSha256 };
  if (facts === null) {
    const line = `"${path}" does not say how it was made: sizes and features are those of the config`;
    return { config: known, lines: [line] };
  }
  const model = kindOf(known, { initial, asked });
  const changes: Partial<TrainConfig> = { model, ...sizesOf({ ...known, model }, { initial, asked }) };
  const features = featuresOf(known, { initial, asked });
  if (features !== config.features) changes.features = features;
  const adopted = { ...known, ...changes };
  const modelOptions = otherOptions(adopted, facts);
  const taken = Object.entries({ ...changes, modelOptions }).filter(([key, value]) =>
    JSON.stringify(config[key as keyof TrainConfig]) !== JSON.stringify(value)
  );
  const list = taken.map(([key, value]) => `${key} ${Array.isArray(value) ? value.join(",") : value}`).join(", ");
  return { config: { ...adopted, modelOptions }, lines: list === "" ? [] : [`Taken over from "${path}": ${list}`] };
}

interface Request {
  readonly initial: InitialModel;
  readonly asked: Asked;
}

/** The model's kind, which must be the config's unless nobody has named one. */
function kindOf({ model, recipe }: TrainConfig, { initial: { path, facts }, asked }: Request): TrainConfig["model"] {
  const found = facts!.architecture;
  if (!asked.recipe && !asked.has("model")) return found;
  if (sharesBody(found, model)) return model;
  const wanted = asked.has("model") ? `${asked.nameOf("model")} is "${model}"` : `recipe "${recipe}" trains "${model}"`;
  throw new RangeError(
    `Cannot start from "${path}": it is a model of kind "${found}", and ${wanted}; give --model ${found}, or another --init`,
  );
}

/** The model's sizes and kinds of parts. */
function sizesOf(config: TrainConfig, { initial: { path, facts }, asked }: Request): Partial<TrainConfig> {
  const sizes = keysOf(config, facts!);
  const contradicted = Object.entries(sizes).filter(([name, value]) => {
    const key = name as keyof TrainConfig, own = config[key];
    const isUsual = own === 0 || Array.isArray(own) && own.length === 0; // "the usual" size: no contradiction
    return asked.has(key) && !free.has(key) && !isUsual && JSON.stringify(own) !== JSON.stringify(value);
  });
  if (contradicted.length > 0) {
    const list = contradicted.map(([key, value]) =>
      `${asked.nameOf(key as keyof TrainConfig)} is ${config[key as keyof TrainConfig]}, and it has ${value}`
    );
    throw new RangeError(`Cannot start from "${path}": ${list.join("; ")}`);
  }
  return Object.fromEntries(Object.entries(sizes).filter(([key]) => !(key === "head" && asked.has("head"))));
}

/** Keys of a config that give the model's options: of another kind's those of the part that both have. */
function keysOf({ model }: TrainConfig, { architecture, options }: ModelFacts): Partial<TrainConfig> {
  const { keysOf, body } = modelKinds[architecture];
  const all = Object.entries(keysOf(options));
  return Object.fromEntries(
    model === architecture ? all : all.filter(([key]) => body!.keys.some((own) => own === key)),
  );
}

/** The features that the model was trained on. */
function featuresOf(config: TrainConfig, { initial: { path, facts }, asked }: Request): string {
  const { featureSettings: wanted } = facts!;
  if (wanted === null) return config.features;
  const differing = differingSettings(wanted, parseFeatureSettings(config.features));
  if (differing.length === 0) return config.features;
  if (!asked.has("features")) return featuresText(wanted);
  throw new RangeError(
    `Cannot start from "${path}" with ${asked.nameOf("features")} "${config.features}": it was trained on ` +
      `"${featuresText(wanted)}": ${differing.join(", ")}; leave out ${flagOf("features")}`,
  );
}

/** Options that the config's keys do not give, as JSON text; empty for none. */
function otherOptions(config: TrainConfig, { architecture, options, channels }: ModelFacts): string {
  const { body } = modelKinds[architecture];
  const isShared = (key: string) => architecture === config.model || body!.options.includes(key);
  const { optionsOf } = modelKinds[config.model];
  const [few, many] = [1, 2].map((classes) => optionsOf(config, { channels, classes }));
  const own = ["dropout", "head", "headWidth", "cosineHead", "scale"]; // the run's to decide
  const other = Object.entries(options).filter(([key, value]) => {
    const isSize = JSON.stringify(few[key]) !== JSON.stringify(many[key]); // the number of classes
    return isShared(key) && !isSize && !own.includes(key) && JSON.stringify(few[key]) !== JSON.stringify(value);
  });
  const all = { ...modelOptionsOf(config), ...Object.fromEntries(other) };
  return Object.keys(all).length === 0 ? "" : JSON.stringify(all);
}
