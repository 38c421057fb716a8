import type { MelScale } from "./filters.ts";
import { fieldsOf, type FieldTable } from "./settings_fields.ts";
import { nearNames } from "../near_names.ts";
import type { WindowName } from "./window.ts";

/** How each channel is normalised over the frames of a recording; see `normalizeFrames`. */
export type Normalization = "none" | "mean" | "layer";

/** Settings of a spectrogram, torchaudio's defaults. Frames are centred, the ends padded by reflection. */
export interface SpectrogramSettings {
  /** |STFT|^power. */
  kind: "spectrogram";
  /** Samples a second of the waveforms; default 16000. */
  sampleRate: number;
  /** Points of the Fourier transform, any size from 2; default 400. */
  nFft: number;
  /** Samples under the window, at most `nFft`, centred in it; default `nFft`. */
  winLength: number;
  /** Samples from one frame to the next; default half of `winLength`. */
  hopLength: number;
  /** Window of the period `winLength`; default "hann". */
  window: WindowName;
  /** Exponent of the magnitude: 2 is power, 1 magnitude; default 2. */
  power: number;
  /** Whether frame t is centred on sample t * `hopLength`, else it starts there; default true. */
  center: boolean;
  /** What is taken from each channel over a recording: its "mean", mean and deviation ("layer"), or "none" (default). */
  normalize: Normalization;
}

/** Settings of a mel spectrogram. */
export interface MelSettings extends Omit<SpectrogramSettings, "kind"> {
  /** Mel bands of the spectrogram. */
  kind: "mel";
  /** Number of mel bands; default 128. */
  nMels: number;
  /** Lower edge of the first band in Hz; default 0. */
  fMin: number;
  /** Upper edge of the last band in Hz; default half of `sampleRate`. */
  fMax: number;
  /** "slaney" gives every band the same area; default null. */
  norm: "slaney" | null;
  /** Formula of the mel scale; default "htk". */
  melScale: MelScale;
}

/** Settings of the natural logarithm of a mel spectrogram. */
export interface LogMelSettings extends Omit<MelSettings, "kind"> {
  /** Natural logarithm of the mel bands. */
  kind: "logMel";
  /** Least value of which the logarithm is taken; default 1e-9. */
  logFloor: number;
  /** "clamp" takes log(max(x, `logFloor`)), "add" takes log(x + `logFloor`); default "clamp". */
  logMode: "clamp" | "add";
}

/** Settings of mel-frequency cepstral coefficients: an orthonormal DCT-II of the mel spectrogram in decibels. */
export interface MfccSettings extends Omit<MelSettings, "kind"> {
  /** Cepstral coefficients. */
  kind: "mfcc";
  /** Number of coefficients, at most `nMels`; default 40. */
  nMfcc: number;
  /** Decibels below the recording's maximum at which values are cut, or null for no cut; default 80. */
  topDb: number | null;
}

/** Settings of Kaldi's log filter bank energies, the defaults of `torchaudio.compliance.kaldi.fbank`, no dither. */
export interface KaldiFbankSettings {
  /** Kaldi's filter bank. */
  kind: "kaldiFbank";
  /** Samples a second of the waveforms; default 16000. */
  sampleRate: number;
  /** Number of mel bands; default 23. */
  nMels: number;
  /** Length of a frame in ms; default 25. */
  frameLength: number;
  /** From one frame to the next in ms; default 10. */
  frameShift: number;
  /** Lower edge of the first band in Hz; default 20. */
  fMin: number;
  /** Upper edge of the last band in Hz; 0 or less counts down from half of `sampleRate`; default 0. */
  fMax: number;
  /** Symmetric window; default "povey". */
  window: WindowName;
  /** Middle term of the Blackman window; default 0.42. */
  blackmanCoeff: number;
  /** Share of the sample before that is subtracted; default 0.97. */
  preemphasis: number;
  /** Whether each frame's mean is subtracted; default true. */
  removeDcOffset: boolean;
  /** Whether frames are padded with zeros to a power of two; default true. */
  roundToPowerOfTwo: boolean;
  /** Whether only whole frames count, else the ends are mirrored; default true. */
  snipEdges: boolean;
  /** Whether power, else magnitude, is summed; default true. */
  usePower: boolean;
  /** Whether the logarithm is taken; default true. */
  useLogFbank: boolean;
  /** Whether the frame's log energy becomes a first channel; default false. */
  useEnergy: boolean;
  /** Whether energy is measured before pre-emphasis and window; default true. */
  rawEnergy: boolean;
  /** Least energy, 0 for none; default 1. */
  energyFloor: number;
  /** Factor on the waveform (Kaldi's own tools take int16 values: 32768); default 1. */
  scale: number;
  /** What is taken from each channel over a recording: its "mean", mean and deviation ("layer"), or "none" (default). */
  normalize: Normalization;
}

/** Settings of waveforms that a model listens to as they are; see `Waveform`. */
export interface WaveformSettings {
  /** Samples: a frame is one of them, with one channel. */
  kind: "waveform";
  /** Samples a second of the waveforms; default 16000. */
  sampleRate: number;
  /** "layer": zero mean and unit variance over a recording, as Hugging Face's `do_normalize`; "none" (default). */
  normalize: "none" | "layer";
}

