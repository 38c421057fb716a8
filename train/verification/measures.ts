/** All measures of scored trials. @module */
import {
  areaUnderCurve,
  bestF1,
  type Interval,
  minCllr,
  minDcf,
  speakerBootstrap,
  thresholdForFar,
} from "../metrics/mod.ts";
import { curveOfSorted, type DetCurve, pointAt } from "../metrics/det_curve.ts";
import { equalErrorRate } from "../metrics/equal_error_rate.ts";
import { sortTrials } from "../metrics/sorted_trials.ts";
import { ratesOf, type ThresholdChoice } from "../metrics/verification_rates.ts";
import { llrThreshold } from "./llr.ts";
import { type OperatingPoint, operatingPointName } from "./operating_point.ts";
import type { TrialList } from "./trials.ts";

/** Shares of genuine claims for which the cost is reported. */
export const priors = [0.01, 0.05] as const;

/** A measure with its 95 % interval (speakers drawn with replacement); null where there are too few speakers to draw. */
export interface Measured {
  /** The measure. */
  readonly value: number;
  /** Lower end. */
  readonly low: number | null;
  /** Upper end. */
  readonly high: number | null;
}

/** What happens at a threshold. */
export interface MeasuredPoint {
  /** Name of the operating point; "given" for a threshold that was asked for. */
  readonly name: string;
  /** Scores from here on are accepted. */
  readonly threshold: number;
  /** Share of different speakers accepted. */
  readonly far: Measured;
  /** Share of same speakers rejected. */
  readonly frr: Measured;
  /** Share of the accepted that are the same speaker; null where none is accepted. */
  readonly precision: number | null;
  /** Share of same speakers accepted. */
  readonly recall: number;
  /** Harmonic mean of both. */
  readonly f1: number;
}

/** The measures of scored trials. */
export interface VerificationMeasures {
  /** Equal error rate, and the threshold where it is. */
  readonly eer: Measured & { readonly threshold: number };
  /** Least normalised detection costs, with their thresholds. */
  readonly minDcf: readonly (Measured & { readonly pTarget: number; readonly threshold: number })[];
  /** Area under the ROC: share of the pairs of a same and a different trial whose scores are in the right order. */
  readonly auc: Measured;
  /** Least cost in bits of any rising function of the scores as log-likelihood ratios. */
  readonly minCllr: Measured;
  /** What happens at the thresholds of interest, the chosen one first. */
  readonly points: readonly MeasuredPoint[];
  /** How often speakers were drawn for the intervals. */
  readonly draws: number;
}

/** Options of {@linkcode measureTrials}. */
export interface MeasureOptions {
  /** Speaker of each recording; null where they are unknown, and then there are no intervals. */
  readonly speakers: Uint32Array | null;
  /** The threshold to choose. */
  readonly operatingPoint: OperatingPoint;
  /** A threshold to look at as well. */
  readonly threshold?: number;
  /** Of the draws of speakers. */
  readonly seed: number;
}

/** Measures, and the curve they are of. */
export interface MeasuredTrials {
  readonly measures: VerificationMeasures;
  readonly curve: DetCurve;
}

/**
 * Measures scored trials.
 *
 * @throws {RangeError} Where trials of one kind are missing.
 */
export function measureTrials(scores: Float32Array, trials: TrialList, options: MeasureOptions): MeasuredTrials {
  const { speakers, operatingPoint, threshold, seed } = options;
  const sorted = sortTrials(scores, trials.isTarget), curve = curveOfSorted(sorted);
  const thresholds = chosenThresholds(curve, operatingPoint);
  if (threshold !== undefined) thresholds.push({ name: "given", threshold, point: pointAt(curve, threshold) });
  const take = (curve: DetCurve) => [
    equalErrorRate(curve).rate,
    areaUnderCurve(curve),
    minCllr(curve),
    ...priors.map((pTarget) => minDcf(curve, { pTarget }).cost),
    ...thresholds.flatMap(({ threshold }) => {
      const point = pointAt(curve, threshold);
      return [curve.falseAcceptance[point], curve.falseRejection[point]];
    }),
  ];
  const draws = speakers === null ? 0 : drawsFor(scores.length);
  const sideOf = (side: Uint32Array) => side.map((place) => speakers![place]);
  const intervals = draws === 0
    ? []
    : speakerBootstrap(sorted, take, { speakers: [sideOf(trials.left), sideOf(trials.right)], draws, seed });
  const values = take(curve).map((value, i) => measured(value, intervals[i]));
  const points = thresholds.map(({ name, threshold, point }, i): MeasuredPoint => {
    const { precision, recall, f1 } = ratesOf(curve, point), at = 3 + priors.length + 2 * i;
    return { name, threshold, far: values[at], frr: values[at + 1], precision, recall, f1 };
  });
  const costs = priors.map((pTarget, i) => ({
    pTarget,
    ...values[3 + i],
    threshold: minDcf(curve, { pTarget }).threshold,
  }));
  const eer = { ...values[0], threshold: equalErrorRate(curve).threshold };
  return { measures: { eer, minDcf: costs, auc: values[1], minCllr: values[2], points, draws }, curve };
}

/** A thousand draws of few trials, fewer of many: they shall take seconds. */
function drawsFor(trials: number): number {
  return trials > 2e7 ? 0 : Math.round(Math.min(1000, Math.max(100, 3e8 / trials)));
}

function measured(value: number, interval: Interval | null | undefined): Measured {
  return { value, low: interval?.low ?? null, high: interval?.high ?? null };
}

type Named = ThresholdChoice & { readonly name: string };

/** The chosen threshold, then the others that are usual. */
function chosenThresholds(curve: DetCurve, chosen: OperatingPoint): Named[] {
  const usual: OperatingPoint[] = [
    { criterion: "eer" },
    ...priors.map((pTarget) => ({ criterion: "min-dcf", pTarget }) as const),
    { criterion: "f1" },
  ];
  const named = [chosen, ...usual].map((point) => ({ name: operatingPointName(point), ...choose(curve, point) }));
  return named.filter(({ name }, i) => named.findIndex((other) => other.name === name) === i);
}

function choose(curve: DetCurve, point: OperatingPoint): ThresholdChoice {
  switch (point.criterion) {
    case "eer":
      return equalErrorRate(curve);
    case "min-dcf":
      return minDcf(curve, point);
    case "far":
      return thresholdForFar(curve, point.far);
    case "prior": {
      const threshold = llrThreshold(point.pTarget);
      return { threshold, point: pointAt(curve, threshold) };
    }
    case "f1":
      return bestF1(curve);
  }
}
