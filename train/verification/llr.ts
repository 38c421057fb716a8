/** Scores as log-likelihood ratios, with the length of recordings as a measure of how much they say. Works in a browser. @module */
import { cllr, detCurve, logisticFit, minCllr } from "../metrics/mod.ts";

/** How a log-likelihood ratio follows from a score: bias + weight · score, and what recordings of other lengths than usual add. */
export interface LlrCalibration {
  /** Share of genuine claims for which it was fitted. */
  readonly prior: number;
  /** What is added. */
  readonly bias: number;
  /** Factor on the score. */
  readonly weight: number;
  /** What recordings' lengths add; null where they were not known, or all alike. */
  readonly duration: DurationWeights | null;
  /** Costs in bits on the trials that it was fitted on: of the scores as they are, of the ratios, and the least of any rising function of the scores. */
  readonly cllr: { readonly before: number; readonly after: number; readonly least: number };
}

/** Factors on the logarithms of the seconds of a pair's shorter and longer recording, less their means. */
export interface DurationWeights {
  /** Of the shorter one. */
  readonly shorter: number;
  /** Of the longer one. */
  readonly longer: number;
  /** What is usual. */
  readonly means: readonly [shorter: number, longer: number];
}

/** Seconds of the two recordings of a pair; NaN for one that is not known. */
export type PairSeconds = readonly [number, number];

/**
 * log p(score | same speaker) − log p(score | different speakers), natural logarithms.
 *
 * @param seconds where either is not known, both count as usual ones
 */
export function llrOf(calibration: LlrCalibration, score: number, seconds: PairSeconds): number {
  const { bias, weight, duration } = calibration, plain = bias + weight * score;
  if (duration === null || !seconds.every((s) => s > 0)) return plain;
  const [shorter, longer] = logsOf(seconds), [usualShorter, usualLonger] = duration.means;
  return plain + duration.shorter * (shorter - usualShorter) + duration.longer * (longer - usualLonger);
}

/** Log-likelihood ratio from which on a claim is accepted where a share `prior` of the claims is genuine and both errors cost alike. */
export function llrThreshold(prior: number): number {
  return Math.log((1 - prior) / prior);
}

/** What a fit is made of. */
export interface LlrTrials {
  /** 1 for each trial of the same speaker. */
  readonly isTarget: Uint8Array;
  /** Seconds of each trial's recordings. */
  readonly seconds: (trial: number) => PairSeconds;
  /** Share of genuine claims for which it shall be best. */
  readonly prior: number;
}

/** Spread of a logarithm of seconds below which all recordings count as equally long: one per cent. */
const SAME_LENGTH = 0.01;

/**
 * Fits a calibration on trials by logistic regression (see `logisticFit`), with duration as a measure of quality (Thienpondt et al. 2021, "The
 * IDLab VoxSRC-20 submission", arXiv 2010.11255; WeSpeaker's QMF).
 *
 * @returns null where all scores are the same
 * @throws {RangeError} Where trials of one kind are missing.
 */
export function fitLlr(scores: Float32Array, { isTarget, seconds, prior }: LlrTrials): LlrCalibration | null {
  if (spreadOf(scores) === 0) return null;
  const shorter = new Float64Array(scores.length), longer = new Float64Array(scores.length);
  for (let i = 0; i < scores.length; i++) [shorter[i], longer[i]] = logsOf(seconds(i));
  const isKnown = [shorter, longer].every((side) => spreadOf(side) > SAME_LENGTH);
  const [bias, weight, a = 0, b = 0] = logisticFit(isKnown ? [scores, shorter, longer] : [scores], {
    labels: isTarget,
    prior,
  });
  const means = [meanOf(shorter), meanOf(longer)] as const;
  const fitted = {
    prior,
    bias: isKnown ? bias + a * means[0] + b * means[1] : bias,
    weight,
    duration: isKnown ? { shorter: a, longer: b, means } : null,
  };
  const none = { before: 0, after: 0, least: 0 };
  const ratios = scores.map((score, i) => llrOf({ ...fitted, cllr: none }, score, seconds(i)));
  const curve = detCurve(scores, isTarget);
  return { ...fitted, cllr: { before: cllr(curve), after: cllr(detCurve(ratios, isTarget)), least: minCllr(curve) } };
}

/** Logarithms of the shorter and the longer length. */
function logsOf([a, b]: PairSeconds): readonly [number, number] {
  return [Math.log(Math.min(a, b)), Math.log(Math.max(a, b))];
}

function meanOf(x: Float64Array | Float32Array): number {
  let sum = 0;
  for (const value of x) sum += value;
  return sum / x.length;
}

/** Standard deviation; 0 where a value is no finite number. */
function spreadOf(x: Float64Array | Float32Array): number {
  const mean = meanOf(x);
  let variance = 0;
  for (const value of x) variance += (value - mean) ** 2 / x.length;
  return Number.isFinite(variance) ? Math.sqrt(variance) : 0;
}