/** Settings of SpeechBrain's `Fbank`: decibels of mel bands under a Hamming window. Frames are centred, the ends padded with zeros. */
export interface SpeechbrainFbankSettings {
  /** SpeechBrain's filter bank. */
  kind: "speechbrainFbank";
  /** Samples a second of the waveforms; default 16000. */
  sampleRate: number;
  /** Points of the Fourier transform, any size from 2; default 400. */
  nFft: number;
  /** Samples under the window, at most `nFft`, centred in it; default `nFft`. */
  winLength: number;
  /** Samples from one frame to the next; default a hundredth of `sampleRate`. */
  hopLength: number;
  /** Number of mel bands; default 40. */
  nMels: number;
  /** Lower edge of the first band in Hz; default 0. */
  fMin: number;
  /** Upper edge of the last band in Hz, before SpeechBrain's narrowing of its right side; default half of `sampleRate`. */
  fMax: number;
  /** Least power of which the logarithm is taken; default 1e-10. */
  logFloor: number;
  /** Decibels below the largest value of the whole recording at which values are cut, or null for no cut; default 80. */
  topDb: number | null;
  /** What is taken from each channel over a recording: its "mean", mean and deviation ("layer"), or "none" (default). */
  normalize: Normalization;
}

/** Everything that determines a feature: plain data that travels as JSON in a data set and in a checkpoint. */
export type FeatureSettings =
  | SpectrogramSettings
  | MelSettings
  | LogMelSettings
  | MfccSettings
  | KaldiFbankSettings
  | WaveformSettings
  | SpeechbrainFbankSettings;

/** The settings of one kind. */
export type SettingsOf<K extends FeatureSettings["kind"]> = Extract<FeatureSettings, { kind: K }>;

/** Options of one kind: each may be left out. */
export type FeatureOptions<K extends FeatureSettings["kind"]> = Partial<Omit<SettingsOf<K>, "kind">>;

/** What can be computed. */
export const featureKinds: readonly FeatureSettings["kind"][] = [
  "spectrogram",
  "mel",
  "logMel",
  "mfcc",
  "kaldiFbank",
  "waveform",
  "speechbrainFbank",
];

/** What {@linkcode featurePresets} holds. */
export interface FeaturePresets {
  /** The HW4 data: 40 bands, 25 ms, natural log clamped at 1e-9. */
  readonly hw4: LogMelSettings;
  /** The same with 80 bands. */
  readonly ecapa80: LogMelSettings;
  /** Speakers: 80 bands, 1e-6 added before the logarithm, each band's mean over the recording subtracted. */
  readonly speaker80: LogMelSettings;
  /** Sound classification: 44.1 kHz, 64 bands, floor 1e-5. */
  readonly sound64: LogMelSettings;
  /** S4's exact setting: 80 mel bands of power, no logarithm, LayerNorm over time. */
  readonly "s4-mel": MelSettings;
  /** The same of a power spectrogram, 201 channels. */
  readonly "s4-spectrogram": SpectrogramSettings;
  /** The same of 40 cepstral coefficients of 80 bands. */
  readonly "s4-mfcc": MfccSettings;
  /** The samples themselves at 16 kHz, for models that listen to them. */
  readonly waveform: WaveformSettings;
  /** The same with zero mean and unit variance over the recording. */
  readonly "waveform-normalized": WaveformSettings;
  /** SpeechBrain's ECAPA-TDNN (spkrec-ecapa-voxceleb): its `Fbank` of 80 bands, each band's mean over the recording subtracted. */
  readonly "speechbrain-ecapa80": SpeechbrainFbankSettings;
  /** SpeechBrain's x-vector (spkrec-xvect-voxceleb): the same with 24 bands. */
  readonly "speechbrain-xvector24": SpeechbrainFbankSettings;
  /** WeSpeaker's models: Kaldi's filter bank of 80 bands of 16-bit values under a Hamming window, each band's mean subtracted. */
  readonly wespeaker80: KaldiFbankSettings;
  /** CAM++ of WeSpeaker and 3D-Speaker: the same of samples within ±1 under Kaldi's own (Povey) window. */
  readonly campplus80: KaldiFbankSettings;
}

/** 25 ms every 10 ms at 16 kHz. */
const SPEECH_FRAMES = { nFft: 400, winLength: 400, hopLength: 160 };

