import { deepStrictEqual } from "node:assert/strict";
import { ranked, rungSteps, survivors } from "../../../train/tune/halving.ts";

const done = (accuracy: number, loss = 1) => ({ status: "done", accuracy, loss });
const failed = { status: "failed", accuracy: null, loss: null };

Deno.test("halving: rungs end at a third of the steps of the next, the last at all of them", () => {
  deepStrictEqual(rungSteps(27, 2700), [100, 300, 900, 2700]);
  deepStrictEqual(rungSteps(26, 2700), [300, 900, 2700]);
  deepStrictEqual(rungSteps(10, 40), [5, 14, 40]);
  deepStrictEqual(rungSteps(2, 100), [100]);
  deepStrictEqual(rungSteps(1000, 5), [2, 5]); // no rung of less than a step
});

Deno.test("halving: the best third goes on, by the metric and then by the other one; never one that failed", () => {
  const rung = [done(0.5), done(0.7, 2), done(0.7, 1), failed, done(0.9), done(0.1), done(0.7, 1)];
  deepStrictEqual(ranked(rung, "accuracy"), [rung[4], rung[2], rung[6], rung[1], rung[0], rung[5], failed]);
  deepStrictEqual(survivors(rung, "accuracy"), [rung[4], rung[2]]);
  deepStrictEqual(survivors([done(0.5, 3), done(0.1, 2), done(0.9, 4)], "loss"), [done(0.1, 2)]);
  deepStrictEqual(survivors([done(0.5)], "accuracy"), [done(0.5)]);
  deepStrictEqual(survivors([failed, failed, failed], "accuracy"), []);
  deepStrictEqual(ranked([{ status: "done", accuracy: 0.5, loss: null }, done(0.5, 9)], "loss")[0], done(0.5, 9));
});
