/** The results of an evaluation, as they are written to `evaluation.json`. @module */
import {
  type AverageScores,
  averageScores,
  type ClassScores,
  classScores,
  confusedPairs,
  confusionMatrix,
  topKAccuracy,
  wilsonInterval,
} from "../metrics/mod.ts";
import type { Outcome } from "./outcome.ts";

/** Most pairs that a report lists. */
const WORST_PAIRS = 30;

/** What was evaluated. */
export interface ReportContext {
  /** The model, as given. */
  readonly model: string;
  /** Step at which its weights were saved. */
  readonly step: number;
  /** The data, as given. */
  readonly data: string;
  /** Which part of them, in words. */
  readonly part: string;
  /** How utterances were presented, in words. */
  readonly viewing: string;
  /** Names of the model's classes. */
  readonly classes: readonly string[];
  /** Classes of the data that the model does not know. */
  readonly unknownClasses: readonly UnknownClass[];
  /** What could not be read. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

/** A class that training never saw; its utterances are in none of the measures. */
export interface UnknownClass {
  /** Its name. */
  readonly name: string;
  /** Utterances of it in the data. */
  readonly count: number;
}

/** All results. Shares are 0 to 1; null stands where there is nothing to take a share of. */
export interface EvaluationReport extends Omit<ReportContext, "classes"> {
  /** Changes when the meaning of what follows does. */
  readonly format: "voxgrad evaluation 1";
  /** Utterances that were judged. */
  readonly utterances: number;
  /** Share of utterances whose likeliest class is theirs, and its 95 % interval (Wilson). */
  readonly accuracy: { value: number; hits: number; low: number; high: number };
  /** Share of utterances whose class is among the k likeliest, by k from 1. */
  readonly topK: readonly { k: number; accuracy: number }[];
  /** Mean cross-entropy. */
  readonly loss: number;
  /** Each class that occurs counting once. */
  readonly macro: AverageScores;
  /** Each class by its number of utterances. */
  readonly weighted: AverageScores;
  /** In the order of the model's scores. */
  readonly classes: readonly (ClassScores & { readonly name: string })[];
  /** The confusion matrix: true class, predicted class (places in `classes`), count; only where it is not 0. */
  readonly confusion: readonly (readonly [number, number, number])[];
  /** The commonest mistakes by name, at most 30. */
  readonly worstPairs: readonly { actual: string; predicted: string; count: number; share: number }[];
}

/**
 * Measures outcomes.
 *
 * @throws {Error} Where there are none.
 */
export function makeReport(
  outcomes: readonly Outcome[],
  { classes: names, topK, ...context }: ReportContext & { readonly topK: number },
): EvaluationReport {
  const count = outcomes.length;
  if (count === 0) {
    throw new Error(
      "Cannot evaluate: there are no utterances of classes that the model knows; " +
        "how well it tells speakers apart whom it need not know, --verification says",
    );
  }
  const matrix = confusionMatrix(outcomes.map(({ label }) => label), outcomes.map((o) => o.predicted), names.length);
  const hits = outcomes.filter(({ rank }) => rank === 0).length;
  const ranks = outcomes.map(({ rank }) => rank);
  const scores = classScores(matrix);
  return {
    format: "voxgrad evaluation 1",
    ...context,
    utterances: count,
    accuracy: { value: hits / count, hits, ...wilsonInterval(hits, count) },
    topK: Array.from({ length: Math.min(topK, names.length) }, (_, i) => ({
      k: i + 1,
      accuracy: topKAccuracy(ranks, i + 1) ?? 0,
    })),
    loss: outcomes.reduce((sum, { loss }) => sum + loss, 0) / count,
    ...averageScores(scores),
    classes: scores.map((score, i) => ({ name: names[i], ...score })),
    confusion: [...matrix.counts.entries()].filter(([, n]) => n > 0).map(([at, n]) => {
      return [Math.floor(at / names.length), at % names.length, n] as const;
    }),
    worstPairs: confusedPairs(matrix, WORST_PAIRS).map(({ actual, predicted, ...pair }) => {
      return { actual: names[actual], predicted: names[predicted], ...pair };
    }),
  };
}
