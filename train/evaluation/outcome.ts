/** What a model said of one labelled utterance. @module */
import { rankOf } from "../metrics/mod.ts";

/** A labelled utterance and what the model said. */
export interface Outcome {
  /** The utterance: its name in the data. */
  readonly id: string;
  /** Its true class, a place in the model's classes. */
  readonly label: number;
  /** The likeliest class. */
  readonly predicted: number;
  /** Classes that the model finds likelier than the true one. */
  readonly rank: number;
  /** −ln of the probability of the true class. */
  readonly loss: number;
  /** The likeliest classes with their probabilities, likeliest first. */
  readonly likeliest: readonly { readonly place: number; readonly probability: number }[];
}

/**
 * Judges an utterance's scores.
 *
 * @param logits a score for each class, before softmax
 * @param utterance its name and true class, and how many classes to list
 * @throws {RangeError} Where a score is no finite number, which would make every number that follows worthless.
 */
export function outcomeOf(
  logits: ArrayLike<number>,
  { id, label, topK }: { id: string; label: number; topK: number },
): Outcome {
  const scores = Float64Array.from(logits);
  const bad = scores.find((score) => !Number.isFinite(score));
  if (bad !== undefined) {
    throw new RangeError(`Cannot judge ${JSON.stringify(id)}: the model's score for it is ${bad}`);
  }
  const order = Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a] || a - b);
  const logTotal = logSumExp(scores);
  const likeliest = order.slice(0, topK).map((place) => ({ place, probability: Math.exp(scores[place] - logTotal) }));
  const loss = Math.max(0, logTotal - scores[label]);
  return { id, label, predicted: order[0], rank: rankOf(scores, label), loss, likeliest };
}

function logSumExp(scores: Float64Array): number {
  const top = scores.reduce((a, b) => Math.max(a, b));
  return top + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - top), 0));
}
