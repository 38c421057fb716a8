/** Models of WeSpeaker: what `wespeaker --pretrain` fetches, and what its trainings leave behind. @module */
import { basename } from "node:path";
import type { ArrayDict } from "../../data/files/mod.ts";
import { type FeatureSettings, parseFeatureSettings } from "../../data/features/mod.ts";
import type { Imported, Importer, ImportHints } from "./importer.ts";
import { renamedToOurs, theirNameOf } from "./renames.ts";
import { type ImportSource, isAlone } from "./source.ts";
import { WeightSizes } from "./weight_sizes.ts";
import { wespeakerFeatures } from "./wespeaker_features.ts";
import { type WespeakerKind, wespeakerKinds } from "./wespeaker_kinds.ts";
import { wespeakerProjection } from "./wespeaker_projection.ts";
import { readYaml, YamlFile } from "./yaml.ts";

const CONFIG = "config.yaml", AVERAGE = "avg_model.pt";
const weightFiles = /^(?:models\/)?(?:avg_model|final_model|model_(\d{1,6}))\.pt$/;

/** See {@linkcode Importer}. */
export const wespeaker: Importer = {
  id: "wespeaker",
  toolkit: "WeSpeaker",
  looksFor: `${CONFIG} with model and model_args, and ${AVERAGE}`,
  async recognise(source) {
    const text = source.files.has(CONFIG) ? await source.text(CONFIG).catch(() => "") : "";
    const name = /^model_args:/m.test(text) ? /^model:\s*["']?([\w.-]+)/m.exec(text)?.[1] : undefined;
    return name ?? (source.files.has(AVERAGE) && !isAlone(source) ? "model" : undefined);
  },
  convert,
};

async function convert(source: ImportSource, hints: ImportHints): Promise<Imported> {
  const yaml = new YamlFile(source.pathOf(CONFIG), await readYaml(source, CONFIG));
  const kind = kindOf(yaml), name = weightsIn(source), file = source.pathOf(name);
  const theirs = bare((await source.weights(name)).arrays);
  const sizes = new WeightSizes(theirs, file),
    encoder = kind.encoder(sizes, { bands: yaml.number("model_args.feat_dim") });
  kind.check(encoder, { sizes, yaml });
  const { inputSize, embeddingDim, architecture } = encoder;
  const featureSettings = featuresOf(yaml, { kind, bands: inputSize, hint: hints.features });
  const projection = await wespeakerProjection(sizes, { yaml, embeddingDim, labels: hints.labels });
  const { classes, speedClasses, scale, said } = projection, scores = classes.length + speedClasses.length;
  const { arrays, names } = renamedToOurs(
    Object.fromEntries(
      Object.entries(theirs).filter(([key]) => !key.startsWith("projection.") || isRow(key, scores)),
    ),
    [...encoder.renames, { ours: "head", theirs: "projection" }],
  );
  const notes = kind.features !== undefined && hints.features === undefined ? [kind.features.said] : [];
  const head = { head: "linear", cosineHead: true, scale, headWidth: 0, dropout: 0, classes: scores };
  return {
    facts: {
      architecture,
      options: { inputSize, embeddingDim, ...encoder.options, ...head },
      channels: inputSize,
      viewing: { mode: "whole", frames: 200, crops: 1, fixed: false },
      classes,
      ...speedClasses.length > 0 && { speedClasses },
      featureSettings,
    },
    ...{ arrays, names, said: [...notes, ...said], file, nameOf: theirNameOf(encoder.renames) },
  };
}

/** Whether a weight of the projection is used. */
function isRow(key: string, scores: number): boolean {
  return scores > 0 && key === "projection.weight";
}

/** The family of config.yaml's model. RangeError where there is none, or its pooling is another one. */
function kindOf(yaml: YamlFile) {
  const model = yaml.text("model");
  if (model === undefined) throw yaml.fault("model", "is missing");
  const kind = wespeakerKinds.find(({ fits }) => fits.test(model));
  if (kind === undefined) {
    const known = wespeakerKinds.map(({ what }) => what).join(", ");
    throw yaml.fault("model", `is ${model}, and voxgrad knows ${known}`);
  }
  const key = "model_args.pooling_func", pooling = yaml.text(key) ?? kind.pooling;
  if (pooling === kind.pooling) return kind;
  throw yaml.fault(key, `is ${pooling}, and voxgrad has ${kind.pooling} only for ${model}`);
}

/** The file of weights: the one that was named, else the average of checkpoints, else the last one. */
function weightsIn(source: ImportSource): string {
  const names = [...source.files.keys()].filter((name) => weightFiles.test(name));
  const given = names.find((name) => name === basename(source.path));
  const rank = (name: string) =>
    name.includes("avg_model") ? Infinity : name.includes("final_model") ? 1e9 : Number(weightFiles.exec(name)?.[1]);
  return given ?? names.toSorted((a, b) => rank(b) - rank(a) || a.length - b.length)[0] ?? AVERAGE;
}

/** The model's own weights: those of `state_dict` where there is one, without what may stand before all names. */
export function bare(arrays: Readonly<ArrayDict>): ArrayDict {
  const names = Object.keys(arrays), isWhole = names.some((name) => name.startsWith("state_dict."));
  const prefix = isWhole
    ? "state_dict."
    : ["model.", "module."].find((start) => names.every((n) => n.startsWith(start)));
  if (prefix === undefined || names.length === 0) return { ...arrays };
  const own = names.filter((name) => name.startsWith(prefix));
  return bare(Object.fromEntries(own.map((name) => [name.slice(prefix.length), arrays[name]])));
}

/** What config.yaml says, or the user. */
function featuresOf(yaml: YamlFile, { kind, bands, hint }: {
  kind: WespeakerKind;
  bands: number;
  hint?: string;
}): FeatureSettings {
  if (hint !== undefined) return parseFeatureSettings(hint);
  return parseFeatureSettings({ ...wespeakerFeatures(yaml, bands), ...kind.features?.settings });
}
