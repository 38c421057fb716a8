/** Features that a SpeechBrain model takes, from hyperparams.yaml. @module */
import { parseFeatureSettings, type SpeechbrainFbankSettings } from "../../data/features/mod.ts";
import { describe, type YamlFile } from "./yaml.ts";

const FBANK = "compute_features", NORM = "mean_var_norm";

/** Keys of Fbank that are read, and those that only matter in its training. */
const known = ["n_mels", "sample_rate", "n_fft", "win_length", "hop_length", "f_min", "f_max"];
const idle = ["left_frames", "right_frames", "requires_grad", "param_change_factor", "param_rand_factor"];
/** Keys with the one value that voxgrad has. */
const fixed: Readonly<Record<string, string | boolean>> = { deltas: false, context: false, filter_shape: "triangular" };

/**
 * Settings of the features.
 *
 * @param bands what the encoder takes
 * @throws {RangeError} They are of another kind, or do not fit the encoder; the message names the file and the key.
 */
export function speechbrainFeatures(yaml: YamlFile, bands: number): SpeechbrainFbankSettings {
  checkFbank(yaml, bands);
  const number = (key: string) => yaml.number(`${FBANK}.${key}`);
  const sampleRate = number("sample_rate") ?? 16000;
  const samples = (key: string, usual: number) => Math.round(sampleRate / 1000 * (number(key) ?? usual));
  const settings = {
    ...{ kind: "speechbrainFbank", nMels: bands, sampleRate, normalize: normalizationOf(yaml) },
    nFft: number("n_fft"),
    winLength: samples("win_length", 25),
    hopLength: samples("hop_length", 10),
    fMin: number("f_min"),
    fMax: number("f_max"),
  };
  try {
    const parsed = parseFeatureSettings(settings);
    if (parsed.kind === "speechbrainFbank") return parsed;
    throw new TypeError(`internal: features of kind ${parsed.kind}`);
  } catch (error) {
    throw yaml.fault(FBANK, `makes no features: ${(error as Error).message}`);
  }
}

function checkFbank(yaml: YamlFile, bands: number): void {
  const node = yaml.node(FBANK);
  if (node === undefined) throw yaml.fault(FBANK, "is missing");
  if (!/^!new:speechbrain\..*\.Fbank$/.test(node.tag)) {
    throw yaml.fault(FBANK, `is ${describe(node)}, and voxgrad has speechbrain.lobes.features.Fbank only`);
  }
  for (const key of yaml.keys(FBANK)) {
    const value = yaml.node(`${FBANK}.${key}`);
    if (known.includes(key) || idle.includes(key) || value === undefined || fixed[key] === value.value) continue;
    const remedy = Object.hasOwn(fixed, key) ? `voxgrad has ${fixed[key]} only` : "voxgrad does not know this key";
    throw yaml.fault(`${FBANK}.${key}`, `is ${describe(value)}, and ${remedy}`);
  }
  const stated = yaml.number(`${FBANK}.n_mels`, 40);
  if (stated !== bands) throw yaml.fault(`${FBANK}.n_mels`, `is ${stated}, but the encoder's weights take ${bands}`);
}

/** What is taken from each band over a recording. */
function normalizationOf(yaml: YamlFile): "mean" | "none" {
  if (yaml.node(NORM) === undefined) throw yaml.fault(NORM, "is missing");
  const kind = yaml.text(`${NORM}.norm_type`) ?? "global";
  if (kind !== "sentence") throw yaml.fault(`${NORM}.norm_type`, `is "${kind}", and voxgrad has "sentence" only`);
  if (yaml.boolean(`${NORM}.std_norm`, true)) {
    throw yaml.fault(`${NORM}.std_norm`, "is true, which it is unless set, and voxgrad has false only");
  }
  return yaml.boolean(`${NORM}.mean_norm`, true) ? "mean" : "none";
}