/** Settings by name. */
export const featurePresets: Readonly<FeaturePresets> = {
  hw4: resolveSettings("logMel", { nFft: 512, winLength: 400, hopLength: 160, nMels: 40 }),
  ecapa80: resolveSettings("logMel", { ...SPEECH_FRAMES, nMels: 80 }),
  // 1e-6 is a little above what the rounding to 16 bits leaves in a band: pauses look alike, however quiet the room was.
  speaker80: resolveSettings("logMel", {
    ...{ ...SPEECH_FRAMES, nMels: 80, logFloor: 1e-6 },
    ...{ logMode: "add", normalize: "mean" },
  }),
  // A floor of 1e-9 would put the digital silence in many clips far below everything that can be heard: on ESC-10 a linear
  // classifier of means and deviations rises from 82 % to 85 % with this one.
  sound64: resolveSettings("logMel", { sampleRate: 44100, nFft: 1024, hopLength: 441, nMels: 64, logFloor: 1e-5 }),
  "s4-mel": resolveSettings("mel", { ...SPEECH_FRAMES, nMels: 80, normalize: "layer" }),
  "s4-spectrogram": resolveSettings("spectrogram", { ...SPEECH_FRAMES, normalize: "layer" }),
  "s4-mfcc": resolveSettings("mfcc", { ...SPEECH_FRAMES, nMels: 80, normalize: "layer" }),
  waveform: resolveSettings("waveform", {}),
  "waveform-normalized": resolveSettings("waveform", { normalize: "layer" }),
  "speechbrain-ecapa80": resolveSettings("speechbrainFbank", { nMels: 80, normalize: "mean" }),
  "speechbrain-xvector24": resolveSettings("speechbrainFbank", { nMels: 24, normalize: "mean" }),
  // WeSpeaker reads 16-bit files as whole numbers, so 32768 stands for 1.
  wespeaker80: resolveSettings("kaldiFbank", { nMels: 80, window: "hamming", scale: 32768, normalize: "mean" }),
  campplus80: resolveSettings("kaldiFbank", { nMels: 80, normalize: "mean" }),
};

/**
 * Feature settings from untrusted data: an object with `kind` and any of that kind's settings, the same as JSON text, or a
 * preset's name. What is left out takes its default, so the result is complete.
 *
 * @throws TypeError for an unknown kind, preset or key (near names are shown) and for a value of the wrong type.
 * @throws RangeError for a value out of range or values that do not fit together.
 */
export function parseFeatureSettings(value: unknown): FeatureSettings {
  if (typeof value === "string" && value.trimStart().startsWith("{")) return parseFeatureSettings(fromJson(value));
  if (typeof value === "string") {
    const preset = Object.entries(featurePresets).find(([name]) => name === value);
    if (!preset) throw new TypeError(unknownName("preset", value, Object.keys(featurePresets)));
    return { ...preset[1] };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`Cannot use feature settings: wanted an object or a preset's name, found ${describe(value)}`);
  }
  const { kind, ...options } = value as Record<string, unknown>;
  const known = featureKinds.find((name) => name === kind);
  if (!known) throw new TypeError(unknownName("kind", kind, featureKinds));
  return resolveSettings(known, options);
}

/** The name of the preset that has exactly these settings; else the settings as JSON text. {@linkcode parseFeatureSettings} reads both. */
export function featuresText(settings: FeatureSettings): string {
  const same = Object.entries(featurePresets).find(([, preset]) => differingSettings(settings, preset).length === 0);
  return same?.[0] ?? JSON.stringify(settings);
}

/** `nMels is 80 instead of 40`, for each setting in which `found` differs from `wanted`. */
export function differingSettings(wanted: FeatureSettings, found: FeatureSettings): string[] {
  const [a, b] = [wanted, found].map((settings) => new Map<string, unknown>(Object.entries(settings)));
  const show = (value: unknown) => value === undefined ? "not set" : JSON.stringify(value);
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter((key) => JSON.stringify(a.get(key)) !== JSON.stringify(b.get(key)))
    .map((key) => `${key} is ${show(b.get(key))} instead of ${show(a.get(key))}`);
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TypeError(`Cannot use feature settings: ${(error as Error).message}`, { cause: error });
  }
}

/** Complete, checked settings of `kind`; errors as for {@linkcode parseFeatureSettings}. */
export function resolveSettings<K extends FeatureSettings["kind"]>(
  kind: K,
  options: FeatureOptions<K> | Record<string, unknown>,
): SettingsOf<K> {
  const given = new Map<string, unknown>(Object.entries(options)), fields: FieldTable = fieldsOf(kind);
  const known = Object.keys(fields);
  for (const key of given.keys()) {
    if (!known.includes(key)) throw new TypeError(unknownName(`key of ${kind}`, key, known));
  }
  const settings: Record<string, unknown> = { kind };
  for (const [name, field] of Object.entries(fields)) {
    const value = given.get(name) === undefined ? field.preset(settings) : given.get(name);
    const problem = field.check(value, settings);
    if (problem) {
      const ErrorType = problem.wrongType ? TypeError : RangeError;
      throw new ErrorType(`Cannot use ${kind} settings: ${name} is ${describe(value)}, wanted ${problem.wanted}`);
    }
    settings[name] = value;
  }
  // The table has checked every field of this kind, which the compiler cannot see.
  return settings as unknown as SettingsOf<K>;
}

function unknownName(what: string, name: unknown, known: readonly string[]): string {
  const near = typeof name === "string" ? nearNames(name, known) : [];
  const hint = near.length > 0
    ? `did you mean ${near.map((n) => `"${n}"`).join(" or ")}`
    : `known are ${known.join(", ")}`;
  return `Cannot use feature settings: ${describe(name)} is no ${what}; ${hint}`;
}

function describe(value: unknown): string {
  if (typeof value === "string") return `"${value}"`;
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
