/** Precision, recall and F1 of each class. @module */
import type { ConfusionMatrix } from "./confusion_matrix.ts";

/** How well one class is told from the others. Shares are 0 to 1, null where there is nothing to take a share of. */
export interface ClassScores {
  /** Utterances of the class. */
  readonly support: number;
  /** Utterances that were taken for it. */
  readonly predicted: number;
  /** Utterances of the class that were taken for it. */
  readonly hits: number;
  /** hits / predicted; null if nothing was taken for the class. */
  readonly precision: number | null;
  /** hits / support; null if the class has no utterances. */
  readonly recall: number | null;
  /** 2 · hits / (support + predicted), the harmonic mean of both; null if the class occurs in neither. */
  readonly f1: number | null;
}

/**
 * The scores of every class, in the order of the classes.
 *
 * @example
 * ```ts
 * import { classScores } from "./class_scores.ts";
 * import { confusionMatrix } from "./confusion_matrix.ts";
 *
 * const [first] = classScores(confusionMatrix([0, 0, 1], [0, 1, 1], 2));
 * first; // { support: 2, predicted: 1, hits: 1, precision: 1, recall: 0.5, f1: 0.666… }
 * ```
 */
export function classScores({ size, counts }: ConfusionMatrix): ClassScores[] {
  const support = new Int32Array(size), predicted = new Int32Array(size);
  counts.forEach((count, at) => {
    support[Math.floor(at / size)] += count;
    predicted[at % size] += count;
  });
  return Array.from({ length: size }, (_, i) => {
    const hits = counts[i * size + i];
    return {
      support: support[i],
      predicted: predicted[i],
      hits,
      precision: share(hits, predicted[i]),
      recall: share(hits, support[i]),
      f1: share(2 * hits, support[i] + predicted[i]),
    };
  });
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
