/** Measuring a model on held-out utterances. @module */
import type { UtteranceSource } from "../data/sets/mod.ts";
import type { Classifier } from "../nn/mod.ts";
import { type ScoreOptions, scoreUtterances } from "./scoring.ts";

/** Results over all utterances, each counting once. */
export interface Validation {
  /** Mean cross-entropy; of a model trained with a margin, without it. */
  readonly loss: number;
  /** 0 to 1. */
  readonly accuracy: number;
  readonly count: number;
}

/** Options of {@linkcode validate}. */
export interface ValidateOptions extends ScoreOptions {
  /** Is told how many utterances are done. */
  readonly onProgress?: (done: number) => void;
}

/**
 * Loss and accuracy over some utterances.
 *
 * @returns null if it was aborted
 */
export async function validate(
  model: Classifier,
  source: UtteranceSource,
  { onProgress, ...options }: ValidateOptions,
): Promise<Validation | null> {
  const wasTraining = model.training;
  let [loss, hits, count] = [0, 0, 0];
  model.eval();
  try {
    for await (const { index, logits } of scoreUtterances(model, source, options)) {
      const { label } = source.utterances[index];
      loss += crossEntropyOf(logits, label);
      if (argmaxOf(logits) === label) hits++;
      count++;
      onProgress?.(count);
    }
  } finally {
    model.train(wasTraining);
  }
  return options.signal?.aborted ? null : { loss: loss / count, accuracy: hits / count, count };
}

/** −log softmax at the label. */
function crossEntropyOf(logits: Float32Array, label: number): number {
  const top = logits.reduce((a, b) => Math.max(a, b));
  return Math.log(logits.reduce((sum, x) => sum + Math.exp(x - top), 0)) + top - logits[label];
}

/** The place of the largest number, the first of equal ones. */
export function argmaxOf(values: Float32Array): number {
  return values.reduce((best, value, i) => value > values[best] ? i : best, 0);
}
