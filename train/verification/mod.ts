/**
 * Speaker verification: from recordings to embeddings, scores of pairs of them, and a threshold.
 * @module
 */
export { type Calibration, type Scoring, scorings } from "./calibration.ts";
export { calibrationPath, readCalibration, writeCalibration } from "./calibration_file.ts";
export { asNorm, type Cohort, type CohortStatistics, cohortStatistics, makeCohort } from "./cohort.ts";
export { Embedder, type EmbedderOptions, UnusableWave } from "./embedder.ts";
export { FeatureEmbedder, type FeatureWindows } from "./feature_embedder.ts";
export { type OperatingPoint, operatingPointName, parseOperatingPoint } from "./operating_point.ts";
export { makeScorer, type Scorer, type ScoreSide, type ScoringSettings } from "./scorer.ts";
export { matrixOf, type VectorMatrix } from "./vector_matrix.ts";
