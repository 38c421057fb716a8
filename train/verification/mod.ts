/**
 * Speaker verification: from recordings to embeddings, scores of pairs of them, and a threshold.
 * @module
 */
export { type Calibration, type Scoring, scorings } from "./calibration.ts";
export { calibrationPath, readCalibration, writeCalibration } from "./calibration_file.ts";
export { asNorm, type Cohort, type CohortStatistics, cohortStatistics, makeCohort } from "./cohort.ts";
export { embed, type EmbedRequest, type EmbedResult, writeEmbeddings } from "./embed.ts";
export type { Embedded } from "./embed_recordings.ts";
export { Embedder, type EmbedderOptions, UnusableWave } from "./embedder.ts";
export { FeatureEmbedder, type FeatureWindows } from "./feature_embedder.ts";
export type { Picture } from "./html_report.ts";
export { measureScores, type ScoresRequest } from "./measure_scores.ts";
export type { Measured, MeasuredPoint, VerificationMeasures } from "./measures.ts";
export { type OperatingPoint, operatingPointName, parseOperatingPoint } from "./operating_point.ts";
export {
  type Plda,
  pldaPsi,
  pldaScore,
  type PldaScoreOptions,
  pldaTrain,
  type PldaTrainOptions,
  type Rows,
} from "./plda.ts";
export type { LengthNorm, PldaSpace } from "./plda_space.ts";
export type { DetPoint, ScoreHistogram, SweepRow } from "./pictures.ts";
export type { VerificationContext, VerificationReport } from "./report.ts";
export { readScores, type ScoredTrials } from "./score_file.ts";
export type { S4Results } from "./s4_protocol.ts";
export {
  type DurationWeights,
  fitLlr,
  type LlrCalibration,
  llrOf,
  llrThreshold,
  type LlrTrials,
  type PairSeconds,
} from "./llr.ts";
export { makeScorer, type Scorer, type ScoreSide, type ScoringSettings } from "./scorer.ts";
export type { TrialList } from "./trials.ts";
export { readTrials, type TrialsFile } from "./trials_file.ts";
export { matrixOf, type VectorMatrix } from "./vector_matrix.ts";
export { verify, type VerifyRequest, type VerifyResult } from "./verify.ts";
export { type PaintedPicture, writeVerification } from "./write.ts";
