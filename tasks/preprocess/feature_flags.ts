/**
 * Every feature setting as a flag: `--n-mels 80 --f-max 7600`, over a preset or the defaults of a kind.
 * @module
 */
import {
  featureKinds,
  featurePresets,
  type FeatureSettings,
  parseFeatureSettings,
  resolveSettings,
} from "../../data/features/settings.ts";
import { WAVEFORMS_STAY } from "../../data/preprocess/preprocess.ts";
import { nearNames } from "../../data/near_names.ts";
import { type Field, flag, number, text } from "../../train/fields.ts";

type KeyOf<T> = T extends T ? keyof T : never;
/** A setting of any kind of feature. */
type FeatureKey = Exclude<KeyOf<FeatureSettings>, "kind">;

/** The type makes the compiler say when a setting has no line here. */
const descriptions: Readonly<Record<FeatureKey, string>> = {
  sampleRate: "Recordings are resampled to this rate in Hz",
  nFft: "Points of the Fourier transform",
  winLength: "Samples under the window",
  hopLength: "Samples from one frame to the next",
  window: "Name of the window",
  power: "Exponent of the magnitude: 2 is power",
  center: "Centre frames on their time, the ends mirrored",
  normalize: "Take from each channel its mean over a recording, mean and deviation (layer), or none",
  nMels: "Mel bands",
  fMin: "Lower edge of the first band in Hz",
  fMax: "Upper edge of the last band in Hz",
  norm: "slaney gives all bands the same area, or none",
  melScale: "htk or slaney",
  logFloor: "Least value of which the logarithm is taken",
  logMode: "clamp to the floor, or add it",
  nMfcc: "Coefficients",
  topDb: "Cut so many dB below the maximum, or none",
  frameLength: "Length of a frame in ms",
  frameShift: "From one frame to the next in ms",
  blackmanCoeff: "Middle term of the Blackman window",
  preemphasis: "Share of the sample before that is subtracted",
  removeDcOffset: "Subtract each frame's mean",
  roundToPowerOfTwo: "Pad frames to a power of two",
  snipEdges: "Whole frames only",
  usePower: "Sum power, else magnitude",
  useLogFbank: "Take the logarithm",
  useEnergy: "Put the log energy first",
  rawEnergy: "Measure energy before pre-emphasis",
  energyFloor: "Least energy",
  scale: "Factor on the waveform",
};

const presets: ReadonlyMap<string, FeatureSettings> = new Map(Object.entries(featurePresets));

/** What `--features` takes. */
export const featureNames: readonly string[] = [
  ...[...presets].filter(([, { kind }]) => kind !== "waveform").map(([name]) => name),
  ...featureKinds.filter((kind) => kind !== "waveform"),
];

/** Keys of all settings of all kinds. */
export const featureKeys: readonly FeatureKey[] = Object.keys(descriptions) as FeatureKey[]; // the table's own keys

/** The flags of all settings of all kinds. */
export const featureFields = Object.fromEntries(
  featureKeys.map((key) => [key, fieldOf(key)]),
) as Record<FeatureKey, Field<unknown>>; // one for each key

/**
 * The settings that a command line means.
 *
 * @param name a preset or a kind, the value of `--features`
 * @param given values of the flags that were given; undefined counts as not given
 * @throws {TypeError | RangeError} an unknown name, a setting that the kind does not have, or values that do not fit
 */
export function chooseFeatures(name: string, given: Readonly<Record<string, unknown>>): FeatureSettings {
  const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const preset = presets.get(name);
  if ((preset?.kind ?? name) === "waveform") throw new TypeError(WAVEFORMS_STAY);
  if (preset !== undefined) return parseFeatureSettings({ ...ownChoices(preset), ...options });
  if (!featureKinds.some((kind) => kind === name)) throw unknownName(name);
  return parseFeatureSettings({ kind: name, ...options });
}

/** A preset without the settings that follow from the others, so that `--sample-rate 8000` brings `fMax` down too. */
function ownChoices(preset: FeatureSettings): Record<string, unknown> {
  const { kind, ...settings } = preset;
  const chosen: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(settings)) { // in the order in which one follows from those before
    if (defaultsOf(kind, chosen).get(key) !== value) chosen[key] = value;
  }
  return { kind, ...chosen };
}

function unknownName(name: string): TypeError {
  const near = nearNames(name, featureNames);
  const hint = near.length > 0 ? `did you mean ${near.join(" or ")}?` : `known are ${featureNames.join(", ")}`;
  return new TypeError(`Cannot compute the features "${name}": there is no such preset or kind; ${hint}`);
}

function defaultsOf(kind: FeatureSettings["kind"], options: Record<string, unknown> = {}): Map<string, unknown> {
  return new Map(Object.entries(resolveSettings(kind, options)));
}

/** The default's type decides; whether none is allowed is for the setting to say. */
function fieldOf(key: FeatureKey): Field<unknown> {
  const kinds = featureKinds.filter((kind) => defaultsOf(kind).has(key));
  const preset = defaultsOf(kinds[0]).get(key);
  const help = `${descriptions[key]} (${kinds.length === featureKinds.length ? "all kinds" : kinds.join(", ")})`;
  if (typeof preset === "boolean") return flag(help);
  const plain = typeof preset === "number" ? number(help) : text(help, { placeholder: "NAME" });
  return { ...plain, parse: (word) => word === "none" && preset !== "none" ? null : plain.parse(word) };
}
