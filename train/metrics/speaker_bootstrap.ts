/** How sure measures of a verifier are, when the speakers are few. @module */
import { Random } from "../../data/random.ts";
import { curveOfSorted, type DetCurve } from "./det_curve.ts";
import type { SortedTrials } from "./sorted_trials.ts";
import type { Interval } from "./wilson_interval.ts";

/** Options of {@linkcode speakerBootstrap}. */
export interface BootstrapOptions {
  /** Speaker of either side of each trial, in the order before sorting: numbers from 0 on. */
  readonly speakers: readonly [Uint32Array, Uint32Array];
  /** How often speakers are drawn. Default 1000. */
  readonly draws?: number;
  /** Default 1. */
  readonly seed?: number;
}

/** Fewer draws than this that can be measured tell nothing. */
const LEAST_DRAWS = 20;

/**
 * 95 % intervals of measures by drawing speakers: each draw takes as many speakers as there are, with replacement; a trial counts as
 * often as its speakers were drawn together (of the same speaker: as often as that one). Trials of one speaker depend on each other,
 * so that an interval over single trials would be far too narrow. The ends are the 2.5 % and 97.5 % points of the draws (Efron's
 * percentiles; for verification see Poh and Bengio 2007, "Estimating the confidence interval of expected performance curve").
 *
 * @param trials sorted
 * @param measures numbers to take of a curve
 * @returns an interval for each of them; null where too few draws had trials of both kinds
 */
export function speakerBootstrap(
  trials: SortedTrials,
  measures: (curve: DetCurve) => readonly number[],
  { speakers, draws = 1000, seed = 1 }: BootstrapOptions,
): (Interval | null)[] {
  const starts = pointsOf(trials);
  const [same, different] = [1, 0].map((kind) => sideOf(trials, { kind, starts, speakers }));
  const count = 1 + speakers.reduce((most, side) => side.reduce((most, speaker) => Math.max(most, speaker), most), 0);
  const lowest = Float32Array.from([...starts.subarray(0, -1)].map((start) => trials.scores[start]).concat(Infinity));
  const found: number[][] = [];
  const random = new Random(seed);
  for (let draw = 0; draw < draws; draw++) {
    const times = new Float64Array(count);
    for (let i = 0; i < count; i++) times[random.below(count)]++;
    const rejected = sumsBelow(same, times, true);
    const below = sumsBelow(different, times, false);
    const [targets, nontargets] = [rejected[rejected.length - 1], below[below.length - 1]];
    if (targets === 0 || nontargets === 0) continue; // one speaker only was drawn
    const falseAcceptance = below.map((sum) => (nontargets - sum) / nontargets);
    const falseRejection = rejected.map((sum) => sum / targets);
    found.push([...measures({ lowest, falseAcceptance, falseRejection, targets, nontargets })]);
  }
  if (found.length < LEAST_DRAWS) return measures(curveOfSorted(trials)).map(() => null);
  return found[0].map((_, i) => percentiles(Float64Array.from(found, (values) => values[i])));
}

/**
 * Places in the order of the scores at which a drawn curve has a point, the end included: of few trials all at which the score changes,
 * of many so many that shares of different speakers are apart by 1/512 of themselves, and shares of the same by 1/4096 of all.
 */
function pointsOf({ scores, isTarget }: SortedTrials): Uint32Array {
  const count = scores.length, targets = isTarget.reduce((sum, x) => sum + x, 0);
  const step = targets / 4096, points = [count];
  let [same, different, nextSame, nextDifferent] = [0, 0, step, 1];
  for (let i = count - 1; i >= 0; i--) {
    if (isTarget[i] === 1) same++;
    else different++;
    if (i > 0 && scores[i] === scores[i - 1]) continue; // trials of equal score are not parted
    if (i > 0 && same < nextSame && different < nextDifferent) continue;
    points.push(i);
    [nextSame, nextDifferent] = [same + step, different + Math.max(1, different / 512)];
  }
  return Uint32Array.from(points.reverse());
}

/** The trials of one kind in the order of their scores. */
interface Side {
  readonly left: Uint32Array;
  readonly right: Uint32Array;
  /** How many of them lie below each point. */
  readonly before: Uint32Array;
}

function sideOf(
  { order, isTarget }: SortedTrials,
  { kind, starts, speakers }: { kind: number; starts: Uint32Array; speakers: BootstrapOptions["speakers"] },
): Side {
  const own = order.filter((_, i) => isTarget[i] === kind);
  const before = new Uint32Array(starts.length);
  for (let point = 0, i = 0, sum = 0; point < starts.length; before[point++] = sum) {
    for (; i < starts[point]; i++) if (isTarget[i] === kind) sum++;
  }
  const [left, right] = speakers.map((side) => own.map((place) => side[place]));
  return { left, right, before };
}

/**
 * The weight of the trials below each point: how often both speakers were drawn; of the same speaker, which is one, how often that one was.
 *
 * @param times how often each speaker was drawn
 */
function sumsBelow({ left, right, before }: Side, times: Float64Array, isSame: boolean): Float64Array {
  const sums = new Float64Array(before.length);
  for (let point = 0, i = 0, sum = 0; point < before.length; sums[point++] = sum) {
    const end = before[point];
    if (isSame) { for (; i < end; i++) sum += times[left[i]]; }
    else for (; i < end; i++) sum += times[left[i]] * times[right[i]];
  }
  return sums;
}

function percentiles(values: Float64Array): Interval {
  values.sort();
  const at = (share: number) =>
    values[Math.min(values.length - 1, Math.max(0, Math.round(share * values.length - 0.5)))];
  return { low: at(0.025), high: at(0.975) };
}
