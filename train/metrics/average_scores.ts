/** Averages of the classes' scores. @module */
import type { ClassScores } from "./class_scores.ts";

/** Averages over classes; null where no class has utterances. */
export interface AverageScores {
  /** Average precision. */
  readonly precision: number | null;
  /** Average recall; weighted by support it is the accuracy. */
  readonly recall: number | null;
  /** Average of the F1, which is not the F1 of the averages. */
  readonly f1: number | null;
}

/**
 * Averages over the classes that have utterances: `macro` counts each class once, `weighted` by its number of utterances.
 * The precision of a class for which nothing was taken counts as 0. Classes without utterances are left out, since their
 * recall is unknown; what was wrongly taken for them lowers the recall of the others.
 */
export function averageScores(classes: readonly ClassScores[]): { macro: AverageScores; weighted: AverageScores } {
  return { macro: average(classes, () => 1), weighted: average(classes, ({ support }) => support) };
}

function average(classes: readonly ClassScores[], weightOf: (scores: ClassScores) => number): AverageScores {
  const present = classes.filter(({ support }) => support > 0);
  const total = present.reduce((sum, scores) => sum + weightOf(scores), 0);
  const mean = (key: "precision" | "recall" | "f1") =>
    total === 0 ? null : present.reduce((sum, scores) => sum + weightOf(scores) * (scores[key] ?? 0), 0) / total;
  return { precision: mean("precision"), recall: mean("recall"), f1: mean("f1") };
}
