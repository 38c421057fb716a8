/** Features that a WeSpeaker model takes, from config.yaml. @module */
import { type KaldiFbankSettings, parseFeatureSettings } from "../../data/features/mod.ts";
import { describe, type YamlFile } from "./yaml.ts";

const AT = "dataset_args", FBANK = `${AT}.fbank_args`;
/** Keys that are read; dither is for training. */
const known = ["num_mel_bins", "frame_length", "frame_shift", "dither"];

/**
 * Settings of the features: Kaldi's of 16-bit values under a Hamming window, as WeSpeaker computes them, and minus each band's mean.
 *
 * @param bands what the encoder takes
 * @throws {RangeError} They are of another kind, or do not fit the encoder; the message names the file and the key.
 */
export function wespeakerFeatures(yaml: YamlFile, bands: number): KaldiFbankSettings {
  const frontend = yaml.text(`${AT}.frontend`) ?? "fbank";
  if (frontend !== "fbank") throw yaml.fault(`${AT}.frontend`, `is ${frontend}, and voxgrad has fbank only`);
  if (yaml.boolean(`${AT}.raw_wav`, false)) throw yaml.fault(`${AT}.raw_wav`, "is true, and voxgrad has false only");
  for (const key of yaml.keys(FBANK)) {
    if (known.includes(key)) continue;
    const value = yaml.node(`${FBANK}.${key}`);
    if (value !== undefined) {
      throw yaml.fault(`${FBANK}.${key}`, `is ${describe(value)}, and voxgrad does not know this key`);
    }
  }
  const stated = yaml.number(`${FBANK}.num_mel_bins`, 80);
  if (stated !== bands) {
    throw yaml.fault(`${FBANK}.num_mel_bins`, `is ${stated}, but the encoder's weights take ${bands}`);
  }
  return settingsOf(yaml, bands);
}

function settingsOf(yaml: YamlFile, nMels: number): KaldiFbankSettings {
  const settings = {
    ...{ kind: "kaldiFbank", nMels, window: "hamming", scale: 32768, normalize: normalizationOf(yaml) },
    sampleRate: yaml.number(`${AT}.resample_rate`, 16000),
    frameLength: yaml.number(`${FBANK}.frame_length`, 25),
    frameShift: yaml.number(`${FBANK}.frame_shift`, 10),
  };
  try {
    const parsed = parseFeatureSettings(settings);
    if (parsed.kind === "kaldiFbank") return parsed;
    throw new TypeError(`internal: features of kind ${parsed.kind}`);
  } catch (error) {
    throw yaml.fault(AT, `makes no features: ${(error as Error).message}`);
  }
}

/** What is taken from each band over a recording. */
function normalizationOf(yaml: YamlFile): "mean" | "none" {
  if (!yaml.boolean(`${AT}.cmvn`, true)) return "none";
  const key = `${AT}.cmvn_args.norm_var`;
  if (yaml.boolean(key, false)) throw yaml.fault(key, "is true, and voxgrad has false only");
  return yaml.boolean(`${AT}.cmvn_args.norm_mean`, true) ? "mean" : "none";
}
