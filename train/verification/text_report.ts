/** A verification as text. @module */
import { counted, fraction, percent } from "../evaluation/numbers.ts";
import { printable } from "../printable.ts";
import type { Measured, MeasuredPoint } from "./measures.ts";
import { llrText } from "./llr_text.ts";
import type { VerificationReport } from "./report.ts";
import { scoreText } from "./score_text.ts";

/** The report as lines for a terminal. */
export function verificationText(report: VerificationReport): string {
  const parts = [headOf(report), s4Of(report), measuresOf(report), pointsOf(report), remarksOf(report)];
  return printable(parts.filter((lines) => lines.length > 0).map((lines) => lines.join("\n") + "\n").join("\n"));
}

function headOf(report: VerificationReport): string[] {
  const { model, step, trials } = report;
  return [
    ...(model === null ? [] : [`Model ${model}, step ${step}`]),
    `Data ${dataOf(report)}`,
    `${trials.target + trials.nontarget} trials, ${trials.target} of the same speaker, ` +
    `${trials.nontarget} of different ones; ${scoringOf(report)}`,
  ];
}

/** What was compared, in words. */
export function dataOf({ data, recordings, speakers }: VerificationReport): string {
  if (recordings === 0) return data;
  return `${data}: ${counted(recordings, "recording")} of ${counted(speakers, "speaker")}`;
}

/** How scores were made, in words. */
export function scoringOf(report: Pick<VerificationReport, "scoring" | "cohort" | "isLlr" | "plda">): string {
  return report.isLlr ? `log-likelihood ratios of ${plainScoringOf(report)}` : plainScoringOf(report);
}

function plainScoringOf({ scoring, cohort, plda }: Pick<VerificationReport, "scoring" | "cohort" | "plda">): string {
  if (scoring === "file") return "scores as given";
  if (scoring === "cosine") return "cosine";
  if (plda !== null) return `PLDA in ${plda.dim} dimensions, trained on ${plda.data}`;
  if (cohort === null) return "cosine after subtracting a mean";
  return `s-norm by the ${cohort.topN} nearest of ${cohort.embeddings} in ${cohort.data}`;
}

function s4Of({ s4 }: VerificationReport): string[] {
  if (s4 === null) return [];
  const line = (name: string, shown: string, { threshold }: { threshold: number }) =>
    `${name.padEnd(16)}${shown.padEnd(10)}at ${threshold.toFixed(2)}`;
  return [
    "S4's protocol (each recording also with itself, thresholds 0, 0.01 … 0.99, cost not normalised)",
    line("EER", percent(s4.eer.value), s4.eer),
    line("Min DCF", s4.minDcf.value.toFixed(4), s4.minDcf),
    line("Max F1", fraction(s4.maxF1.value), s4.maxF1),
  ];
}

function measuresOf({ eer, minDcf, auc, minCllr, llr, s4 }: VerificationReport): string[] {
  const line = (name: string, value: string, { low, high }: Measured, show: (x: number) => string) => {
    const interval = low === null || high === null ? "" : `95 % interval ${show(low)} to ${show(high)}`;
    return `${name.padEnd(16)}${value.padEnd(10)}${interval}`.trimEnd();
  };
  return [
    ...(s4 === null ? [] : ["Exact, on the same trials"]),
    line("EER", percent(eer.value), eer, percent),
    ...minDcf.map((cost) => line(`Min DCF ${cost.pTarget}`, fraction(cost.value), cost, fraction)),
    ...(llr === null ? [] : [
      `${"Cllr".padEnd(16)}${fraction(llr.cllr.before).padEnd(10)}of the scores as they are`,
      `${"Cllr, fitted".padEnd(16)}${fraction(llr.cllr.after).padEnd(10)}of ${llrText(llr)}`,
    ]),
    line("Min Cllr", fraction(minCllr.value), minCllr, fraction),
    line("AUC", percent(auc.value), auc, percent),
  ];
}

function pointsOf({ points }: VerificationReport): string[] {
  const header = ["Threshold", "", "False accept", "False reject", "Precision", "Recall", "F1"];
  const rows = points.map(({ name, threshold, far, frr, precision, recall, f1 }, i) => [
    `${pointTitle(name)}${i === 0 ? " (chosen)" : ""}`,
    scoreText(threshold),
    percent(far.value),
    percent(frr.value),
    fraction(precision),
    fraction(recall),
    fraction(f1),
  ]);
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column].length)));
  return [header, ...rows].map((row) =>
    row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join("  ").trimEnd()
  );
}

/** What an operating point is called in reports. */
export function pointTitle(name: MeasuredPoint["name"]): string {
  if (name === "eer") return "Equal errors";
  if (name === "f1") return "Highest F1";
  if (name === "given") return "As given";
  if (name.startsWith("prior=")) return `Prior ${name.slice(6)}`;
  return name.startsWith("far=")
    ? `False accept ≤ ${Number((Number(name.slice(4)) * 100).toPrecision(3))} %`
    : `Min DCF ${name.slice(8)}`;
}

function remarksOf(report: VerificationReport): string[] {
  const { skipped } = report;
  return [
    ...remarks(report),
    ...(skipped.length === 0 ? [] : [`Skipped: ${counted(skipped.length, "recording")}, first: ${skipped[0].reason}`]),
  ];
}

/** What should be said besides the numbers. */
export function remarks({ notes, leftOut, draws }: VerificationReport): string[] {
  return [
    ...notes,
    ...(leftOut.self > 0 ? [`Left out: ${counted(leftOut.self, "trial")} of a recording with itself`] : []),
    ...(leftOut.unusable > 0
      ? [`Left out: ${counted(leftOut.unusable, "trial")} of recordings that cannot be used`]
      : []),
    ...(draws > 0 ? [`Intervals: speakers drawn ${draws} times with replacement`] : []),
  ];
}
