/** Logistic regression with a prior, as calibration of scores needs it. @module */
import { softplus } from "./cllr.ts";

/** Options of {@linkcode logisticFit}. */
export interface LogisticFitOptions {
  /** 1 for each row that is of the kind to be told, else 0. */
  readonly labels: Uint8Array;
  /** Share of that kind for which the fit shall be best, whatever their numbers are. Default 0.5. */
  readonly prior?: number;
}

/** Keeps the weights finite where a threshold divides the kinds without an error. */
const RIDGE = 1e-5;
const STEPS = 50;

/**
 * Weights w so that w₀ + Σ wᵢ·xᵢ is a log-likelihood ratio: the least π · mean over label 1 of log(1 + e^−(ℓ + τ)) + (1 − π) · mean over label 0 of
 * log(1 + e^(ℓ + τ)), with τ = log(π / (1 − π)) and the prior π (Brümmer and du Preez 2006, "Application-independent evaluation of speaker detection"),
 * by Newton's method in float64. Features are scaled to variance 1 for it; 1e-5 / 2 · Σ wᵢ² of these is added, so that a fit of kinds that do not
 * overlap ends.
 *
 * @param features as many numbers each as there are rows
 * @returns w₀ and a weight for each feature
 * @throws {RangeError} Where a kind is missing, a prior is not between 0 and 1, or a feature has no spread.
 */
export function logisticFit(
  features: readonly ArrayLike<number>[],
  { labels, prior = 0.5 }: LogisticFitOptions,
): Float64Array {
  const targets = labels.reduce((sum, label) => sum + label, 0), others = labels.length - targets;
  if (targets === 0 || others === 0) throw new RangeError("Cannot fit scores: trials of one kind are missing");
  if (!(prior > 0 && prior < 1)) throw new RangeError(`Cannot fit scores for the prior ${prior}: wanted 0 to 1`);
  const scaled = features.map(standardised);
  const problem: Problem = {
    columns: scaled.map(({ values }) => values),
    labels,
    offset: Math.log(prior / (1 - prior)),
    share: [(1 - prior) / others, prior / targets],
  };
  const weights = minimised(problem);
  const slopes = scaled.map(({ deviation }, i) => weights[i + 1] / deviation);
  const bias = scaled.reduce((sum, { mean }, i) => sum - slopes[i] * mean, weights[0]);
  return Float64Array.of(bias, ...slopes);
}

function standardised(x: ArrayLike<number>) {
  const n = x.length;
  let mean = 0, variance = 0;
  for (let i = 0; i < n; i++) mean += x[i] / n;
  for (let i = 0; i < n; i++) variance += (x[i] - mean) ** 2 / n;
  const deviation = Math.sqrt(variance);
  if (!(deviation > 0)) throw new RangeError("Cannot fit scores: all of them are the same");
  return { values: Float64Array.from(x, (value) => (value - mean) / deviation), mean, deviation };
}

interface Problem {
  readonly columns: readonly Float64Array[];
  readonly labels: Uint8Array;
  readonly offset: number;
  /** Weight of a row by its label. */
  readonly share: readonly [number, number];
}

function minimised(problem: Problem): Float64Array {
  let weights = new Float64Array(problem.columns.length + 1), cost = costOf(problem, weights);
  for (let step = 0; step < STEPS; step++) {
    const direction = newtonStep(problem, weights);
    let size = 1, next = weights, nextCost = Infinity;
    for (; size > 1e-8 && !(nextCost < cost); size /= 2) {
      next = weights.map((w, i) => w - size * direction[i]);
      nextCost = costOf(problem, next);
    }
    if (!(nextCost < cost)) break;
    const gain = cost - nextCost;
    [weights, cost] = [next, nextCost];
    if (gain < 1e-14) break;
  }
  return weights;
}

function valueAt({ columns, offset }: Problem, weights: Float64Array, row: number): number {
  let value = weights[0] + offset;
  for (let i = 0; i < columns.length; i++) value += weights[i + 1] * columns[i][row];
  return value;
}

function costOf(problem: Problem, weights: Float64Array): number {
  const { labels, share } = problem;
  let cost = 0;
  for (let row = 0; row < labels.length; row++) {
    const value = valueAt(problem, weights, row), label = labels[row];
    cost += share[label] * softplus(label === 1 ? -value : value);
  }
  return weights.reduce((sum, w, i) => sum + (i === 0 ? 0 : RIDGE / 2 * w * w), cost);
}

/** H⁻¹g of the cost. */
function newtonStep(problem: Problem, weights: Float64Array): Float64Array {
  const { columns, labels, share } = problem, size = weights.length;
  const gradient = weights.map((w, i) => i === 0 ? 0 : RIDGE * w);
  const hessian = Array.from({ length: size }, () => new Float64Array(size));
  for (let i = 0; i < size; i++) hessian[i][i] = i === 0 ? 1e-12 : RIDGE;
  const x = new Float64Array(size).fill(1);
  for (let row = 0; row < labels.length; row++) {
    for (let i = 1; i < size; i++) x[i] = columns[i - 1][row];
    const p = 1 / (1 + Math.exp(-valueAt(problem, weights, row))), weight = share[labels[row]];
    for (let i = 0; i < size; i++) {
      gradient[i] += weight * (p - labels[row]) * x[i];
      for (let j = 0; j <= i; j++) hessian[i][j] += weight * p * (1 - p) * x[i] * x[j];
    }
  }
  return solved(hessian, gradient);
}

/** A⁻¹b of a positive definite A given by its lower triangle, by Cholesky. */
function solved(a: readonly Float64Array[], b: Float64Array): Float64Array {
  const n = b.length, x = b.slice();
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i][j];
      for (let k = 0; k < j; k++) sum -= a[i][k] * a[j][k];
      a[i][j] = i === j ? Math.sqrt(sum) : sum / a[j][j];
    }
  }
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i] -= a[i][k] * x[k];
    x[i] /= a[i][i];
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i] -= a[k][i] * x[k];
    x[i] /= a[i][i];
  }
  return x;
}
