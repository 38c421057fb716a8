/**
 * Scores by PLDA, in coordinates where its within-speaker covariance is the identity and its between-speaker covariance diagonal, so that a
 * score is a sum over dimensions. Works in a browser.
 * @module
 */
import type { Plda } from "./plda.ts";

/** Names of {@linkcode LengthNorm}. */
export const lengthNorms: readonly LengthNorm[] = ["none", "simple", "kaldi"];

/**
 * How vectors are scaled before they are compared, so that loud and quiet ones count alike: to the length √(dimensions), "simple" in the metric of
 * W⁻¹, "kaldi" in that of (B + W/n)⁻¹ for the mean of n embeddings; or not at all.
 */
export type LengthNorm = "none" | "simple" | "kaldi";

/** A PLDA ready for scoring. */
export interface PldaSpace {
  /** Numbers an embedding. */
  readonly inputDim: number;
  /** What is subtracted from embeddings first. */
  readonly mean: Float64Array | Float32Array;
  /** Then they are multiplied by this, `psi.length` × `inputDim`. */
  readonly transform: Float64Array | Float32Array;
  /** Variances of speakers, where those of sessions are 1; descending. */
  readonly psi: Float64Array | Float32Array;
  /** How vectors are scaled. */
  readonly lengthNorm: LengthNorm;
}

/** A vector in such a space. */
export interface Projected {
  readonly vector: Float64Array | Float32Array;
  /** How many embeddings it is the mean of. */
  readonly count: number;
}

/** The space of a PLDA. */
export async function pldaSpace(
  { dim, mean, between, within }: Plda,
  { lengthNorm }: { readonly lengthNorm: LengthNorm },
): Promise<PldaSpace> {
  const { diagonalise } = await import("./matrices.ts");
  const { transform, psi } = await diagonalise({ within, between }, dim);
  return { inputDim: dim, mean, transform, psi, lengthNorm };
}

/**
 * An embedding, or the mean of some, in the space.
 *
 * @param count how many it is the mean of; its session's covariance is W/count
 * @throws {TypeError} Where it has another size.
 */
export function projected(embedding: ArrayLike<number>, space: PldaSpace, count = 1): Projected {
  const { inputDim, mean, transform, psi, lengthNorm } = space;
  if (embedding.length !== inputDim) {
    throw new TypeError(
      `Cannot score an embedding of ${embedding.length} numbers: wanted ${inputDim}, another model made it`,
    );
  }
  const vector = new Float64Array(psi.length);
  for (let i = 0, at = 0; i < vector.length; i++) {
    for (let k = 0; k < inputDim; k++) vector[i] += transform[at++] * (embedding[k] - mean[k]);
  }
  const length = lengthNorm === "none" ? 0 : lengthOf(vector, lengthNorm === "simple" ? null : psi, count);
  if (length > 0) { for (let i = 0; i < vector.length; i++) vector[i] *= Math.sqrt(vector.length) / length; }
  return { vector, count };
}

/** The length of a vector in units of what a mean of so many embeddings may be expected to have; without variances, in plain ones. */
function lengthOf(vector: Float64Array, psi: ArrayLike<number> | null, count: number): number {
  return Math.sqrt(vector.reduce((sum, x, i) => sum + x * x / (psi === null ? 1 : psi[i] + 1 / count), 0));
}

/**
 * log p(a, b | same speaker) − log p(a) − log p(b). Both sides may be means of several embeddings, whose sessions vary the less.
 */
export function scoreProjected(a: Projected, b: Projected, { psi }: PldaSpace): number {
  let score = 0;
  for (let i = 0; i < psi.length; i++) {
    const { square, cross, constant } = scoreTerms(psi[i], a.count, b.count);
    const [x, y] = [a.vector[i], b.vector[i]];
    score += constant + cross * x * y - square[0] * x * x - square[1] * y * y;
  }
  return score;
}

/**
 * The score in one dimension is constant + cross·x·y − square₀·x² − square₁·y²: of two normal variables with the variances v = psi + 1/n and
 * w = psi + 1/m, which have the covariance psi where the speaker is the same, and none where not.
 */
export function scoreTerms(psi: number, n: number, m: number) {
  const [v, w] = [psi + 1 / n, psi + 1 / m];
  const determinant = psi / n + psi / m + 1 / (n * m); // vw − psi², where nothing cancels
  return {
    square: [psi * psi / (2 * v * determinant), psi * psi / (2 * w * determinant)] as const,
    cross: psi / determinant,
    constant: Math.log(v * w / determinant) / 2,
  };
}
