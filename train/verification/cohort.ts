/** How an embedding compares with people who are not meant: adaptive score normalisation. @module */
import { matrixOf, type VectorMatrix } from "./vector_matrix.ts";
import { unit } from "./vectors.ts";

/** Embeddings of other people, by which scores are measured. */
export interface Cohort {
  /** Their embeddings at length 1. */
  readonly embeddings: VectorMatrix;
  /** How many of them, the most similar ones, an embedding is compared with. */
  readonly topN: number;
}

/** Mean and standard deviation of an embedding's most similar cosines with a cohort. */
export interface CohortStatistics {
  /** Of cosines. */
  readonly mean: number;
  /** Above 0. */
  readonly deviation: number;
}

/** Deviations below this are taken for it: the cohort then tells nothing apart, and a division must not blow the score up. */
const LEAST_DEVIATION = 1e-4;

/**
 * A cohort of embeddings.
 *
 * @param options `topN`: default 300, at most as many as there are
 * @throws {RangeError} Where there are fewer than two, for there is no deviation of one, or for a `topN` below 2.
 */
export function makeCohort(embeddings: readonly Float32Array[], { topN = 300 }: { topN?: number } = {}): Cohort {
  if (embeddings.length < 2) {
    throw new RangeError(`Cannot normalise scores: the cohort has ${embeddings.length} embeddings, wanted at least 2`);
  }
  if (!Number.isInteger(topN) || topN < 2) {
    throw new RangeError(`Cannot normalise scores: topN is ${topN}, wanted a whole number from 2 on`);
  }
  return { embeddings: matrixOf(embeddings.map(unit)), topN: Math.min(topN, embeddings.length) };
}

/** Statistics of one embedding at length 1. */
export function cohortStatistics(vector: Float32Array, { embeddings, topN }: Cohort): CohortStatistics {
  const { values, count, dim } = embeddings;
  const cosines = new Float32Array(count);
  for (let i = 0, at = 0; i < count; i++) {
    let sum = 0;
    for (let k = 0; k < dim; k++) sum += values[at++] * vector[k];
    cosines[i] = sum;
  }
  return statisticsOfTop(cosines, topN);
}

/** Statistics of the highest of some cosines, which are sorted in place. */
export function statisticsOfTop(cosines: Float32Array, topN: number): CohortStatistics {
  const top = cosines.sort().subarray(cosines.length - topN);
  let sum = 0, squares = 0;
  for (const x of top) sum += x;
  const mean = sum / top.length;
  for (const x of top) squares += (x - mean) ** 2;
  return { mean, deviation: Math.max(LEAST_DEVIATION, Math.sqrt(squares / top.length)) };
}

/**
 * Adaptive symmetric normalisation of a score: the mean of how many deviations it lies above either side's most similar strangers
 * (Matějka et al. 2017, "Analysis of Score Normalization in Multilingual Speaker Recognition").
 *
 * @param score of two embeddings
 * @param a statistics of the one
 * @param b statistics of the other
 *
 * @example
 * ```ts
 * import { asNorm } from "./cohort.ts";
 *
 * asNorm(0.6, { mean: 0.2, deviation: 0.1 }, { mean: 0.1, deviation: 0.1 }); // 4.5
 * ```
 */
export function asNorm(score: number, a: CohortStatistics, b: CohortStatistics): number {
  return ((score - a.mean) / a.deviation + (score - b.mean) / b.deviation) / 2;
}
