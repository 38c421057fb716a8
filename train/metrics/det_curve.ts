/** Both kinds of error of a verifier at every threshold: detection error trade-off. @module */
import { type SortedTrials, sortTrials } from "./sorted_trials.ts";

/**
 * The errors at every threshold that makes a difference. Point k accepts the scores from `lowest[k]` on; the first accepts all trials, the
 * last none.
 */
export interface DetCurve {
  /** The lowest accepted score of each point, ascending: every distinct score, then infinity. */
  readonly lowest: Float32Array;
  /** Share of different speakers that are accepted: 1 at first, 0 at last, never rising. */
  readonly falseAcceptance: Float64Array;
  /** Share of same speakers that are rejected: 0 at first, 1 at last, never falling. */
  readonly falseRejection: Float64Array;
  /** Trials of the same speaker, or what they weigh together. */
  readonly targets: number;
  /** Trials of different speakers, or what they weigh together. */
  readonly nontargets: number;
}

/**
 * The curve of some trials. Trials of equal score are accepted or rejected together.
 *
 * @param scores the higher, the likelier the same speaker
 * @param isTarget 1 for trials of the same speaker, 0 for others
 * @throws {RangeError} Where one of both kinds is missing, so that its error has no meaning, or a score is NaN.
 * @throws {TypeError} Where the lists differ in length.
 *
 * @example
 * ```ts
 * import { detCurve } from "./det_curve.ts";
 * import { equalErrorRate } from "./equal_error_rate.ts";
 *
 * const curve = detCurve(Float32Array.of(0.9, 0.4, 0.5, 0.1), Uint8Array.of(1, 1, 0, 0));
 * equalErrorRate(curve).rate; // 0.5: of two and two, one each is wrong
 * ```
 */
export function detCurve(scores: Float32Array, isTarget: Uint8Array): DetCurve {
  return curveOfSorted(sortTrials(scores, isTarget));
}

/** The curve of sorted trials. */
export function curveOfSorted({ scores, isTarget }: SortedTrials): DetCurve {
  const targets = isTarget.reduce((sum, x) => sum + x, 0), nontargets = scores.length - targets;
  for (const [what, count] of [["the same speaker", targets], ["different speakers", nontargets]] as const) {
    if (count === 0) throw new RangeError(`Cannot measure errors: there are no trials of ${what}`);
  }
  const points = distinctScores(scores) + 1;
  const lowest = new Float32Array(points);
  const [falseAcceptance, falseRejection] = [new Float64Array(points), new Float64Array(points)];
  let point = 0, below = 0; // trials of the same speaker so far
  for (let i = 0; i < scores.length; i++) {
    if (i === 0 || scores[i] !== scores[i - 1]) {
      lowest[point] = scores[i];
      falseAcceptance[point] = (nontargets - i + below) / nontargets;
      falseRejection[point++] = below / targets;
    }
    below += isTarget[i];
  }
  lowest[point] = Infinity;
  falseRejection[point] = 1; // and nobody is accepted falsely
  return { lowest, falseAcceptance, falseRejection, targets, nontargets };
}

function distinctScores(scores: Float32Array): number {
  let count = 0;
  for (let i = 0; i < scores.length; i++) if (i === 0 || scores[i] !== scores[i - 1]) count++;
  return count;
}

/**
 * A threshold that accepts just what a point of a curve accepts: half-way between the lowest accepted and the highest rejected score, so
 * that a last digit, computed elsewhere, does not turn a decision over.
 */
export function thresholdOf({ lowest }: Pick<DetCurve, "lowest">, point: number): number {
  const last = lowest.length - 1;
  const margin = Math.max(1e-6, (lowest[last - 1] - lowest[0]) * 1e-3);
  if (point === 0) return lowest[0] - margin;
  return point === last ? lowest[last - 1] + margin : (lowest[point - 1] + lowest[point]) / 2;
}

/** The point of a curve that a threshold means. */
export function pointAt({ lowest }: Pick<DetCurve, "lowest">, threshold: number): number {
  let [low, high] = [0, lowest.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lowest[middle] >= threshold) high = middle;
    else low = middle + 1;
  }
  return low;
}
