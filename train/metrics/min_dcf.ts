/** What a verifier's errors cost at best. @module */
import { type DetCurve, thresholdOf } from "./det_curve.ts";

/** What errors cost. */
export interface DetectionCosts {
  /** Share of the claims that are genuine, between 0 and 1. Default 0.01. */
  readonly pTarget?: number;
  /** Cost of rejecting the same speaker, above 0. Default 1. */
  readonly costMiss?: number;
  /** Cost of accepting another speaker, above 0. Default 1. */
  readonly costFalseAlarm?: number;
}

/** Least cost. */
export interface MinDcf {
  /** Cost in units of what the better of "accept all" and "accept none" costs: 0 is perfect, 1 useless. */
  readonly cost: number;
  /** The threshold that has it. */
  readonly threshold: number;
  /** That threshold's point of the curve. */
  readonly point: number;
}

/** The factors of false rejection and false acceptance in the normalised detection cost. */
export function dcfFactors({ pTarget = 0.01, costMiss = 1, costFalseAlarm = 1 }: DetectionCosts): [number, number] {
  if (!(pTarget > 0 && pTarget < 1)) {
    throw new RangeError(`Cannot compute a detection cost: pTarget is ${pTarget}, wanted a number between 0 and 1`);
  }
  if (!(costMiss > 0 && costFalseAlarm > 0)) {
    throw new RangeError(
      `Cannot compute a detection cost: the costs are ${costMiss} and ${costFalseAlarm}, wanted > 0`,
    );
  }
  const [miss, alarm] = [costMiss * pTarget, costFalseAlarm * (1 - pTarget)], least = Math.min(miss, alarm);
  return [miss / least, alarm / least];
}

/**
 * The least normalised detection cost of all thresholds, as in NIST's speaker recognition evaluations:
 * (costMiss · FRR · pTarget + costFalseAlarm · FAR · (1 − pTarget)) / min(costMiss · pTarget, costFalseAlarm · (1 − pTarget)).
 *
 * @throws {RangeError} For costs out of range.
 *
 * @example
 * ```ts
 * import { detCurve } from "./det_curve.ts";
 * import { minDcf } from "./min_dcf.ts";
 *
 * const curve = detCurve(Float32Array.of(3, 1, 2, 0), Uint8Array.of(1, 1, 0, 0));
 * minDcf(curve, { pTarget: 0.01 }).cost; // 0.5: rather reject one of two than accept anybody else
 * ```
 */
export function minDcf(curve: DetCurve, costs: DetectionCosts = {}): MinDcf {
  const [miss, alarm] = dcfFactors(costs);
  const { falseAcceptance: far, falseRejection: frr } = curve;
  let cost = Infinity, point = 0;
  for (let k = 0; k < far.length; k++) {
    const here = miss * frr[k] + alarm * far[k];
    if (here < cost) [cost, point] = [here, k];
  }
  return { cost, threshold: thresholdOf(curve, point), point };
}
