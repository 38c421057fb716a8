/** Scores of many trials: matrix products where most pairs are wanted. @module */
import { scope, tensor } from "../../tensor/mod.ts";
import { asNorm, type Cohort, type CohortStatistics, statisticsOfTop } from "./cohort.ts";
import { type PldaSpace, projected, scoreTerms } from "./plda_space.ts";
import type { ScoringSettings } from "./scorer.ts";
import type { TrialList } from "./trials.ts";
import { rowOf, type VectorMatrix } from "./vector_matrix.ts";
import { dot, unit } from "./vectors.ts";

/** Rows of a block whose products with all vectors are in memory at once. */
const BLOCK = 512;

/**
 * The score of every trial, in their order.
 *
 * @param embeddings of the recordings that trials name by place
 * @param options how to score
 * @throws {TypeError} Where a mean or a cohort is missing, or has another size.
 */
export async function scoreTrials(
  embeddings: VectorMatrix,
  trials: TrialList,
  { scoring, mean, cohort, plda }: ScoringSettings,
): Promise<Float32Array> {
  if (scoring === "plda") {
    if (plda === undefined) throw new TypeError("Cannot score by PLDA: there is no model of it");
    return await pldaScores(embeddings, trials, plda);
  }
  if (scoring === "cosine-mean" && mean === undefined) {
    throw new TypeError("Cannot score by cosine-mean: there is no mean");
  }
  const vectors = directions(embeddings, scoring === "cosine-mean" ? mean! : null);
  const cosines = await pairProducts(vectors, trials);
  if (scoring !== "s-norm") return cosines;
  if (cohort === undefined) throw new TypeError("Cannot score by s-norm: there is no cohort");
  const statistics = await statisticsOfAll(vectors, cohort);
  const { left, right } = trials;
  return cosines.map((cosine, i) => asNorm(cosine, statistics[left[i]], statistics[right[i]]));
}

/** The mean of embeddings at length 1: what "cosine-mean" subtracts. */
export function meanOf(embeddings: VectorMatrix): number[] {
  const { values, count, dim } = directions(embeddings, null);
  const sum = new Array<number>(dim).fill(0);
  values.forEach((x, i) => sum[i % dim] += x / count);
  return sum;
}

/** All vectors at length 1, less a mean, again at length 1. */
function directions(embeddings: VectorMatrix, mean: readonly number[] | null): VectorMatrix {
  const { count, dim } = embeddings, values = new Float32Array(count * dim);
  if (mean !== null && mean.length !== dim) {
    throw new TypeError(`Cannot subtract a mean of ${mean.length} numbers from embeddings of ${dim}`);
  }
  for (let i = 0; i < count; i++) {
    const vector = unit(rowOf(embeddings, i));
    values.set(mean === null ? vector : unit(vector.map((x, k) => x - mean[k])), i * dim);
  }
  return { values, count, dim };
}

/** A score is a product of both, each dimension weighed, less a square of either: see `scoreTerms`. */
async function pldaScores(embeddings: VectorMatrix, trials: TrialList, space: PldaSpace): Promise<Float32Array> {
  const terms = Array.from(space.psi, (psi) => scoreTerms(psi, 1, 1));
  const { count } = embeddings, dim = terms.length, values = new Float32Array(count * dim);
  const squares = new Float64Array(count), constant = terms.reduce((sum, term) => sum + term.constant, 0);
  for (let i = 0; i < count; i++) {
    projected(unit(rowOf(embeddings, i)), space).vector.forEach((x, k) => {
      values[i * dim + k] = Math.sqrt(terms[k].cross) * x;
      squares[i] += terms[k].square[0] * x * x;
    });
  }
  const products = await pairProducts({ values, count, dim }, trials), { left, right } = trials;
  return products.map((product, i) => constant + product - squares[left[i]] - squares[right[i]]);
}

async function pairProducts(vectors: VectorMatrix, trials: TrialList): Promise<Float32Array> {
  const { left, right } = trials, cosines = new Float32Array(left.length);
  if (left.length * 8 < vectors.count ** 2) { // few of all pairs: no need for the others
    for (let i = 0; i < left.length; i++) cosines[i] = dot(rowOf(vectors, left[i]), rowOf(vectors, right[i]));
    return cosines;
  }
  const order = byLeft(left, vectors.count);
  let at = 0;
  for await (const { first, rows, products } of blocksOf(vectors, vectors)) {
    for (; at < order.length && left[order[at]] < first + rows; at++) {
      const i = order[at];
      cosines[i] = products[(left[i] - first) * vectors.count + right[i]];
    }
  }
  return cosines;
}

/** Places of trials by their left side (a counting sort). */
function byLeft(left: Uint32Array, count: number): Uint32Array {
  const ends = new Uint32Array(count + 1), order = new Uint32Array(left.length);
  for (const place of left) ends[place + 1]++;
  for (let i = 1; i <= count; i++) ends[i] += ends[i - 1];
  for (let i = 0; i < left.length; i++) order[ends[left[i]]++] = i;
  return order;
}

/** How every vector compares with the cohort. */
async function statisticsOfAll(vectors: VectorMatrix, { embeddings, topN }: Cohort): Promise<CohortStatistics[]> {
  if (embeddings.dim !== vectors.dim) {
    throw new TypeError(
      `Cannot normalise scores: the cohort's embeddings have ${embeddings.dim} numbers, wanted ${vectors.dim}`,
    );
  }
  const found: CohortStatistics[] = [];
  for await (const { rows, products } of blocksOf(vectors, embeddings)) {
    const { count } = embeddings;
    for (let i = 0; i < rows; i++) found.push(statisticsOfTop(products.subarray(i * count, (i + 1) * count), topN));
  }
  return found;
}

/** Products of all rows of one matrix with all of another, a block of rows at a time, on the current device. */
async function* blocksOf(a: VectorMatrix, b: VectorMatrix) {
  const { dim } = a, columns = tensor(b.values, { shape: [b.count, dim] });
  try {
    for (let first = 0; first < a.count; first += BLOCK) {
      const rows = Math.min(BLOCK, a.count - first);
      const block = a.values.subarray(first * dim, (first + rows) * dim);
      const product = scope(() => tensor(block, { shape: [rows, dim] }).matmul(columns.transpose(0, 1)));
      try {
        yield { first, rows, products: await product.data() as Float32Array };
      } finally {
        product.dispose();
      }
    }
  } finally {
    columns.dispose();
  }
}
