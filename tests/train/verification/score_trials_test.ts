/** Scores of many trials are those of a scorer, pair by pair. @module */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { Random } from "../../../data/random.ts";
import { detCurve, equalErrorRate } from "../../../train/metrics/mod.ts";
import { makeCohort } from "../../../train/verification/cohort.ts";
import { trainPldaSpace } from "../../../train/verification/plda_model.ts";
import { meanOf, scoreTrials } from "../../../train/verification/score_trials.ts";
import { makeScorer, type ScoringSettings } from "../../../train/verification/scorer.ts";
import { allPairs, chosenTrials } from "../../../train/verification/trials.ts";
import { matrixOf, rowOf } from "../../../train/verification/vector_matrix.ts";
import { forEachDevice } from "../../devices.ts";

function vectors(count: number, dim: number, seed: number): Float32Array[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => Float32Array.from({ length: dim }, () => 3 * (random.uniform() - 0.4)));
}

forEachDevice("scores of all pairs and of a few, by each kind of scoring", async () => {
  const embeddings = matrixOf(vectors(600, 7, 1)); // more than one block of rows
  const settings: ScoringSettings[] = [
    { scoring: "cosine" },
    { scoring: "cosine-mean", mean: meanOf(embeddings) },
    { scoring: "s-norm", cohort: makeCohort(vectors(40, 7, 2), { topN: 15 }) },
  ];
  for (const dim of [undefined, 3]) {
    const labels = Array.from({ length: 600 }, (_, i) => `s${i % 50}`);
    settings.push({ scoring: "plda", plda: await trainPldaSpace(embeddings, { labels, dim }) });
  }
  const all = allPairs(new Uint32Array(600));
  const random = new Random(3);
  const few = chosenTrials(all, Uint32Array.from({ length: 50 }, () => random.below(all.left.length)));
  for (const own of settings) {
    const scorer = makeScorer({ threshold: 0, ...own });
    for (const trials of [all, few]) {
      const scores = await scoreTrials(embeddings, trials, own);
      strictEqual(scores.length, trials.left.length);
      for (let i = 0; i < scores.length; i += Math.ceil(scores.length / 500)) {
        const wanted = scorer.score(rowOf(embeddings, trials.left[i]), rowOf(embeddings, trials.right[i]));
        ok(Math.abs(scores[i] - wanted) < 1e-4, `${own.scoring}, trial ${i}: ${scores[i]}, wanted ${wanted}`);
      }
    }
  }
});

Deno.test("a million trials are scored and measured in seconds, and exactly (cpu)", async () => {
  const speakers = Uint32Array.from({ length: 1500 }, (_, i) => Math.floor(i / 15));
  const trials = allPairs(speakers), random = new Random(5);
  const own = vectors(100, 16, 6), noisy = (x: number) => x + 4 * (random.uniform() - 0.5);
  const start = performance.now();
  const scores = await scoreTrials(matrixOf([...speakers].map((s) => own[s].map(noisy))), trials, {
    scoring: "cosine",
  });
  const { rate, threshold } = equalErrorRate(detCurve(scores, trials.isTarget));
  const seconds = (performance.now() - start) / 1000;
  ok(seconds < 30, `${seconds} s`); // takes 1 s alone on two cores; a list of boxed numbers and a threshold at a time takes minutes
  const wrong = [0, 0], all = [0, 0];
  scores.forEach((score, i) => {
    all[trials.isTarget[i]]++;
    if (score >= threshold !== (trials.isTarget[i] === 1)) wrong[trials.isTarget[i]]++;
  });
  ok(all[0] + all[1] > 1e6 && rate > 0.001 && rate < 0.4, `${rate}`);
  for (const kind of [0, 1]) ok(Math.abs(wrong[kind] / all[kind] - rate) <= 1 / all[1], `${kind}`);
});

Deno.test("no trials have no scores, and what is missing or does not fit is refused", async () => {
  const embeddings = matrixOf(vectors(3, 4, 1)), none = chosenTrials(allPairs(new Uint32Array(3)), new Uint32Array(0));
  deepStrictEqual(await scoreTrials(embeddings, none, { scoring: "cosine" }), new Float32Array(0));
  const trials = allPairs(new Uint32Array(3));
  await rejects(scoreTrials(embeddings, trials, { scoring: "s-norm" }), /there is no cohort/);
  await rejects(scoreTrials(embeddings, trials, { scoring: "plda" }), /there is no model of it/);
  await rejects(scoreTrials(embeddings, trials, { scoring: "cosine-mean" }), /there is no mean/);
  await rejects(
    scoreTrials(embeddings, trials, { scoring: "cosine-mean", mean: [1] }),
    /a mean of 1 numbers from embeddings of 4/,
  );
  const cohort = makeCohort(vectors(5, 3, 1));
  await rejects(scoreTrials(embeddings, trials, { scoring: "s-norm", cohort }), /have 3 numbers, wanted 4/);
});
