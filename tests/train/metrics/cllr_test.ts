/** Area under the curve and costs of log-likelihood ratios, against slow ways that share nothing with them. @module */
import { ok, strictEqual } from "node:assert/strict";
import { Random } from "../../../data/random.ts";
import { areaUnderCurve, cllr, detCurve, minCllr } from "../../../train/metrics/mod.ts";

const near = (found: number, wanted: number, what = "") =>
  ok(Math.abs(found - wanted) < 1e-9, `${what} ${found}, wanted ${wanted}`);

function drawn(count: number, { seed, step }: { seed: number; step: number }) {
  const random = new Random(seed);
  const isTarget = Uint8Array.from({ length: count }, (_, i) => i < 2 ? i : random.below(3) === 0 ? 1 : 0);
  const scores = Float32Array.from(isTarget, (t) => Math.round((4 * random.uniform() - 2 + t) / step) * step);
  return { scores, isTarget };
}

/** Isotonic regression by its formula: the highest of the least means of what begins before and ends behind, each score weighed by class. */
function slowMinCllr(scores: Float32Array, isTarget: Uint8Array): number {
  const targets = isTarget.reduce((sum, t) => sum + t, 0), nontargets = isTarget.length - targets;
  const steps = [...new Set(scores)].sort((a, b) => a - b);
  const mass = (kind: number, all: number) =>
    steps.map((s) => scores.reduce((n, x, i) => n + (x === s && isTarget[i] === kind ? 1 : 0), 0) / all);
  const [t, n] = [mass(1, targets), mass(0, nontargets)];
  const sum = (list: number[], a: number, b: number) => list.slice(a, b + 1).reduce((x, y) => x + y, 0);
  let bits = 0;
  steps.forEach((_, i) => {
    let posterior = 0;
    for (let a = 0; a <= i; a++) {
      let least = 1;
      for (let b = i; b < steps.length; b++) {
        const [same, different] = [sum(t, a, b), sum(n, a, b)];
        least = Math.min(least, same / (same + different));
      }
      posterior = Math.max(posterior, least);
    }
    if (t[i] > 0) bits -= t[i] * Math.log2(posterior);
    if (n[i] > 0) bits -= n[i] * Math.log2(1 - posterior);
  });
  return bits / 2;
}

Deno.test("AUC counts pairs, Cllr is its sum, minCllr an isotonic regression, ties included", () => {
  for (const [count, step] of [[5, 1e-3], [30, 0.5], [60, 1e-3], [80, 0.1]]) {
    for (const seed of [1, 2, 3]) {
      const { scores, isTarget } = drawn(count, { seed, step }), curve = detCurve(scores, isTarget);
      const own = (kind: number) => [...scores].filter((_, i) => isTarget[i] === kind);
      const [different, same] = [own(0), own(1)];
      const won = same.flatMap((s) => different.map((d) => s > d ? 1 : s === d ? 0.5 : 0));
      const mean = (list: readonly number[]) => list.reduce((sum: number, x) => sum + x, 0) / list.length;
      near(areaUnderCurve(curve), mean(won), "AUC");
      const cost = mean(same.map((s) => Math.log2(1 + Math.exp(-s)))) +
        mean(different.map((s) => Math.log2(1 + Math.exp(s))));
      near(cllr(curve), cost / 2, "Cllr");
      near(minCllr(curve), slowMinCllr(scores, isTarget), "minCllr");
      ok(minCllr(curve) <= cllr(curve) + 1e-12 && minCllr(curve) <= 1 + 1e-12);
    }
  }
});

Deno.test("perfect, useless and wrong scores, and such as overflow an exponential", () => {
  const of = (scores: number[], labels: number[]) => detCurve(Float32Array.from(scores), Uint8Array.from(labels));
  const [perfect, useless, wrong] = [of([9, 8, -8, -9], [1, 1, 0, 0]), of([0, 0], [1, 0]), of([-5, 5], [1, 0])];
  strictEqual(minCllr(perfect), 0);
  near(minCllr(useless), 1);
  near(cllr(useless), 1);
  near(minCllr(wrong), 1);
  ok(cllr(wrong) > 7);
  near(cllr(of([2000, -2000], [0, 1])), 2000 / Math.LN2);
  strictEqual(cllr(of([2000, -2000], [1, 0])), 0);
  for (const [curve, wanted] of [[perfect, 1], [useless, 0.5], [wrong, 0]] as const) {
    strictEqual(areaUnderCurve(curve), wanted);
  }
});
