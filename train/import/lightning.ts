/** Checkpoints of PyTorch Lightning: the weights are below `state_dict`, what a run needs to go on is left out. @module */
import { type FeatureSettings, parseFeatureSettings } from "../../data/features/mod.ts";
import { convertNetwork } from "./convert_network.ts";
import type { Importer } from "./importer.ts";
import type { ImportSource, PlainValue } from "./source.ts";
import { describeNetwork, theOnly } from "./torch_describe.ts";
import { isLightning, type NetworkFile, networkFiles } from "./torch_file_source.ts";

async function filesOf(source: ImportSource): Promise<NetworkFile[]> {
  return (await networkFiles(source)).filter(({ networks, outline }) => isLightning(outline.values, networks));
}

/** See {@linkcode Importer}. */
export const lightning: Importer = {
  id: "lightning",
  toolkit: "PyTorch Lightning",
  looksFor: "a .ckpt of one of the networks that are known without it",
  async recognise(source) {
    return describeNetwork(await filesOf(source), {});
  },
  async convert(source, hints) {
    const file = theOnly(await filesOf(source), source), { values, shapes } = file.outline;
    const features = hints.features === undefined ? featuresOf(values, source.pathOf(file.name)) : undefined;
    const clip = values.get("hyper_parameters.clip_length");
    const { prefix } = file.networks[0];
    const others = [...shapes.keys()].filter((name) => name.startsWith("state_dict.") && !name.startsWith(prefix));
    return await convertNetwork(source, {
      file,
      hints,
      features: features?.settings,
      clipSeconds: typeof clip === "number" && clip > 0 && clip < 3600 ? clip : undefined,
      said: [
        ...features?.said ?? [],
        ...others.length === 0 ? [] : [`${others.length} weights are left out: ${some(others)}`],
      ],
    });
  },
};

function some(names: readonly string[]): string {
  return [...names.slice(0, 3), ...names.length > 3 ? ["…"] : []].join(", ");
}

/** Our names of the settings that a spectrogram's hyper-parameters have in the write-up and most code like it. */
const settingNames = {
  sample_rate: "sampleRate",
  n_fft: "nFft",
  win_length: "winLength",
  hop_length: "hopLength",
  n_mels: "nMels",
  f_min: "fMin",
  f_max: "fMax",
} as const;

/**
 * Features as `hyper_parameters` say, where they give rate and bands; undefined where they do not.
 *
 * @throws {RangeError} They make no features.
 */
function featuresOf(
  values: ReadonlyMap<string, PlainValue>,
  path: string,
): { settings: FeatureSettings; said: string[] } | undefined {
  const found = Object.entries(settingNames).flatMap(([theirs, ours]) => {
    const value = values.get(`hyper_parameters.${theirs}`);
    return typeof value === "number" ? [[ours, value] as const] : [];
  });
  const given = Object.fromEntries(found);
  if (given.sampleRate === undefined || given.nMels === undefined) return undefined;
  try {
    const settings = parseFeatureSettings({ kind: "logMel", logFloor: 1e-5, ...given });
    const list = found.map(([name, value]) => `${name} ${value}`).join(", ");
    return {
      settings,
      said: [
        `Features are the natural logarithm of mel bands (floor 1e-5, as sound64) with its hyper_parameters: ${list}`,
      ],
    };
  } catch (error) {
    throw new RangeError(
      `Cannot import "${path}": its hyper_parameters make no features: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
}
