/** Judges two embeddings as a calibration says. Works in a browser. @module */
import type { Calibration } from "./calibration.ts";
import { asNorm, type CohortStatistics, cohortStatistics } from "./cohort.ts";
import { type LlrCalibration, llrOf } from "./llr.ts";
import { type PldaSpace, projected, scoreProjected } from "./plda_space.ts";
import { dot, meanDirection, meanOfUnits, unit } from "./vectors.ts";

/** An embedding made ready for scoring, so that nothing is computed twice where one is compared with many. */
export interface ScoreSide {
  /** Its direction; for PLDA its place in the space of the model. */
  readonly vector: Float32Array;
  /** How it compares with the cohort; null where there is none. */
  readonly statistics: CohortStatistics | null;
  /** Length of its recordings together; NaN where it is not known. */
  readonly seconds: number;
  /** How many embeddings it is the mean of; counts for PLDA. */
  readonly count: number;
}

/** Scores pairs of embeddings. */
export interface Scorer {
  /** Scores from here on say "the same speaker". */
  readonly threshold: number;
  /** The score of two embeddings: the higher, the likelier the same speaker; a log-likelihood ratio where the threshold follows from a prior. */
  score(a: Float32Array, b: Float32Array): number;
  /** Makes an embedding, of recordings of so many seconds if that is known, ready for {@linkcode Scorer.scoreSides}. */
  side(embedding: Float32Array, seconds?: number): ScoreSide;
  /** Makes embeddings of one person ready, taken together: by PLDA as so many, else as the mean of their directions. */
  sideOfAll(embeddings: readonly Float32Array[], seconds?: number): ScoreSide;
  /** The score of two embeddings that are ready. */
  scoreSides(a: ScoreSide, b: ScoreSide): number;
  /** Natural logarithm of how much likelier the same speaker made both than two did; null where the calibration does not know. */
  llr(a: ScoreSide, b: ScoreSide): number | null;
  /** Whether a score says "the same speaker". */
  isSame(score: number): boolean;
}

/** What scoring needs of a calibration. */
export type ScoringSettings = Pick<Calibration, "scoring" | "mean" | "cohort" | "plda">;

/**
 * The scorer of a calibration.
 *
 * @throws {TypeError} Where the mean or the cohort that its way of scoring needs is missing; and by the scorer for embeddings of another size.
 */
export function makeScorer(
  calibration: ScoringSettings & Pick<Calibration, "threshold"> & Partial<Pick<Calibration, "llr" | "operatingPoint">>,
): Scorer {
  const { threshold, llr: fitted, operatingPoint, plda } = calibration;
  const make = sideMaker(calibration);
  const side = (embedding: Float32Array, seconds = NaN): ScoreSide => ({ ...make(embedding), seconds });
  const plainScore = (a: ScoreSide, b: ScoreSide) => {
    if (a.vector.length !== b.vector.length) throw sizes(b.vector.length, a.vector.length);
    if (plda !== undefined) return scoreProjected(a, b, plda);
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
    sideOfAll: (embeddings, seconds = NaN) =>
      plda === undefined || embeddings.length === 1
        ? side(meanDirection(embeddings), seconds)
        : { ...pldaSide(meanOfUnits(embeddings), plda, embeddings.length), seconds },
    scoreSides,
    llr: (a, b) => fitted === undefined ? null : ratio(fitted, a, b),
    score: (a, b) => scoreSides(side(a), side(b)),
    isSame: (score) => score >= threshold,
  };
}

/** How an embedding is made ready. */
export function sideMaker(
  { scoring, mean, cohort, plda }: ScoringSettings,
): (embedding: Float32Array) => Omit<ScoreSide, "seconds"> {
  if (scoring === "plda") {
    if (plda === undefined) throw new TypeError("Cannot score by PLDA: there is no model of it");
    return (embedding) => pldaSide(unit(embedding), plda, 1);
  }
  if (scoring === "s-norm") {
    if (cohort === undefined) throw new TypeError("Cannot score by s-norm: there is no cohort");
    return (embedding) => {
      if (embedding.length !== cohort.embeddings.dim) throw sizes(embedding.length, cohort.embeddings.dim);
      const vector = unit(embedding);
      return { vector, statistics: cohortStatistics(vector, cohort), count: 1 };
    };
  }
  if (scoring === "cosine") return (embedding) => ({ vector: unit(embedding), statistics: null, count: 1 });
  if (mean === undefined) throw new TypeError("Cannot score by cosine-mean: there is no mean");
  return (embedding) => {
    if (embedding.length !== mean.length) throw sizes(embedding.length, mean.length);
    return { vector: unit(unit(embedding).map((x, i) => x - mean[i])), statistics: null, count: 1 };
  };
}

function pldaSide(embedding: Float32Array, space: PldaSpace, count: number): Omit<ScoreSide, "seconds"> {
  return { vector: Float32Array.from(projected(embedding, space, count).vector), statistics: null, count };
}

function sizes(found: number, wanted: number): TypeError {
  return new TypeError(`Cannot score an embedding of ${found} numbers: wanted ${wanted}, another model made it`);
}
