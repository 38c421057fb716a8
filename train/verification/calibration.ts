/** What was chosen and measured for a model, so that its scores can be judged. Works in a browser. @module */
import type { Cohort } from "./cohort.ts";
import type { LlrCalibration } from "./llr.ts";
import { type LengthNorm, lengthNorms, type PldaSpace } from "./plda_space.ts";
import { type OperatingPoint, operatingPointName, parseOperatingPoint } from "./operating_point.ts";

const FORMAT = "voxgrad calibration 1";

/** Ways to score two embeddings. */
export const scorings = ["cosine", "cosine-mean", "s-norm", "plda"] as const;

/** "cosine"; "cosine-mean": after a mean has been subtracted from both; "s-norm": the cosine measured by those of a cohort; "plda": a log-likelihood ratio. */
export type Scoring = (typeof scorings)[number];

/** A model's threshold, and the trials it was chosen on. Shares are 0 to 1. */
export interface Calibration {
  /** Changes when the meaning of the rest does. */
  readonly format: "voxgrad calibration 1";
  /** The model's `id`. */
  readonly model: string;
  /** How scores are made. */
  readonly scoring: Scoring;
  /** Scores from here on say "the same speaker". */
  readonly threshold: number;
  /** How it was chosen. */
  readonly operatingPoint: OperatingPoint;
  /** Equal error rate on the trials. */
  readonly eer: number;
  /** Least normalised detection cost on the trials, by prior: `"0.01"`, `"0.05"`. */
  readonly minDcf: Readonly<Record<string, number>>;
  /** Share of different speakers accepted at the threshold. */
  readonly far: number;
  /** Share of same speakers rejected at the threshold. */
  readonly frr: number;
  /** Number of trials of either kind. */
  readonly trials: { readonly target: number; readonly nontarget: number };
  /** What the trials were made of, as given. */
  readonly data: string;
  /** When, in ISO 8601. */
  readonly created: string;
  /** Longest window that recordings were embedded in, in seconds, see `EmbedderOptions`. */
  readonly windowSeconds?: number;
  /** How log-likelihood ratios follow from scores; where the operating point is a prior, the threshold is one of theirs. */
  readonly llr?: LlrCalibration;
  /** What is subtracted from embeddings; for "cosine-mean". */
  readonly mean?: readonly number[];
  /** Embeddings of other people; for "s-norm". */
  readonly cohort?: Cohort;
  /** What scores; for "plda". */
  readonly plda?: PldaSpace;
}

/** A calibration as its file has it: cohort and PLDA lie in files beside it. */
export type CalibrationFile = Omit<Calibration, "cohort" | "plda"> & {
  readonly plda?: { readonly file: string; readonly lengthNorm: LengthNorm };
  readonly cohort?: { readonly file: string; readonly topN: number };
};

/** A calibration of these facts. */
export function makeCalibration(facts: Omit<Calibration, "format" | "created">): Calibration {
  return { format: FORMAT, ...facts, created: new Date().toISOString() };
}

/**
 * Reads a calibration's JSON.
 *
 * @param json the file's text
 * @param name what to call it in errors
 * @throws {SyntaxError} Where it is none, or damaged.
 */
export function parseCalibration(json: string, name: string): CalibrationFile {
  const refuse = (fact: string) => new SyntaxError(`Cannot read ${JSON.stringify(name)}: ${fact}`);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw refuse("it is not JSON");
  }
  if (!isRecord(value) || value.format !== FORMAT) throw refuse("it is no calibration of this version of voxgrad");
  const broken = Object.entries(checks).find(([key, isFine]) => !isFine(value[key], value));
  if (broken) throw refuse(`its ${broken[0]} is damaged`);
  return value as unknown as CalibrationFile; // every field has been checked
}

type Check = (value: unknown, all: Record<string, unknown>) => boolean;

const isShare: Check = (x) => typeof x === "number" && x >= 0 && x <= 1;
const isCount: Check = (x) => Number.isSafeInteger(x) && (x as number) >= 0;
const isText: Check = (x) => typeof x === "string";

const checks: Readonly<Record<keyof CalibrationFile, Check>> = {
  format: isText,
  model: (x) => typeof x === "string" && /^[0-9a-f]{64}$/.test(x),
  scoring: (x) => scorings.some((name) => name === x),
  threshold: Number.isFinite,
  operatingPoint: isOperatingPoint,
  eer: isShare,
  minDcf: (x) => isRecord(x) && Object.values(x).every((cost) => isShare(cost, x)),
  far: isShare,
  frr: isShare,
  trials: (x) => isRecord(x) && isCount(x.target, x) && isCount(x.nontarget, x),
  data: isText,
  created: isText,
  windowSeconds: (x) => x === undefined || (typeof x === "number" && x >= 0.1 && x <= 3600),
  llr: (x, { operatingPoint }) =>
    x === undefined ? !isRecord(operatingPoint) || operatingPoint.criterion !== "prior" : isLlr(x),
  mean: (x, { scoring }) =>
    (x === undefined) === (scoring !== "cosine-mean") &&
    (x === undefined || (Array.isArray(x) && x.length > 0 && x.every(Number.isFinite))),
  cohort: (x, { scoring }) => (x === undefined) === (scoring !== "s-norm") && (x === undefined || isCohortFile(x)),
  plda: (x, { scoring }) => (x === undefined) === (scoring !== "plda") && (x === undefined || isPldaFile(x)),
};

function isLlr(value: unknown): boolean {
  if (!isRecord(value) || !isRecord(value.cllr)) return false;
  const { prior, bias, weight, duration, cllr: { before, after, least } } = value;
  const areFine = [prior, bias, weight, before, after, least].every(Number.isFinite);
  if (!areFine || duration === null) return areFine;
  const { shorter, longer, means } = isRecord(duration) ? duration : {};
  return [shorter, longer].every(Number.isFinite) && Array.isArray(means) && means.length === 2 &&
    means.every(Number.isFinite);
}

function isCohortFile(value: unknown): boolean {
  return isRecord(value) && isNeighbour(value.file) && isCount(value.topN, value) && (value.topN as number) >= 2;
}

function isPldaFile(value: unknown): boolean {
  return isRecord(value) && isNeighbour(value.file) && lengthNorms.some((name) => name === value.lengthNorm);
}

/** A file must lie beside the calibration: its name comes from a file, which could come from anywhere. */
function isNeighbour(file: unknown): boolean {
  return typeof file === "string" && /^[^/\\\0]+\.safetensors$/.test(file);
}

function isOperatingPoint(value: unknown): boolean {
  if (!isRecord(value)) return false;
  try {
    parseOperatingPoint(operatingPointName(value as unknown as OperatingPoint));
    return true;
  } catch {
    return false;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
