/**
 * Batches of utterances: endless random crops for training, every utterance once for validation and inference.
 * @module
 */
export { SILENCE } from "../features/silence.ts";
export { evenStarts } from "./cuts.ts";
export type { Batch, Padding, PadMode } from "./batch.ts";
export { evaluationBatches, type EvaluationBatchOptions } from "./evaluation_batches.ts";
export { TrainingBatches, type TrainingBatchOptions, type TrainingBatchState } from "./training_batches.ts";
