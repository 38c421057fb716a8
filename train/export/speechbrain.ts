/** Folders as SpeechBrain's `EncoderClassifier.from_hparams` loads them. @module */
import type { SpeechbrainFbankSettings } from "../../data/features/mod.ts";
import type { ArrayDict } from "../../data/files/mod.ts";
import { renamedToTheirs } from "../import/renames.ts";
import { ecapaRenames, xvectorRenames } from "../import/speechbrain_encoders.ts";
import { speechbrainHeads } from "../import/speechbrain_head.ts";
import type { ModelFacts } from "../model_facts.ts";
import { type ExportedFile, type Exporter, scoresOf } from "./exporter.ts";
import { speechbrainYaml } from "./speechbrain_yaml.ts";

/** See {@linkcode Exporter}. */
export const speechbrain: Exporter = {
  target: "speechbrain",
  toolkit: "SpeechBrain",
  endings: [],
  convert({ facts, arrays }) {
    const { architecture, options } = facts;
    checkEncoder(facts);
    const features = featuresOf(facts), names = scoresOf(facts);
    const channels = options.channels as readonly number[];
    const table = architecture === "ecapa"
      ? ecapaRenames({ blocks: channels.length - 2, scale: Number(options.res2netScale) })
      : xvectorRenames(channels.length);
    const part = (beginning: string) =>
      Object.fromEntries(Object.entries(arrays).filter(([name]) => name.startsWith(beginning)));
    const encoder = renamedToTheirs(part("encoder."), table).arrays;
    return {
      what: architecture === "ecapa" ? "ECAPA-TDNN" : "x-vector",
      files: [
        { name: "embedding_model.ckpt", torch: encoder },
        { name: "hyperparams.yaml", text: speechbrainYaml(facts, features) },
        ...names.length === 0 ? [] : classifierOf(facts, part("head.")),
      ],
      said: [
        "Load it by speechbrain's EncoderClassifier.from_hparams(FOLDER); embeddings are its encode_batch's",
        ...names.length === 0
          ? ["It has no classes: EncoderClassifier asks for a classifier, SpeakerRecognition does not"]
          : [],
      ],
    };
  },
};

/** Refuses encoders that compute otherwise than SpeechBrain's. */
function checkEncoder({ architecture, options }: ModelFacts): void {
  if (architecture !== "ecapa" && architecture !== "xvector") {
    throw new RangeError(`it is a model of kind "${architecture}", and ecapa and xvector can be written`);
  }
  const variant = options.variant ?? (architecture === "ecapa" ? "speechbrain" : "voxgrad");
  if (variant !== "speechbrain") {
    throw new RangeError(`its variant is "${variant}", which computes otherwise than SpeechBrain's ${architecture}`);
  }
  if (options.embeddingNorm) throw new RangeError("it normalises embeddings (embeddingNorm), and SpeechBrain does not");
}

function featuresOf({ featureSettings }: ModelFacts): SpeechbrainFbankSettings {
  if (featureSettings === null) throw new RangeError("it does not say which features it takes");
  if (featureSettings.kind !== "speechbrainFbank") {
    throw new RangeError(
      `it takes features of kind "${featureSettings.kind}", and SpeechBrain's are "speechbrainFbank"`,
    );
  }
  const { topDb, logFloor, normalize } = featureSettings;
  if (topDb !== 80 || logFloor !== 1e-10) {
    throw new RangeError(`its features have topDb ${topDb} and logFloor ${logFloor}, and Fbank has 80 and 1e-10`);
  }
  if (normalize === "layer") {
    throw new RangeError('its features are normalised by "layer", which is not written: only "mean" and "none"');
  }
  return featureSettings;
}

function classifierOf(facts: ModelFacts, arrays: ArrayDict): ExportedFile[] {
  const { architecture, options: { head, cosineHead } } = facts;
  const isCosine = architecture === "ecapa" && head === "linear" && cosineHead === true;
  const isLayered = architecture === "xvector" && head === "xvector" && cosineHead !== true;
  if (!isCosine && !isLayered) {
    const wanted = architecture === "ecapa" ? "a linear one of cosines" : "two layers (head xvector)";
    throw new RangeError(
      `it has a ${cosineHead ? "cosine " : ""}head of kind "${head}", and SpeechBrain's classifier is ${wanted}`,
    );
  }
  const weights = renamedToTheirs(arrays, speechbrainHeads[isCosine ? "cosine" : "xvector"]).arrays;
  return [
    { name: "classifier.ckpt", torch: weights },
    { name: "label_encoder.ckpt", text: labelText(scoresOf(facts)) },
  ];
}

/** Labels as its `CategoricalEncoder` reads them: Python literals. */
function labelText(names: readonly string[]): string {
  const lines = names.map((name, i) => `${pythonText(name)} => ${i}\n`).join("");
  return `${lines}================\n'starting_index' => 0\n`;
}

function pythonText(text: string): string {
  const signs: Readonly<Record<string, string>> = { "\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r" };
  return `'${text.replace(/[\\'\n\r]/g, (sign) => signs[sign])}'`;
}
