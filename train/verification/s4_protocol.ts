/**
 * How S4 measures a verifier, kept under its own name so that its numbers can be compared: every recording with every later one and with
 * itself, at most 99 trials of different speakers for one of the same, thresholds 0, 0.01, … 0.99 (a score has to be above), a detection cost
 * that is not normalised. Trials of a recording with itself make the errors look smaller than they are.
 * @module
 */
import { Random } from "../../data/random.ts";
import { chosenTrials, countTrials, type TrialList } from "./trials.ts";

/** Trials of different speakers for one of the same. */
const RATIO = 99;

/** What is measured at one threshold; shares are 0 to 1, and 0 where there is nothing to take a share of. */
export interface S4Row {
  /** Scores above it are accepted. */
  readonly threshold: number;
  /** Share of different speakers accepted. */
  readonly far: number;
  /** Share of same speakers rejected. */
  readonly frr: number;
  /** FAR · share of different speakers among the trials + FRR · share of same ones. */
  readonly dcf: number;
  /** Share of the accepted that are the same speaker. */
  readonly precision: number;
  /** Share of same speakers accepted. */
  readonly recall: number;
  /** Harmonic mean of both. */
  readonly f1: number;
}

/** S4's three results, each with its threshold. */
export interface S4Results {
  /** (FAR + FRR) / 2 where they come nearest to each other. */
  readonly eer: { readonly value: number; readonly threshold: number };
  /** Least detection cost. */
  readonly minDcf: { readonly value: number; readonly threshold: number };
  /** Highest F1. */
  readonly maxF1: { readonly value: number; readonly threshold: number };
}

/** At most 99 trials of different speakers for one of the same, drawn without replacement; the order stays. */
export function s4Sample(trials: TrialList, seed: number): TrialList {
  const { target, nontarget } = countTrials(trials), wanted = RATIO * target;
  if (nontarget <= wanted) return trials;
  const random = new Random(seed), kept = new Uint32Array(target + wanted);
  let count = 0, left = nontarget, missing = wanted;
  for (let i = 0; i < trials.isTarget.length; i++) { // selection sampling: each is as likely, none comes twice
    if (trials.isTarget[i] === 1) kept[count++] = i;
    else if (random.uniform() * left-- < missing) {
      kept[count++] = i;
      missing--;
    }
  }
  return chosenTrials(trials, kept.subarray(0, count));
}

/** What S4 measures at its hundred thresholds. */
export function s4Sweep(scores: Float32Array, isTarget: Uint8Array): S4Row[] {
  const grid = Array.from({ length: 100 }, (_, i) => i / 100);
  const accepted = [new Uint32Array(101), new Uint32Array(101)]; // by kind and number of thresholds below the score
  scores.forEach((score, i) => accepted[isTarget[i]][thresholdsBelow(score, grid)]++);
  const above = accepted.map((counts) => {
    let sum = 0;
    return counts.toReversed().map((n) => sum += n).reverse().subarray(1); // a score above k thresholds is above the first k
  });
  const [nontargets, targets] = accepted.map((counts) => counts.reduce((sum, n) => sum + n, 0));
  return grid.map((threshold, k) => {
    const [alarms, hits] = [above[0][k], above[1][k]];
    const [far, recall] = [share(alarms, nontargets), share(hits, targets)];
    const frr = share(targets - hits, targets);
    const dcf = share(alarms + targets - hits, targets + nontargets);
    return {
      threshold,
      far,
      frr,
      dcf,
      precision: share(hits, hits + alarms),
      recall,
      f1: share(2 * hits, targets + hits + alarms),
    };
  });
}

function thresholdsBelow(score: number, grid: readonly number[]): number {
  let count = Math.min(100, Math.max(0, Math.ceil(score * 100)));
  while (count > 0 && grid[count - 1] >= score) count--; // 0.29 · 100 is above 29
  while (count < 100 && grid[count] < score) count++;
  return count;
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/** The best rows; of equal ones the first. */
export function s4Results(rows: readonly S4Row[]): S4Results {
  const least = (measure: (row: S4Row) => number) =>
    rows.reduce((best, row) => measure(row) < measure(best) ? row : best);
  const [eer, dcf, f1] = [
    least(({ far, frr }) => Math.abs(far - frr)),
    least(({ dcf }) => dcf),
    least(({ f1 }) => -f1),
  ];
  return {
    eer: { value: (eer.far + eer.frr) / 2, threshold: eer.threshold },
    minDcf: { value: dcf.dcf, threshold: dcf.threshold },
    maxF1: { value: f1.f1, threshold: f1.threshold },
  };
}
