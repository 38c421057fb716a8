/**
 * Probabilistic linear discriminant analysis with two covariances: an embedding is mean + speaker + session, where speaker ~ N(0, B) and
 * session ~ N(0, W), both of all dimensions (Ioffe 2006; the estimation is Kaldi's `ivector-compute-plda` and WeSpeaker's `TwoCovPLDA`). In float64.
 * @module
 */
import { numbered } from "./trial_speakers.ts";
import { diagonalise, sandwich } from "./matrices.ts";
import { type LengthNorm, pldaSpace, projected, scoreProjected } from "./plda_space.ts";

/** Vectors of one size, one after the other. */
export interface Rows {
  /** `count` × `dim` numbers. */
  readonly values: Float32Array | Float64Array;
  /** How many there are. */
  readonly count: number;
  /** Numbers each. */
  readonly dim: number;
}

/** How speakers and sessions differ. Matrices are `dim` × `dim`, row by row. */
export interface Plda {
  /** Numbers an embedding. */
  readonly dim: number;
  /** Mean of the speakers' means. */
  readonly mean: Float64Array;
  /** B: how speakers differ. */
  readonly between: Float64Array;
  /** W: how recordings of one speaker differ. */
  readonly within: Float64Array;
}

/** Options of {@linkcode pldaTrain}. */
export interface PldaTrainOptions {
  /** Speaker of each row. */
  readonly labels: ArrayLike<number> | readonly string[];
  /** Steps of expectation and maximisation, starting from identity matrices. Default 10. */
  readonly iterations?: number;
}

/** Sums over the recordings of each speaker. */
interface SpeakerSums {
  /** Rows of each speaker. */
  readonly counts: Uint32Array;
  /** Mean of each speaker's rows, less the mean of all these means; `counts.length` × `dim`. */
  readonly means: Float64Array;
  /** Mean of the speakers' means. */
  readonly mean: Float64Array;
  /** Σ (row − its speaker's mean)(…)ᵀ, `dim` × `dim`. */
  readonly scatter: Float64Array;
}

/**
 * Estimates a PLDA by expectation and maximisation. Each speaker weighs as much as another in the mean and in B; W is divided by the number of rows.
 * Identity matrices, where it starts, suit vectors with variances around 1.
 *
 * @param x embeddings, a row each
 * @throws {TypeError} Where there are not as many labels as rows.
 * @throws {RangeError} For fewer than two speakers, or rows that hold what is no number.
 */
export async function pldaTrain(x: Rows, { labels, iterations = 10 }: PldaTrainOptions): Promise<Plda> {
  const { dim } = x, sums = speakerSums(x, labels);
  let plda: Plda = { dim, mean: sums.mean, between: identity(dim), within: identity(dim) };
  for (let i = 0; i < iterations; i++) plda = await improved(plda, sums, x.count);
  return plda;
}

/** Eigenvalues of W⁻¹B, descending: how much more speakers differ than sessions, in each direction. */
export async function pldaPsi({ between, within, dim }: Pick<Plda, "between" | "within" | "dim">): Promise<
  Float64Array
> {
  return (await diagonalise({ within, between }, dim)).psi;
}

/** Options of {@linkcode pldaScore}. */
export interface PldaScoreOptions {
  /** Enrolled people, a row each: the mean of their embeddings. */
  readonly enrol: Rows;
  /** Embeddings to be compared with them. */
  readonly test: Rows;
  /** How many embeddings each row of `enrol` is the mean of. Default 1. */
  readonly counts?: ArrayLike<number>;
  /** Default "kaldi". */
  readonly lengthNorm?: LengthNorm;
}

/**
 * Log-likelihood ratios, `enrol.count` × `test.count`: log p(both | same speaker) − log p(enrolment) − log p(test), natural logarithms.
 *
 * @throws {TypeError} Where sizes differ.
 */
export async function pldaScore(plda: Plda, options: PldaScoreOptions): Promise<Float64Array> {
  const { enrol, test, counts, lengthNorm = "kaldi" } = options;
  const space = await pldaSpace(plda, { lengthNorm });
  const side = (rows: Rows, counts?: ArrayLike<number>) =>
    Array.from({ length: rows.count }, (_, i) => {
      return projected(rows.values.subarray(i * rows.dim, (i + 1) * rows.dim), space, counts?.[i] ?? 1);
    });
  const [people, tests] = [side(enrol, counts), side(test)];
  return Float64Array.from(people.flatMap((one) => tests.map((other) => scoreProjected(one, other, space))));
}

