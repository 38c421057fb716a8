/** Models of SpeechBrain: ECAPA-TDNN and x-vectors, as its Hub and its `savedir` hold them. @module */
import { type FeatureSettings, parseFeatureSettings } from "../../data/features/mod.ts";
import type { Imported, Importer, ImportHints } from "./importer.ts";
import { renamedToOurs, theirNameOf } from "./renames.ts";
import { type ImportSource, isAlone } from "./source.ts";
import { speechbrainEncoders } from "./speechbrain_encoders.ts";
import { speechbrainFeatures } from "./speechbrain_features.ts";
import { fileOf, speechbrainHead } from "./speechbrain_head.ts";
import { WeightSizes } from "./weight_sizes.ts";
import { describe, readYaml, YamlFile } from "./yaml.ts";

const PARAMETERS = "hyperparams.yaml", ENCODER = "embedding_model.ckpt";

/** See {@linkcode Importer}. */
export const speechbrain: Importer = {
  id: "speechbrain",
  toolkit: "SpeechBrain",
  looksFor: `${PARAMETERS} and ${ENCODER}`,
  async recognise(source) {
    const text = source.files.has(PARAMETERS) ? await source.text(PARAMETERS).catch(() => "speechbrain.") : "";
    const name = /^embedding_model:\s*!new:(\S+)/m.exec(text)?.[1] ?? "";
    const kind = Object.entries(speechbrainEncoders).find(([tag]) => name.endsWith(`.${tag}`))?.[1];
    if (kind !== undefined) return kind.what;
    return text.includes("speechbrain.") || source.files.has(ENCODER) && !isAlone(source) ? "model" : undefined;
  },
  convert,
};

async function convert(source: ImportSource, hints: ImportHints): Promise<Imported> {
  const yaml = new YamlFile(source.pathOf(PARAMETERS), await readYaml(source, PARAMETERS));
  const node = yaml.node("embedding_model");
  if (node === undefined) throw yaml.fault("embedding_model", "is missing");
  const kind = Object.entries(speechbrainEncoders).find(([tag]) => node.tag.endsWith(`.${tag}`))?.[1];
  if (kind === undefined) {
    const known = Object.values(speechbrainEncoders).map(({ what }) => what).join(" and ");
    throw yaml.fault("embedding_model", `is ${describe(node)}, and voxgrad knows ${known}`);
  }
  const name = fileOf(source, { yaml, part: "embedding_model" }), file = source.pathOf(name);
  const { arrays } = await source.weights(name);
  const encoder = kind.read(new WeightSizes(arrays, file), yaml);
  const { inputSize, embeddingDim } = encoder;
  const featureSettings = featuresOf(yaml, { bands: inputSize, hint: hints.features });
  const head = await speechbrainHead(source, { yaml, embeddingDim, labels: hints.labels });
  const ours = renamedToOurs(arrays, encoder.renames);
  return {
    facts: {
      architecture: encoder.architecture,
      options: { inputSize, embeddingDim, ...encoder.options, ...head.options, classes: head.classes.length },
      channels: inputSize,
      viewing: { mode: "whole", frames: 300, crops: 1, fixed: false },
      classes: head.classes,
      featureSettings,
    },
    arrays: { ...ours.arrays, ...head.arrays },
    said: head.said,
    names: new Map([...ours.names, ...head.names]),
    nameOf: theirNameOf(encoder.renames),
    file,
  };
}

/** What hyperparams.yaml says, or the user. */
function featuresOf(yaml: YamlFile, { bands, hint }: { bands: number; hint?: string }): FeatureSettings {
  return hint === undefined ? speechbrainFeatures(yaml, bands) : parseFeatureSettings(hint);
}
