/** Judges two embeddings as a calibration says. Works in a browser. @module */
import type { Calibration } from "./calibration.ts";
import { asNorm, type CohortStatistics, cohortStatistics } from "./cohort.ts";
import { type LlrCalibration, llrOf } from "./llr.ts";
import { dot, unit } from "./vectors.ts";

/** An embedding made ready for scoring, so that nothing is computed twice where one is compared with many. */
export interface ScoreSide {
  /** Its direction. */
  readonly vector: Float32Array;
  /** How it compares with the cohort; null where there is none. */
  readonly statistics: CohortStatistics | null;
  /** Length of its recordings together; NaN where it is not known. */
  readonly seconds: number;
}

/** Scores pairs of embeddings. */
export interface Scorer {
  /** Scores from here on say "the same speaker". */
  readonly threshold: number;
  /** The score of two embeddings: the higher, the likelier the same speaker; a log-likelihood ratio where the threshold follows from a prior. */
  score(a: Float32Array, b: Float32Array): number;
  /** Makes an embedding, of recordings of so many seconds if that is known, ready for {@linkcode Scorer.scoreSides}. */
  side(embedding: Float32Array, seconds?: number): ScoreSide;
  /** The score of two embeddings that are ready. */
  scoreSides(a: ScoreSide, b: ScoreSide): number;
  /** Natural logarithm of how much likelier the same speaker made both than two did; null where the calibration does not know. */
  llr(a: ScoreSide, b: ScoreSide): number | null;
  /** Whether a score says "the same speaker". */
  isSame(score: number): boolean;
}

/** What scoring needs of a calibration. */
export type ScoringSettings = Pick<Calibration, "scoring" | "mean" | "cohort">;

/**
 * The scorer of a calibration.
 *
 * @throws {TypeError} Where the mean or the cohort that its way of scoring needs is missing; and by the scorer for embeddings of another size.
 */
export function makeScorer(
  calibration: ScoringSettings & Pick<Calibration, "threshold"> & Partial<Pick<Calibration, "llr" | "operatingPoint">>,
): Scorer {
  const { threshold, llr: fitted, operatingPoint } = calibration;
  const make = sideMaker(calibration);
  const side = (embedding: Float32Array, seconds = NaN): ScoreSide => ({ ...make(embedding), seconds });
  const plainScore = (a: ScoreSide, b: ScoreSide) => {
    if (a.vector.length !== b.vector.length) throw sizes(b.vector.length, a.vector.length);
    const cosine = dot(a.vector, b.vector);
    return a.statistics === null || b.statistics === null ? cosine : asNorm(cosine, a.statistics, b.statistics);
  };
  const ratio = (llr: LlrCalibration, a: ScoreSide, b: ScoreSide) =>
    llrOf(llr, plainScore(a, b), [a.seconds, b.seconds]);
  const isRatio = fitted !== undefined && operatingPoint?.criterion === "prior";
  const scoreSides = (a: ScoreSide, b: ScoreSide) => isRatio ? ratio(fitted, a, b) : plainScore(a, b);
  return {
    threshold,
    side,
    scoreSides,
    llr: (a, b) => fitted === undefined ? null : ratio(fitted, a, b),
    score: (a, b) => scoreSides(side(a), side(b)),
    isSame: (score) => score >= threshold,
  };
}

/** How an embedding is made ready. */
export function sideMaker(
  { scoring, mean, cohort }: ScoringSettings,
): (embedding: Float32Array) => Omit<ScoreSide, "seconds"> {
  if (scoring === "s-norm") {
    if (cohort === undefined) throw new TypeError("Cannot score by s-norm: there is no cohort");
    return (embedding) => {
      if (embedding.length !== cohort.embeddings.dim) throw sizes(embedding.length, cohort.embeddings.dim);
      const vector = unit(embedding);
      return { vector, statistics: cohortStatistics(vector, cohort) };
    };
  }
  if (scoring === "cosine") return (embedding) => ({ vector: unit(embedding), statistics: null });
  if (mean === undefined) throw new TypeError("Cannot score by cosine-mean: there is no mean");
  return (embedding) => {
    if (embedding.length !== mean.length) throw sizes(embedding.length, mean.length);
    return { vector: unit(unit(embedding).map((x, i) => x - mean[i])), statistics: null };
  };
}

function sizes(found: number, wanted: number): TypeError {
  return new TypeError(`Cannot score an embedding of ${found} numbers: wanted ${wanted}, another model made it`);
}
