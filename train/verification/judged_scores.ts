/** Scores as an operating point looks at them: as they are, or as log-likelihood ratios. @module */
import { fitLlr, type LlrCalibration, llrOf, type PairSeconds } from "./llr.ts";
import type { OperatingPoint } from "./operating_point.ts";
import type { TrialList } from "./trials.ts";

/** What an operating point looks at. */
export interface JudgedScores {
  /** How ratios follow from the scores; null where all scores are the same. */
  readonly llr: LlrCalibration | null;
  /** Whether `scores` are ratios. */
  readonly isLlr: boolean;
  /** A score or ratio for each trial. */
  readonly scores: Float32Array;
}

/** Prior of the fit where the operating point names none: that of Cllr. */
const USUAL_PRIOR = 0.5;

/**
 * Fits ratios to scored trials, and takes them in place of the scores where the operating point is a prior.
 *
 * @param options `seconds` of each recording that trials name by place; null where they are not known
 * @throws {Error} Where it is a prior and all scores are the same.
 */
export function judgedScores(
  scores: Float32Array,
  { left, right, isTarget }: TrialList,
  { seconds, operatingPoint }: { readonly seconds: Float64Array | null; readonly operatingPoint: OperatingPoint },
): JudgedScores {
  const isLlr = operatingPoint.criterion === "prior";
  const prior = isLlr ? operatingPoint.pTarget : USUAL_PRIOR;
  const of = (i: number): PairSeconds => seconds === null ? [NaN, NaN] : [seconds[left[i]], seconds[right[i]]];
  const llr = fitLlr(scores, { isTarget, seconds: of, prior });
  if (!isLlr) return { llr, isLlr, scores };
  if (llr === null) throw new Error("Cannot choose a threshold by a prior: all scores are the same");
  return { llr, isLlr, scores: scores.map((score, i) => llrOf(llr, score, of(i))) };
}
