import type { FeatureSettings } from "./settings.ts";
import { windowNames } from "./window.ts";

/** One setting: its default, which may depend on settings above it, and what its value must be. */
interface Field {
  readonly preset: (above: Readonly<Record<string, unknown>>) => unknown;
  readonly check: (
    value: unknown,
    above: Readonly<Record<string, unknown>>,
  ) => { wanted: string; wrongType: boolean } | undefined;
}

/** Settings by name, in the order in which they are resolved. */
export type FieldTable = Readonly<Record<string, Field>>;

type Bound = number | ((above: Readonly<Record<string, unknown>>) => number);
const valueOf = (bound: Bound, above: Readonly<Record<string, unknown>>) =>
  typeof bound === "number" ? bound : bound(above);

/** A finite number in [min, max]; `whole` if it must be an integer. */
function number(preset: Bound, min: Bound, max: Bound, whole = false): Field {
  return {
    preset: (above) => valueOf(preset, above),
    check: (value, above) => {
      const low = valueOf(min, above), high = valueOf(max, above);
      const wanted = `a ${whole ? "whole number" : "number"} from ${low} to ${high}`;
      if (typeof value !== "number") return { wanted, wrongType: true };
      const fits = value >= low && value <= high && (!whole || Number.isInteger(value));
      return fits ? undefined : { wanted, wrongType: false };
    },
  };
}

const whole = (preset: Bound, min: Bound, max: Bound) => number(preset, min, max, true);

function flag(preset: boolean): Field {
  return {
    preset: () => preset,
    check: (value) => typeof value === "boolean" ? undefined : { wanted: "true or false", wrongType: true },
  };
}

function oneOf(preset: string | null, values: readonly (string | null)[]): Field {
  const wanted = `one of ${values.map((v) => v === null ? "null" : `"${v}"`).join(", ")}`;
  return {
    preset: () => preset,
    check: (value) =>
      values.some((v) => v === value) ? undefined : { wanted, wrongType: typeof value !== "string" && value !== null },
  };
}

function orNull(field: Field): Field {
  return {
    preset: field.preset,
    check: (value, above) => {
      const problem = value === null ? undefined : field.check(value, above);
      return problem && { ...problem, wanted: `${problem.wanted}, or null` };
    },
  };
}

/** Kaldi's upper edge: in Hz, or, where it is 0 or less, counted down from half of the sample rate. */
const kaldiUpperEdge: Field = {
  preset: () => 0,
  check: (value, above) => {
    const nyquist = Number(above.sampleRate) / 2, low = Number(above.fMin);
    const wanted = `a frequency above ${low} and up to ${nyquist}, or one from ${low - nyquist} to 0 below ${nyquist}`;
    if (typeof value !== "number") return { wanted, wrongType: true };
    const hz = value > 0 ? value : value + nyquist;
    return hz > low && hz <= nyquist ? undefined : { wanted, wrongType: false };
  },
};

/** A setting resolved above; the tables are ordered so that it is a number by then. */
const above = (name: string, scale = 1) => (settings: Readonly<Record<string, unknown>>) =>
  Number(settings[name]) * scale;

const MAX_RATE = 768_000;
const MAX_SIZE = 1 << 20;

/** Settings of every kind. */
const common: FieldTable = { normalize: oneOf("none", ["none", "mean", "layer"]) };

const spectrogram: FieldTable = {
  sampleRate: whole(16000, 1, MAX_RATE),
  nFft: whole(400, 2, MAX_SIZE),
  winLength: whole(above("nFft"), 1, above("nFft")),
  hopLength: whole((s) => Math.max(1, Math.floor(Number(s.winLength) / 2)), 1, MAX_SIZE),
  window: oneOf("hann", windowNames),
  power: number(2, 0.01, 100),
  center: flag(true),
  ...common,
};

const mel: FieldTable = {
  ...spectrogram,
  nMels: whole(128, 1, 4096),
  // The lower edge comes first, so that the upper one is checked against it.
  fMin: number(0, 0, above("sampleRate", 0.5)),
  fMax: number((s) => Math.floor(Number(s.sampleRate) / 2), (s) => Number(s.fMin) + 1, above("sampleRate", 0.5)),
  norm: oneOf(null, [null, "slaney"]),
  melScale: oneOf("htk", ["htk", "slaney"]),
};

const tables: Readonly<Record<FeatureSettings["kind"], FieldTable>> = {
  spectrogram,
  mel,
  // Floors stay normal float32 numbers, which the fast logarithm relies on.
  logMel: { ...mel, logFloor: number(1e-9, 1e-37, 1e37), logMode: oneOf("clamp", ["clamp", "add"]) },
  mfcc: {
    ...mel,
    nMfcc: whole((s) => Math.min(40, Number(s.nMels)), 1, above("nMels")),
    topDb: orNull(number(80, 0, 1000)),
  },
  kaldiFbank: {
    sampleRate: whole(16000, 100, MAX_RATE),
    nMels: whole(23, 1, 4096),
    frameLength: number(25, (s) => 2000 / Number(s.sampleRate), 10_000),
    frameShift: number(10, (s) => 1000 / Number(s.sampleRate), 10_000),
    fMin: number(20, 0, above("sampleRate", 0.5)),
    fMax: kaldiUpperEdge,
    window: oneOf("povey", windowNames),
    blackmanCoeff: number(0.42, 0, 1),
    preemphasis: number(0.97, 0, 1),
    removeDcOffset: flag(true),
    roundToPowerOfTwo: flag(true),
    snipEdges: flag(true),
    usePower: flag(true),
    useLogFbank: flag(true),
    useEnergy: flag(false),
    rawEnergy: flag(true),
    energyFloor: number(1, 0, 1e30),
    scale: number(1, 1e-9, 1e9),
    ...common,
  },
  waveform: { sampleRate: whole(16000, 1, MAX_RATE), normalize: oneOf("none", ["none", "layer"]) },
  speechbrainFbank: {
    sampleRate: mel.sampleRate,
    nFft: mel.nFft,
    winLength: mel.winLength,
    hopLength: whole((s) => Math.max(1, Math.floor(Number(s.sampleRate) / 100)), 1, MAX_SIZE),
    nMels: whole(40, 1, 4096),
    fMin: mel.fMin,
    fMax: mel.fMax,
    logFloor: number(1e-10, 1e-37, 1e37),
    topDb: orNull(number(80, 0, 1000)),
    ...common,
  },
};

/** The settings that `kind` has. */
export function fieldsOf(kind: FeatureSettings["kind"]): FieldTable {
  return tables[kind];
}
