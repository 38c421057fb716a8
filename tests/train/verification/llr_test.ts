/** Log-likelihood ratios from scores and durations. @module */
import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { cllr, detCurve } from "../../../train/metrics/mod.ts";
import { fitLlr, llrOf, llrThreshold } from "../../../train/verification/llr.ts";

// deno-fmt-ignore
const scores = Float32Array.of(0.4632535, 0.0093983, 0.3673077, 0.7235381, 0.2242717, 0.3719494, 0.5702458, 0.1475659, -0.1613563, 0.2903305, 0.1535548, 0.1034711, 0.8428494, 0.0896278, 0.1160728, 0.2401571, 0.0257544, -0.0582083, 0.5416034, 0.338655, 0.291491, 0.8364429, -0.2883628, 0.1455521, 0.2576726, 0.1615471, 0.185213, 0.2865705, 0.0353045, 0.1057933, 0.3089897, 0.1653438, -0.0831197, 0.0526816, 0.0258077, 0.1595408, 0.5873991, -0.0653825, -0.3344122, 0.362121);
// deno-fmt-ignore
const first = [8.626333, 7.717689, 7.878222, 6.893001, 7.393053, 5.860557, 7.460507, 5.242323, 6.071306, 5.21268, 3.084939, 4.670088, 5.200041, 3.556346, 3.754409, 5.116747, 3.292294, 2.732941, 3.424464, 8.760522, 3.578295, 5.50247, 4.398355, 3.063254, 8.574909, 6.750646, 7.00889, 8.967761, 1.065271, 7.83989, 3.966708, 7.251692, 2.342217, 2.869087, 4.04873, 3.400456, 3.104795, 4.005579, 4.209386, 3.925645];
// deno-fmt-ignore
const second = [7.131528, 8.296668, 3.865806, 1.931502, 7.625891, 3.245142, 6.399298, 8.515953, 5.015059, 3.19455, 7.993133, 5.27976, 6.035447, 6.487932, 5.023765, 6.303868, 7.987853, 6.716047, 6.377196, 7.603089, 4.574355, 8.376101, 8.651212, 3.453742, 8.304354, 3.548689, 2.476734, 1.058757, 1.688608, 8.718202, 7.852442, 2.251013, 1.688528, 6.452802, 3.551878, 4.867985, 1.045508, 5.37884, 3.023277, 8.899414];
const isTarget = Uint8Array.from(scores, (_, i) => i % 3 === 0 ? 1 : 0);

const close = (found: number, wanted: number, by = 1e-6) =>
  ok(Math.abs(found - wanted) <= by * Math.max(1, Math.abs(wanted)), `${found}, wanted ${wanted}`);

/** Weights that L-BFGS of PyTorch (float64) found for the same cost. */
Deno.test("a fit has the weights of PyTorch's, for any prior, with durations and without", () => {
  const unknown = () => [NaN, NaN] as const;
  const plain = fitLlr(scores, { isTarget, seconds: unknown, prior: 0.5 })!;
  close(plain.bias, -2.759023922343213);
  close(plain.weight, 11.095233792880313);
  strictEqual(plain.duration, null);
  const rare = fitLlr(scores, { isTarget, seconds: unknown, prior: 0.01 })!;
  close(rare.bias, -4.020849078764378);
  close(rare.weight, 15.356335008114476);
  const all = fitLlr(scores, { isTarget, seconds: (i) => [first[i], second[i]], prior: 0.05 })!;
  const { shorter, longer, means } = all.duration!;
  close(all.bias - shorter * means[0] - longer * means[1], -6.128534983506709, 1e-5);
  close(all.weight, 12.969431412808248, 1e-5);
  close(shorter, -1.3391054366496187, 1e-5);
  close(longer, 2.4058925569321405, 1e-5);
});

Deno.test("what a fit costs, and that the order of the two recordings does not matter", () => {
  const seconds = (i: number) => [first[i], second[i]] as const;
  const fit = fitLlr(scores, { isTarget, seconds, prior: 0.5 })!, { before, after, least } = fit.cllr;
  close(before, cllr(detCurve(scores, isTarget)));
  ok(after < before && least <= before, `${after} ${before} ${least}`);
  const ratios = scores.map((score, i) => llrOf(fit, score, seconds(i)));
  close(after, cllr(detCurve(ratios, isTarget)));
  strictEqual(llrOf(fit, 0.3, [2, 7]), llrOf(fit, 0.3, [7, 2]));
  close(llrOf(fit, 0.3, [NaN, 7]), fit.bias + fit.weight * 0.3);
  close(llrOf(fit, 0.3, [0, 7]), fit.bias + fit.weight * 0.3);
  const usual = fit.duration!.means.map(Math.exp) as [number, number];
  close(llrOf(fit, 0.3, usual), fit.bias + fit.weight * 0.3);
});

Deno.test("recordings that are all as long as another say nothing by it", () => {
  strictEqual(fitLlr(scores, { isTarget, seconds: () => [3, 3], prior: 0.5 })!.duration, null);
});

Deno.test("kinds that do not overlap get finite weights; scores that are all the same none", () => {
  const apart = Float32Array.from(isTarget, (label, i) => label + i / 1000);
  const fit = fitLlr(apart, { isTarget, seconds: () => [NaN, NaN], prior: 0.5 })!;
  ok(fit.weight > 0 && fit.weight < 1000 && fit.cllr.after < 0.01, JSON.stringify(fit));
  const one = { seconds: () => [1, 1] as const, prior: 0.5 };
  strictEqual(fitLlr(new Float32Array(4).fill(0.5), { isTarget: Uint8Array.of(1, 0, 1, 0), ...one }), null);
  throws(
    () => fitLlr(Float32Array.of(1, 2), { isTarget: Uint8Array.of(1, 1), ...one }),
    /trials of one kind are missing/,
  );
});

Deno.test("the threshold of a prior", () => {
  deepStrictEqual([llrThreshold(0.5), llrThreshold(0.01).toFixed(4)], [0, "4.5951"]);
});
