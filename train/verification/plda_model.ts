/** From embeddings of known speakers to a PLDA that scores: as many numbers as there are speakers for, then the estimation. @module */
import { diagonalise } from "./matrices.ts";
import { pldaTrain, type Rows } from "./plda.ts";
import { type PldaSpace, pldaSpace } from "./plda_space.ts";
import { numbered } from "./trial_speakers.ts";
import { rowOf, type VectorMatrix } from "./vector_matrix.ts";
import { unit } from "./vectors.ts";

/** Share of the covariance between speakers in what a reduction takes for the one within, so that no direction looks quieter than it can be. */
const SMOOTHING = 0.1;
/** Share of the mean variance that is added to each direction: few recordings leave some without any. */
const FLOOR = 1e-3;

/** Options of {@linkcode trainPldaSpace}. */
export interface PldaModelOptions {
  /** Speaker of each embedding. */
  readonly labels: readonly string[];
  /** Numbers that embeddings are reduced to by linear discriminant analysis before the estimation; default: all are kept. */
  readonly dim?: number;
}

/**
 * Trains a PLDA on embeddings, which are brought to length 1 first.
 *
 * @throws {RangeError} For one speaker, one embedding for each of them, no more speakers than numbers, or a `dim` that is none.
 */
export async function trainPldaSpace(
  embeddings: VectorMatrix,
  { labels, dim = embeddings.dim }: PldaModelOptions,
): Promise<PldaSpace> {
  check(embeddings, { labels, dim });
  const full = embeddings.dim, scale = Math.sqrt(full); // variances around 1, from where the estimation starts
  const values = new Float64Array(embeddings.count * full);
  for (let i = 0; i < embeddings.count; i++) {
    unit(rowOf(embeddings, i)).forEach((x, k) => values[i * full + k] = scale * x);
  }
  const rows = { values, count: embeddings.count, dim: full };
  const reduction = dim === full ? null : await discriminants(rows, { labels, dim });
  const plda = await pldaTrain(reduction === null ? rows : reduced(rows, reduction.transform), { labels });
  const space = await pldaSpace(plda, { lengthNorm: "kaldi" });
  if (reduction === null) return scaled(space, { mean: plda.mean, scale });
  const transform = product(space.transform, reduction.transform, { inner: dim, columns: full });
  return scaled({ ...space, inputDim: full, transform }, { mean: reduction.mean, scale });
}

/** The same for vectors of length 1. */
function scaled(space: PldaSpace, { mean, scale }: { mean: Float64Array; scale: number }): PldaSpace {
  return {
    ...space,
    mean: Float32Array.from(mean, (x) => x / scale),
    transform: Float32Array.from(space.transform, (x) => x * scale),
    psi: Float32Array.from(space.psi),
  };
}

function check({ count, dim: full }: VectorMatrix, { labels, dim }: { labels: readonly string[]; dim: number }): void {
  const refuse = (fact: string) => new RangeError(`Cannot train PLDA: ${fact}`);
  const speakers = new Set(labels).size;
  if (speakers < 2) throw refuse(`there ${speakers === 1 ? "is 1 speaker" : "are no speakers"}, wanted at least 2`);
  if (!Number.isInteger(dim) || dim < 1 || dim > full) {
    throw refuse(`--plda-dim is ${dim}, wanted 1 to ${full}, the numbers of an embedding`);
  }
  if (count === speakers) {
    throw refuse(
      `each of ${speakers} speakers has one embedding, so that nothing tells how recordings of one speaker differ; ` +
        "give more recordings, or cut them into shorter windows with --plda-window SECONDS",
    );
  }
  if (speakers <= dim) {
    throw refuse(
      `there are ${speakers} speakers for the ${dim} numbers of an embedding, wanted more speakers than numbers; ` +
        `reduce them with --plda-dim N, at most ${speakers - 1}`,
    );
  }
}

/**
 * Directions in which speakers differ most against recordings of one speaker: Fisher's linear discriminant analysis, the covariance within
 * speakers smoothed by a share of all (as Kaldi's `ivector-compute-lda`).
 */
async function discriminants(rows: Rows, { labels, dim }: { labels: readonly string[]; dim: number }) {
  const { values, count, dim: full } = rows, speakers = numbered(labels);
  const people = Math.max(...speakers) + 1;
  const counts = new Float64Array(people), means = new Float64Array(people * full), mean = new Float64Array(full);
  for (let i = 0; i < count; i++) {
    counts[speakers[i]]++;
    for (let k = 0; k < full; k++) means[speakers[i] * full + k] += values[i * full + k];
  }
  means.forEach((sum, at) => mean[at % full] += (means[at] = sum / counts[Math.floor(at / full)]) / people);
  const within = new Float64Array(full * full), between = new Float64Array(full * full);
  const offset = new Float64Array(full);
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < full; k++) offset[k] = values[i * full + k] - means[speakers[i] * full + k];
    addSquare(within, offset, 1 / count);
  }
  for (let s = 0; s < people; s++) {
    for (let k = 0; k < full; k++) offset[k] = means[s * full + k] - mean[k];
    addSquare(between, offset, 1 / people);
  }
  let trace = 0;
  for (let at = 0; at < within.length; at += full + 1) trace += within[at] + between[at];
  const smooth = within.map((x, at) =>
    x + SMOOTHING * between[at] + (at % (full + 1) === 0 ? FLOOR * trace / full : 0)
  );
  const { transform } = await diagonalise({ within: smooth, between }, full);
  return { mean, transform: transform.slice(0, dim * full) };
}

function addSquare(sums: Float64Array, v: Float64Array, weight: number): void {
  for (let i = 0, at = 0; i < v.length; i++) {
    const x = weight * v[i];
    for (let j = 0; j < v.length; j++) sums[at++] += x * v[j];
  }
}

function reduced({ values, count, dim: full }: Rows, transform: Float64Array): Rows {
  const dim = transform.length / full, out = new Float64Array(count * dim);
  for (let i = 0; i < count; i++) {
    for (let r = 0; r < dim; r++) {
      let sum = 0;
      for (let k = 0; k < full; k++) sum += transform[r * full + k] * values[i * full + k];
      out[i * dim + r] = sum;
    }
  }
  return { values: out, count, dim };
}

function product(
  a: ArrayLike<number>,
  b: Float64Array,
  { inner, columns }: { readonly inner: number; readonly columns: number },
): Float64Array {
  const out = new Float64Array(a.length / inner * columns);
  for (let at = 0; at < a.length; at++) {
    const row = Math.floor(at / inner) * columns, other = at % inner * columns;
    for (let k = 0; k < columns; k++) out[row + k] += a[at] * b[other + k];
  }
  return out;
}
