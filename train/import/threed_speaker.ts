/** CAM++ of 3D-Speaker: the weight file of a ModelScope folder, such as campplus_cn_common.bin, or of its trainings. @module */
import { createFeatures, featurePresets, type FeatureSettings, parseFeatureSettings } from "../../data/features/mod.ts";
import { campplusKind } from "./campplus.ts";
import type { Imported, Importer, ImportHints } from "./importer.ts";
import { renamedToOurs, theirNameOf } from "./renames.ts";
import { type ImportSource, weightEndings } from "./source.ts";
import { WeightSizes } from "./weight_sizes.ts";
import { bare, wespeaker } from "./wespeaker.ts";

/** A weight that only CAM++ has. */
const MARK = /(?:^|\.)xvector\.block1\.tdnnd1\.cam_layer\.linear_local\.weight$/;
/** Files of a folder that are looked into. */
const MOST_FILES = 20;

/** See {@linkcode Importer}. */
export const threedSpeaker: Importer = {
  id: "3d-speaker",
  toolkit: "3D-Speaker",
  looksFor: "a .bin, .pt or .ckpt with the weights of CAM++",
  async recognise(source) {
    const [name] = await filesIn(source);
    if (name === undefined) return undefined;
    const { shapes } = await source.outline(name);
    const dense = [...shapes].find(([key]) => key.endsWith("xvector.dense.linear.weight"));
    return dense === undefined ? "CAM++" : `CAM++, ${dense[1][0]} dimensions`;
  },
  convert,
};

/** Files with CAM++, unless they are WeSpeaker's. */
async function filesIn(source: ImportSource): Promise<string[]> {
  const names = [...source.files.keys()].filter((name) =>
    !name.includes("/") && weightEndings.some((ending) => ending !== ".onnx" && name.toLowerCase().endsWith(ending))
  ).sort();
  if (names.length > MOST_FILES || await wespeaker.recognise(source) !== undefined) return [];
  const marked = await Promise.all(names.map(async (name) => {
    const keys = await source.outline(name).then(({ shapes }) => [...shapes.keys()]).catch((): string[] => []);
    return keys.some((key) => MARK.test(key)) ? [name] : [];
  }));
  return marked.flat();
}

async function convert(source: ImportSource, hints: ImportHints): Promise<Imported> {
  const [name, ...more] = await filesIn(source), file = source.pathOf(name);
  if (more.length > 0) {
    throw new Error(`Cannot import "${source.path}": it holds ${[name, ...more].join(", ")}; give the path of one`);
  }
  const theirs = bare((await source.weights(name)).arrays);
  const { inputSize, embeddingDim, ...encoder } = campplusKind.encoder(new WeightSizes(theirs, file), {});
  const { arrays, names } = renamedToOurs(theirs, encoder.renames);
  const head = { head: "linear", cosineHead: true, scale: 32, headWidth: 0, dropout: 0, classes: 0 };
  const options = { ...encoder.options, variant: "3d-speaker" };
  const said = hints.features === undefined
    ? ["Features are 3D-Speaker's (campplus80): the file does not say; --features PRESET says otherwise"]
    : [];
  return {
    facts: {
      architecture: encoder.architecture,
      options: { inputSize, embeddingDim, ...options, ...head },
      channels: inputSize,
      viewing: { mode: "whole", frames: 200, crops: 1, fixed: false },
      classes: [],
      featureSettings: featuresOf(hints, { bands: inputSize, file }),
    },
    ...{ arrays, names, said, file, nameOf: theirNameOf(encoder.renames) },
  };
}

/** What the user says, or 3D-Speaker's. */
function featuresOf({ features }: ImportHints, { bands, file }: { bands: number; file: string }): FeatureSettings {
  if (features === undefined) return parseFeatureSettings({ ...featurePresets.campplus80, nMels: bands });
  const settings = parseFeatureSettings(features), { channels } = createFeatures(settings);
  if (channels === bands) return settings;
  throw new RangeError(
    `Cannot import "${file}": it takes frames of ${bands} values, and --features ${features} have ${channels}`,
  );
}
