/** What a verifier does at one threshold. @module */
import { type DetCurve, pointAt, thresholdOf } from "./det_curve.ts";

/** Shares, 0 to 1. */
export interface VerificationRates {
  /** Different speakers that are accepted. */
  readonly falseAcceptance: number;
  /** Same speakers that are rejected. */
  readonly falseRejection: number;
  /** Accepted trials that are of the same speaker; null where none is accepted. */
  readonly precision: number | null;
  /** Same speakers that are accepted. */
  readonly recall: number;
  /** Harmonic mean of both; 0 where nothing is rightly accepted. */
  readonly f1: number;
}

/** The rates at a point of a curve. Precision and F1 depend on how many trials of either kind there are. */
export function ratesOf(
  { falseAcceptance, falseRejection, targets, nontargets }: DetCurve,
  point: number,
): VerificationRates {
  const [far, frr] = [falseAcceptance[point], falseRejection[point]];
  const hits = targets * (1 - frr), alarms = nontargets * far;
  return {
    falseAcceptance: far,
    falseRejection: frr,
    precision: hits + alarms === 0 ? null : hits / (hits + alarms),
    recall: 1 - frr,
    f1: 2 * hits / (targets + hits + alarms),
  };
}

/**
 * The rates at a threshold: scores from it on are accepted.
 *
 * @example
 * ```ts
 * import { detCurve } from "./det_curve.ts";
 * import { ratesAt } from "./verification_rates.ts";
 *
 * const curve = detCurve(Float32Array.of(0.9, 0.4, 0.5, 0.1), Uint8Array.of(1, 1, 0, 0));
 * ratesAt(curve, 0.5); // falseAcceptance 0.5, falseRejection 0.5, precision 0.5, recall 0.5, f1 0.5
 * ```
 */
export function ratesAt(curve: DetCurve, threshold: number): VerificationRates {
  return ratesOf(curve, pointAt(curve, threshold));
}

/** A threshold and its point of the curve. */
export interface ThresholdChoice {
  /** Scores from here on are accepted. */
  readonly threshold: number;
  /** Point of the curve. */
  readonly point: number;
}

/** Where F1 is highest; of equal ones the lowest threshold. */
export function bestF1(curve: DetCurve): ThresholdChoice & { readonly f1: number } {
  const { falseAcceptance: far, falseRejection: frr, targets, nontargets } = curve;
  let best = -1, point = 0;
  for (let k = 0; k < far.length; k++) {
    const hits = targets * (1 - frr[k]), f1 = 2 * hits / (targets + hits + nontargets * far[k]);
    if (f1 > best) [best, point] = [f1, k];
  }
  return { f1: best, threshold: thresholdOf(curve, point), point };
}

/**
 * The lowest threshold that accepts at most a share of the different speakers, and so rejects the fewest of the same.
 *
 * @param far the share, 0 to 1
 */
export function thresholdForFar(curve: DetCurve, far: number): ThresholdChoice {
  let [low, high] = [0, curve.falseAcceptance.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (curve.falseAcceptance[middle] <= far) high = middle;
    else low = middle + 1;
  }
  return { threshold: thresholdOf(curve, low), point: low };
}
