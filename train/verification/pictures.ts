/** What pictures of a verifier show: few enough numbers to draw. @module */
import type { DetCurve } from "../metrics/det_curve.ts";
import { dcfFactors } from "../metrics/min_dcf.ts";
import { probit } from "../metrics/probit.ts";
import { ratesAt } from "../metrics/verification_rates.ts";

/** Both errors at one threshold. */
export interface DetPoint {
  /** Share of different speakers accepted. */
  readonly far: number;
  /** Share of same speakers rejected. */
  readonly frr: number;
}

/** All rates at one threshold. */
export interface SweepRow extends DetPoint {
  /** Scores from here on are accepted. */
  readonly threshold: number;
  /** The normalised detection cost, where a hundredth of the claims is genuine; S4's own under its protocol. */
  readonly dcf: number;
  /** Share of the accepted that are the same speaker; null where nothing is accepted. */
  readonly precision: number | null;
  /** Share of same speakers accepted. */
  readonly recall: number;
  /** Harmonic mean of both. */
  readonly f1: number;
}

/** Shares of the trials of each kind whose scores lie in equal steps. */
export interface ScoreHistogram {
  /** Edges of the steps, one more than there are. */
  readonly edges: readonly number[];
  /** Of the same speaker; they add up to 1. */
  readonly target: readonly number[];
  /** Of different speakers. */
  readonly nontarget: readonly number[];
}

/** Points of a curve that are apart by a hair's breadth on probit axes. */
export function detPoints({ falseAcceptance: far, falseRejection: frr }: DetCurve, apart = 0.005): DetPoint[] {
  const points: DetPoint[] = [];
  const bounded = (share: number) => Math.min(4, Math.max(-4, probit(share)));
  let last = [Infinity, Infinity];
  for (let k = 0; k < far.length; k++) {
    const next = k + 1 < far.length ? [bounded(far[k + 1]), bounded(frr[k + 1])] : [Infinity, Infinity];
    // a point counts if the curve would be seen to move without it: the corner before a leap too
    if (Math.abs(next[0] - last[0]) < apart && Math.abs(next[1] - last[1]) < apart) continue;
    points.push({ far: far[k], frr: frr[k] });
    last = [bounded(far[k]), bounded(frr[k])];
  }
  return points;
}

/** Options of {@linkcode sweepRows}. */
export interface SweepOptions {
  /** Thresholds at even distances over all scores. Default 300. */
  readonly steps?: number;
  /** Thresholds that must be among them. */
  readonly also?: readonly number[];
  /** Share of genuine claims for which the cost is. Default 0.01. */
  readonly pTarget?: number;
}

/** Rates over the threshold. */
export function sweepRows(curve: DetCurve, { steps = 300, also = [], pTarget = 0.01 }: SweepOptions = {}): SweepRow[] {
  const [miss, alarm] = dcfFactors({ pTarget });
  const first = curve.lowest[0], last = curve.lowest[curve.lowest.length - 2];
  const room = Math.max(1e-6, (last - first) * 0.02);
  const even = Array.from({ length: steps + 1 }, (_, i) => first - room + i / steps * (last - first + 2 * room));
  return [...even, ...also].sort((a, b) => a - b).map((threshold) => {
    const { falseAcceptance: far, falseRejection: frr, precision, recall, f1 } = ratesAt(curve, threshold);
    return { threshold, far, frr, dcf: miss * frr + alarm * far, precision, recall, f1 };
  });
}

/** How scores of either kind are spread. */
export function scoreHistogram(scores: Float32Array, isTarget: Uint8Array, bins = 60): ScoreHistogram {
  let [low, high] = [Infinity, -Infinity];
  for (const score of scores) [low, high] = [Math.min(low, score), Math.max(high, score)];
  const width = Math.max(1e-6, high - low) / bins;
  const counts = [new Uint32Array(bins), new Uint32Array(bins)], totals = [0, 0];
  scores.forEach((score, i) => {
    counts[isTarget[i]][Math.min(bins - 1, Math.floor((score - low) / width))]++;
    totals[isTarget[i]]++;
  });
  const [nontarget, target] = counts.map((own, kind) =>
    Array.from(own, (n) => totals[kind] === 0 ? 0 : n / totals[kind])
  );
  return { edges: Array.from({ length: bins + 1 }, (_, i) => low + i * width), target, nontarget };
}
