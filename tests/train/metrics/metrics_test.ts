/** The measures against numbers worked out by hand; where sklearn has the measure, with its rules (`zero_division=0`). */
import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import {
  averageScores,
  classScores,
  confusedPairs,
  confusionMatrix,
  rankOf,
  topKAccuracy,
  wilsonInterval,
} from "../../../train/metrics/mod.ts";

/** Within rounding of double precision. */
function close(found: readonly (number | null)[], wanted: readonly number[]): void {
  strictEqual(found.length, wanted.length);
  found.forEach((x, i) => ok(x !== null && Math.abs(x - wanted[i]) < 1e-12, `${i}: ${x}, wanted ${wanted[i]}`));
}

// Three classes; class 3 never occurs and nothing is taken for it, class 2 is never predicted.
const labels = [0, 0, 0, 0, 1, 1, 1, 2, 2, 0];
const predicted = [0, 0, 1, 0, 1, 1, 0, 0, 1, 0];
const matrix = confusionMatrix(labels, predicted, 4);

Deno.test("confusion matrix: rows are true classes", () => {
  deepStrictEqual([...matrix.counts], [4, 1, 0, 0, 1, 2, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0]);
  deepStrictEqual(confusionMatrix([], [], 2).counts, new Int32Array(4));
});

Deno.test("confusion matrix: what is no class is refused, not counted", () => {
  throws(() => confusionMatrix([0, -1], [0, 0], 2), {
    name: "RangeError",
    message: "Cannot count label 1: it is -1, wanted a class from 0 to 1",
  });
  throws(() => confusionMatrix([0], [2], 2), /Cannot count prediction 0: it is 2/);
  throws(() => confusionMatrix([0], [NaN], 2), RangeError);
  throws(() => confusionMatrix([0, 1], [0], 2), {
    name: "TypeError",
    message: "Cannot compare 2 labels with 1 predictions: wanted as many",
  });
});

Deno.test("class scores: precision, recall, F1 and support; null where nothing is to be divided", () => {
  const scores = classScores(matrix);
  deepStrictEqual(scores.map(({ support }) => support), [5, 3, 2, 0]);
  deepStrictEqual(scores.map(({ predicted }) => predicted), [6, 4, 0, 0]);
  deepStrictEqual(scores.map(({ precision }) => precision), [4 / 6, 2 / 4, null, null]);
  deepStrictEqual(scores.map(({ recall }) => recall), [4 / 5, 2 / 3, 0, null]);
  deepStrictEqual(scores.map(({ f1 }) => f1), [8 / 11, 4 / 7, 0, null]);
});

Deno.test("averages: over the classes that occur; weighted recall is the accuracy", () => {
  const { macro, weighted } = averageScores(classScores(matrix));
  close([macro.precision, macro.recall, macro.f1], [(2 / 3 + 1 / 2) / 3, (4 / 5 + 2 / 3) / 3, (8 / 11 + 4 / 7) / 3]);
  close(
    [weighted.precision, weighted.recall, weighted.f1],
    [(5 * 2 / 3 + 3 / 2) / 10, 6 / 10, (5 * 8 / 11 + 3 * 4 / 7) / 10],
  );
  const none = { precision: null, recall: null, f1: null };
  deepStrictEqual(averageScores(classScores(confusionMatrix([], [], 3))), { macro: none, weighted: none });
});

Deno.test("one class only: all is right, nothing is confused", () => {
  const single = confusionMatrix([0, 0], [0, 0], 1);
  deepStrictEqual(classScores(single), [{ support: 2, predicted: 2, hits: 2, precision: 1, recall: 1, f1: 1 }]);
  deepStrictEqual(confusedPairs(single), []);
});

Deno.test("confused pairs: the commonest first, then the larger share of the class", () => {
  deepStrictEqual(confusedPairs(matrix), [
    { actual: 2, predicted: 0, count: 1, share: 1 / 2 },
    { actual: 2, predicted: 1, count: 1, share: 1 / 2 },
    { actual: 1, predicted: 0, count: 1, share: 1 / 3 },
    { actual: 0, predicted: 1, count: 1, share: 1 / 5 },
  ]);
  deepStrictEqual(confusedPairs(confusionMatrix([0, 0, 1], [1, 1, 0], 2), 1), [
    { actual: 0, predicted: 1, count: 2, share: 1 },
  ]);
});

Deno.test("rank and top-k: of equal scores the first class comes first", () => {
  deepStrictEqual([0, 1, 2, 3].map((label) => rankOf([0.2, 0.5, 0.2, 0.1], label)), [1, 0, 2, 3]);
  const ranks = [0, 0, 2, 5];
  deepStrictEqual([1, 3, 6, 100].map((k) => topKAccuracy(ranks, k)), [0.5, 0.75, 1, 1]);
  strictEqual(topKAccuracy([], 5), null);
});

Deno.test("Wilson's interval: known values, and ends that do not leave 0 to 1", () => {
  const ends = (hits: number, count: number) => Object.values(wilsonInterval(hits, count));
  close(ends(90, 100), [0.8256343384950865, 0.9447708629393249]);
  close(ends(5, 10), [0.236593090512564, 0.7634069094874361]);
  close(ends(0, 10), [0, 0.2775327998628892]);
  deepStrictEqual(ends(10, 10)[1], 1);
  deepStrictEqual(ends(0, 7)[0], 0);
  deepStrictEqual(ends(0, 0), [0, 1]);
  throws(() => wilsonInterval(3, 2), {
    name: "RangeError",
    message: "Cannot find the interval of 3 hits: wanted 0 to 2, the number of trials",
  });
});
