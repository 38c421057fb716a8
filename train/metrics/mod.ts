/**
 * Measures of a classifier and of a verifier: pure functions of classes and scores.
 * @module
 */
export { areaUnderCurve } from "./area_under_curve.ts";
export { type AverageScores, averageScores } from "./average_scores.ts";
export { type ClassScores, classScores } from "./class_scores.ts";
export { cllr } from "./cllr.ts";
export { type ConfusedPair, confusedPairs } from "./confused_pairs.ts";
export { type ConfusionMatrix, confusionMatrix } from "./confusion_matrix.ts";
export { type DetCurve, detCurve } from "./det_curve.ts";
export { type EqualError, equalErrorRate } from "./equal_error_rate.ts";
export { logisticFit, type LogisticFitOptions } from "./logistic_fit.ts";
export { minCllr } from "./min_cllr.ts";
export { type DetectionCosts, type MinDcf, minDcf } from "./min_dcf.ts";
export { probit } from "./probit.ts";
export { rankOf } from "./rank_of.ts";
export { type SortedTrials, sortTrials } from "./sorted_trials.ts";
export { type BootstrapOptions, speakerBootstrap } from "./speaker_bootstrap.ts";
export { topKAccuracy } from "./top_k_accuracy.ts";
export {
  bestF1,
  ratesAt,
  type ThresholdChoice,
  thresholdForFar,
  type VerificationRates,
} from "./verification_rates.ts";
export { type Interval, wilsonInterval } from "./wilson_interval.ts";
