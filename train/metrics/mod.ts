/**
 * Measures of a classifier: pure functions of classes and scores.
 * @module
 */
export { type AverageScores, averageScores } from "./average_scores.ts";
export { type ClassScores, classScores } from "./class_scores.ts";
export { type ConfusedPair, confusedPairs } from "./confused_pairs.ts";
export { type ConfusionMatrix, confusionMatrix } from "./confusion_matrix.ts";
export { rankOf } from "./rank_of.ts";
export { topKAccuracy } from "./top_k_accuracy.ts";
export { type Interval, wilsonInterval } from "./wilson_interval.ts";