/** Counts, means and scatter of speakers. */
function speakerSums({ values, count, dim }: Rows, labels: PldaTrainOptions["labels"]): SpeakerSums {
  if (labels.length !== count) {
    throw new TypeError(`Cannot train PLDA: there are ${count} embeddings and ${labels.length} labels`);
  }
  const speakers = numbered(Array.from(labels, String));
  const people = speakers.reduce((most, speaker) => Math.max(most, speaker + 1), 0);
  if (people < 2) throw new RangeError(`Cannot train PLDA: there are ${people} speakers, wanted at least 2`);
  const counts = new Uint32Array(people), means = new Float64Array(people * dim), mean = new Float64Array(dim);
  speakers.forEach((speaker, i) => {
    counts[speaker]++;
    for (let k = 0; k < dim; k++) means[speaker * dim + k] += values[i * dim + k];
  });
  means.forEach((sum, at) => mean[at % dim] += (means[at] = sum / counts[Math.floor(at / dim)]) / people);
  const scatter = new Float64Array(dim * dim), offset = new Float64Array(dim);
  speakers.forEach((speaker, i) => {
    for (let k = 0; k < dim; k++) offset[k] = values[i * dim + k] - means[speaker * dim + k];
    addOuter(scatter, offset, 1);
  });
  means.forEach((x, at) => means[at] = x - mean[at % dim]);
  return { counts, means, mean, scatter: mirrored(scatter, dim) };
}

/**
 * One step. In coordinates where W is the identity and B is diagonal, what is expected of a speaker with n rows whose mean is m has the
 * variance psi/(1 + n·psi) and the mean n·psi/(1 + n·psi)·m, each dimension by itself.
 */
async function improved(
  { dim, mean, between, within }: Plda,
  { counts, means, scatter }: SpeakerSums,
  rows: number,
): Promise<Plda> {
  const { transform, inverse, psi } = await diagonalise({ within, between }, dim);
  const [speakers, sessions] = [new Float64Array(dim * dim), new Float64Array(dim * dim)];
  const [expected, rest] = [new Float64Array(dim), new Float64Array(dim)];
  counts.forEach((n, speaker) => {
    const own = times(transform, means.subarray(speaker * dim, (speaker + 1) * dim));
    for (let k = 0; k < dim; k++) {
      const variance = psi[k] / (1 + n * psi[k]);
      expected[k] = n * variance * own[k];
      rest[k] = own[k] - expected[k];
      speakers[k * dim + k] += variance;
      sessions[k * dim + k] += n * variance;
    }
    addOuter(speakers, expected, 1);
    addOuter(sessions, rest, n);
  });
  const back = (sums: Float64Array) => sandwich(inverse, mirrored(sums, dim), { rows: dim, dim });
  const [b, w] = [await back(speakers), await back(sessions)];
  return {
    dim,
    mean,
    between: b.map((x) => x / counts.length),
    within: w.map((x, at) => (x + scatter[at]) / rows),
  };
}

/** Adds weight · v vᵀ to the lower triangle. */
function addOuter(sums: Float64Array, v: Float64Array, weight: number): void {
  for (let i = 0, dim = v.length; i < dim; i++) {
    const x = weight * v[i];
    for (let j = 0, at = i * dim; j <= i; j++) sums[at + j] += x * v[j];
  }
}

/** The upper triangle from the lower one. */
function mirrored(sums: Float64Array, dim: number): Float64Array {
  for (let i = 0; i < dim; i++) for (let j = i + 1; j < dim; j++) sums[i * dim + j] = sums[j * dim + i];
  return sums;
}

function times(matrix: Float64Array, v: Float64Array): Float64Array {
  const dim = v.length;
  return Float64Array.from(v, (_, i) => {
    let sum = 0;
    for (let k = 0; k < dim; k++) sum += matrix[i * dim + k] * v[k];
    return sum;
  });
}

function identity(dim: number): Float64Array {
  return Float64Array.from({ length: dim * dim }, (_, at) => at % (dim + 1) === 0 ? 1 : 0);
}
