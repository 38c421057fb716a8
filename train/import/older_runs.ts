/** Models of voxgrad's own earlier versions. @module */
import { parseFeatureSettings } from "../../data/features/mod.ts";
import { modelKinds } from "../models/mod.ts";
import { recipeNamed } from "../recipes/mod.ts";
import type { Imported, Importer } from "./importer.ts";
import type { ImportSource } from "./source.ts";

/** The format before there were other models than the homework's Transformer. */
const OLD_FORMAT = "voxgrad speaker classifier 1";

/** The model file of a run folder, or the file itself; undefined where the source is no run. */
function fileOf(source: ImportSource): string | undefined {
  if (source.files.has("best.safetensors")) return "best.safetensors";
  const names = [...source.files.keys()];
  return names.length === 1 && names[0].toLowerCase().endsWith(".safetensors") ? names[0] : undefined;
}

async function formatOf(source: ImportSource): Promise<unknown> {
  const file = fileOf(source);
  if (file === undefined) return undefined;
  return (await source.outline(file).catch(() => undefined))?.values.get("format");
}

/** See {@linkcode Importer}. */
export const olderRuns: Importer = {
  id: "voxgrad",
  toolkit: "voxgrad",
  looksFor: "best.safetensors of a run of an earlier version",
  async recognise(source) {
    return await formatOf(source) === OLD_FORMAT ? "run of an earlier version" : undefined;
  },
  async convert(source) {
    const file = fileOf(source)!, path = source.pathOf(file);
    const { arrays, values } = await source.weights(file);
    return { facts: factsOf(path, String(values.get("facts"))), arrays, said: [], names: new Map(), file: path };
  },
};

/** What the file says, with what only later models vary as it was then. */
function factsOf(path: string, text: string): Imported["facts"] {
  const { options, classes, featureSettings } = parsed(path, text);
  const channels = Number(options.nMels);
  const usual = modelKinds.transformer.optionsOf(recipeNamed("hw4-simple").config, {
    channels,
    classes: classes.length,
  });
  return {
    architecture: "transformer",
    options: { ...usual, ...options },
    channels,
    viewing: { mode: "whole", frames: 128, crops: 1, fixed: false },
    classes,
    featureSettings: featureSettings === null ? null : parseFeatureSettings(featureSettings),
  };
}

interface OldFacts {
  readonly options: Readonly<Record<string, unknown>>;
  readonly classes: readonly string[];
  readonly featureSettings: unknown;
}

function parsed(path: string, text: string): OldFacts {
  let facts: Partial<OldFacts> | null;
  try {
    facts = JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(`Cannot import "${path}": its description is not JSON`, { cause: error });
  }
  const { options, classes, featureSettings = null } = facts ?? {};
  if (typeof options === "object" && options !== null && Array.isArray(classes)) {
    return { options, classes, featureSettings };
  }
  throw new SyntaxError(`Cannot import "${path}": its description is damaged`);
}
