/** Measuring a model on held-out utterances. @module */
import { type Batch, evaluationBatches, type EvaluationBatchOptions } from "../data/batches/mod.ts";
import type { UtteranceSource } from "../data/sets/mod.ts";
import type { SpeakerClassifier } from "../nn/mod.ts";
import { cat, crossEntropy, currentDevice, noGrad, scope, Tensor, tensor } from "../tensor/mod.ts";
import { Pace } from "./pace.ts";

/** Results over all utterances, each counting once. */
export interface Validation {
  readonly loss: number;
  /** 0 to 1. */
  readonly accuracy: number;
  readonly count: number;
}

/** Frames are rounded up to this, so that few shapes occur. */
const TIME_MULTIPLE = 16;

/** Batches of whole utterances, or of centre crops, for a model. */
export function modelBatches(
  source: UtteranceSource,
  indices: ArrayLike<number> | undefined,
  options: EvaluationBatchOptions,
) {
  return evaluationBatches(source, indices, { timeMultiple: TIME_MULTIPLE, ...options });
}

/** Scores (batch, classes) of a batch in evaluation mode; padding is masked where there is any. */
export function scores(model: SpeakerClassifier, { features, lengths, batch, time, channels }: Batch): Tensor {
  const padded = lengths.some((n) => n < time);
  return noGrad(() =>
    model.forward(tensor(features, { shape: [batch, time, channels] }), padded ? tensor(lengths) : null)
  );
}

/** Options of {@linkcode validate}. */
export interface ValidateOptions extends EvaluationBatchOptions {
  /** Is told how many utterances are done. */
  readonly onBatch?: (done: number) => void;
  /** Aborting it gives up. */
  readonly signal?: AbortSignal;
}

/**
 * Loss and accuracy over some utterances, read once, at the end.
 *
 * @returns null if it was aborted
 */
export async function validate(
  model: SpeakerClassifier,
  source: UtteranceSource,
  indices: ArrayLike<number>,
  { onBatch, signal, ...options }: ValidateOptions = {},
): Promise<Validation | null> {
  const wasTraining = model.training;
  const [losses, hits]: [Tensor[], Tensor[]] = [[], []];
  const pace = new Pace(currentDevice());
  let count = 0;
  model.eval();
  try {
    for await (const batch of modelBatches(source, indices, options)) {
      const [loss, hit] = scope(() => {
        const logits = scores(model, batch);
        const labels = tensor(batch.labels);
        return [crossEntropy(logits, labels, { reduction: "none" }), logits.argmax(1).eq(labels)];
      });
      losses.push(loss);
      hits.push(hit);
      count += batch.batch;
      onBatch?.(count);
      await pace.step();
      if (signal?.aborted) return null;
    }
    return { loss: await sum(losses) / count, accuracy: await sum(hits) / count, count };
  } finally {
    model.train(wasTraining);
    [...losses, ...hits].forEach((t) => t.dispose());
  }
}

/** The sum of all values in some vectors. */
async function sum(parts: readonly Tensor[]): Promise<number> {
  const whole = scope(() => cat(parts));
  const values = Float64Array.from(await whole.data());
  whole.dispose();
  return values.reduce((total, value) => total + value, 0);
}
