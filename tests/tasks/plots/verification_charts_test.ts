/** Pictures of verifiers that are ordinary, perfect, useless and always wrong. @module */
import { doesNotMatch, match, ok } from "node:assert/strict";
import { toSvg } from "../../../tasks/plots/draw.ts";
import { detChart, histogramChart, thresholdChart } from "../../../tasks/plots/verification_charts.ts";
import { measureTrials } from "../../../train/verification/measures.ts";
import { parseOperatingPoint } from "../../../train/verification/operating_point.ts";
import { detPoints, scoreHistogram, sweepRows } from "../../../train/verification/pictures.ts";
import type { VerificationReport } from "../../../train/verification/report.ts";
import { allPairs, countTrials } from "../../../train/verification/trials.ts";

/** The report on six recordings of two speakers whose pairs have certain scores. */
function reportOf(scoreOf: (isTarget: number, place: number) => number): VerificationReport {
  const speakers = Uint32Array.of(0, 0, 0, 1, 1, 1), trials = allPairs(speakers);
  const scores = Float32Array.from(trials.isTarget, scoreOf);
  const operatingPoint = parseOperatingPoint("far=0.001");
  const { measures, curve } = measureTrials(scores, trials, { speakers, operatingPoint, seed: 1 });
  return {
    ...measures,
    ...{ format: "voxgrad verification 2", llr: null, isLlr: false, plda: null, model: "m", modelId: "", step: 1 },
    ...{ data: "d", protocol: "standard" },
    ...{ scoring: "cosine", cohort: null, recordings: 6, speakers: 2, trials: countTrials(trials), s4: null },
    ...{ leftOut: { self: 0, unusable: 0 }, skipped: [], notes: [] },
    curves: {
      det: detPoints(curve),
      sweep: sweepRows(curve, { steps: 20 }),
      histogram: scoreHistogram(scores, trials.isTarget, 10),
    },
  };
}

const verifiers: Readonly<Record<string, (isTarget: number, place: number) => number>> = {
  ordinary: (isTarget, place) => 0.3 * isTarget + 0.5 * Math.sin(place * 7),
  perfect: (isTarget, place) => isTarget + 0.01 * place,
  useless: () => 0.5,
  wrong: (isTarget, place) => -isTarget + 0.01 * place,
};

for (const [name, scoreOf] of Object.entries(verifiers)) {
  Deno.test(`pictures of a verifier that is ${name} have axes, marks and no nonsense`, async () => {
    const report = reportOf(scoreOf);
    const [det, thresholds, scores] = await Promise.all(
      [detChart, thresholdChart, histogramChart].map((chart) => toSvg(chart(report))),
    );
    for (const svg of [det, thresholds, scores]) doesNotMatch(svg, /NaN|Infinity|undefined|null/);
    match(det, />Same speaker rejected</);
    match(det, />10 %</);
    match(det, />False accept ≤ 0\.1 %: accepts /);
    for (const title of ["EER", "Min DCF", "Max F1"]) {
      match(thresholds, new RegExp(`>${title} [\\d.]+( %)? at -?[\\d.]+<`));
    }
    for (const line of ["False acceptances", "False rejections", "Precision", "Recall", "F1"]) {
      ok(thresholds.includes(`>${line}<`), line);
    }
    match(scores, />Different speakers</);
  });
}
