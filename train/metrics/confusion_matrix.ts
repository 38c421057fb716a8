/** How often each class was taken for each class. @module */

/** Counts by true class (row) and predicted class (column). */
export interface ConfusionMatrix {
  /** Number of classes. */
  readonly size: number;
  /** size × size counts, row after row; a row is a true class. */
  readonly counts: Int32Array;
}

/**
 * Counts pairs of true and predicted classes.
 *
 * @param labels the true class of each utterance
 * @param predicted the predicted class of each
 * @param size number of classes
 * @throws {TypeError} Where the lists differ in length.
 * @throws {RangeError} Where a class is none of 0 … size − 1: what has no known class must be sorted out before.
 *
 * @example
 * ```ts
 * import { confusionMatrix } from "./confusion_matrix.ts";
 *
 * confusionMatrix([0, 0, 1], [0, 1, 1], 2).counts; // Int32Array [1, 1, 0, 1]
 * ```
 */
export function confusionMatrix(
  labels: ArrayLike<number>,
  predicted: ArrayLike<number>,
  size: number,
): ConfusionMatrix {
  if (labels.length !== predicted.length) {
    throw new TypeError(`Cannot compare ${labels.length} labels with ${predicted.length} predictions: wanted as many`);
  }
  const counts = new Int32Array(size * size);
  for (let i = 0; i < labels.length; i++) {
    checkClass(labels[i], { what: "label", place: i, size });
    checkClass(predicted[i], { what: "prediction", place: i, size });
    counts[labels[i] * size + predicted[i]]++;
  }
  return { size, counts };
}

function checkClass(value: number, { what, place, size }: { what: string; place: number; size: number }): void {
  if (Number.isInteger(value) && value >= 0 && value < size) return;
  throw new RangeError(`Cannot count ${what} ${place}: it is ${value}, wanted a class from 0 to ${size - 1}`);
}
