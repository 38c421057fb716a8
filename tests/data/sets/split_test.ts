import assert from "node:assert/strict";
import { splitStratified } from "../../../data/sets/split.ts";

function labelsOf(sizes: number[]): number[] {
  return sizes.flatMap((size, label) => Array<number>(size).fill(label));
}

Deno.test("split: every utterance once, the share right in total and in every class", () => {
  const labels = labelsOf([16, 16, 16, 40, 7, 1]);
  const { train, valid } = splitStratified(labels, { validFraction: 0.1, seed: 3 });
  assert.deepEqual([...train, ...valid].sort((a, b) => a - b), labels.map((_, i) => i));
  assert.equal(valid.length, Math.round(labels.length * 0.1));
  for (const [label, size] of [16, 16, 16, 40, 7, 1].entries()) {
    const count = valid.filter((i) => labels[i] === label).length;
    assert.ok(Math.abs(count - size * 0.1) < 1, `class ${label} has ${count}`);
  }
  assert.deepEqual(valid, valid.toSorted((a, b) => a - b));
});

Deno.test("split: the seed decides", () => {
  const labels = labelsOf([20, 20, 20]);
  const once = splitStratified(labels, { seed: 1 });
  assert.deepEqual(splitStratified(labels, { seed: 1 }), once);
  assert.notDeepEqual(splitStratified(labels, { seed: 2 }), once);
});

Deno.test("split: a class never loses its last utterance", () => {
  const labels = labelsOf([1, 2, 1, 2]);
  const { train, valid } = splitStratified(labels, { validFraction: 0.9 });
  assert.deepEqual(new Set(train.map((i) => labels[i])), new Set([0, 1, 2, 3]));
  assert.equal(valid.length, 2);
});

Deno.test("split: no validation on request, errors where it is impossible", () => {
  assert.deepEqual(splitStratified([0, 0, 1], { validFraction: 0 }), { train: [0, 1, 2], valid: [] });
  assert.throws(() => splitStratified([0, 1, 2, 3, 4, 5]), {
    name: "RangeError",
    message:
      "Cannot split: every class has a single utterance, so none can be spared for validation; set validFraction to 0",
  });
  assert.throws(() => splitStratified([0, 0], { validFraction: 1 }), {
    message: "Cannot split: the share for validation is 1, wanted at least 0 and below 1",
  });
});
