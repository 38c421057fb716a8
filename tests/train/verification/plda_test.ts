/** PLDA beyond the goldens: matrices of odd sizes and near singularity, scores from their definition, and what is refused. @module */
import { ok, rejects, strictEqual } from "node:assert/strict";
import { Random } from "../../../data/random.ts";
import { diagonalise, sandwich, symmetricEigen } from "../../../train/verification/matrices.ts";
import { pldaPsi, pldaScore, pldaTrain } from "../../../train/verification/plda.ts";

/** A symmetric matrix Σ weight · v vᵀ of random vectors, whose weights fall from 1 to `least`. */
function drawn(dim: number, { seed = 1, least = 0.1 } = {}): Float64Array {
  const random = new Random(seed), matrix = new Float64Array(dim * dim);
  for (let r = 0; r < dim; r++) {
    const v = Array.from({ length: dim }, () => random.uniform() - 0.5), weight = least ** (r / Math.max(1, dim - 1));
    for (let i = 0; i < dim; i++) for (let j = 0; j < dim; j++) matrix[i * dim + j] += weight * v[i] * v[j];
  }
  return matrix;
}

const identity = (dim: number) => Float64Array.from({ length: dim * dim }, (_, at) => at % (dim + 1) === 0 ? 1 : 0);
const farthest = (a: Float64Array, b: ArrayLike<number>) =>
  a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0);

Deno.test("two matrices become the identity and a diagonal one, at odd sizes and near singularity", async () => {
  for (
    const [dim, least, error] of [[1, 1, 1e-12], [2, 0.1, 1e-10], [7, 1e-6, 1e-5], [33, 0.1, 1e-9], [64, 0.1, 1e-8]]
  ) {
    const within = drawn(dim, { least }), between = drawn(dim, { seed: 2, least: 1e-9 });
    const { transform, inverse, psi } = await diagonalise({ within, between }, dim);
    const at = { rows: dim, dim };
    ok(farthest(await sandwich(transform, within, at), identity(dim)) < error, `${dim}: W`);
    const diagonal = identity(dim).map((x, i) => x * psi[i % dim]);
    ok(farthest(await sandwich(transform, between, at), diagonal) < error * Math.max(1, psi[0]), `${dim}: B`);
    ok(farthest(await sandwich(inverse, identity(dim), at), within) < 1e-9, `${dim}: inverse`);
    ok(psi.every((x, i) => x >= 0 && (i === 0 || x <= psi[i - 1])), "descending");
  }
});

Deno.test("eigenvalues of a Hilbert matrix, known to all digits; a singular W and NaN are refused", async () => {
  const hilbert = Float64Array.from({ length: 64 }, (_, at) => 1 / (Math.floor(at / 8) + at % 8 + 1));
  const { values } = await symmetricEigen(hilbert, 8);
  ok(Math.abs(values[0] - 1.6959389969219498) < 1e-14 && Math.abs(values[7] - 1.1115389663723858e-10) < 1e-15);
  const flat = { within: Float64Array.of(1, 1, 1, 1), between: identity(2) };
  await rejects(diagonalise(flat, 2), /^RangeError: Cannot invert a covariance of 2 numbers: .* depend on the others$/);
  await rejects(symmetricEigen([1, NaN, NaN, 1], 2), /^RangeError: Cannot decompose a matrix: its element 1 is NaN$/);
});

Deno.test("a score in one dimension is the one of three normal densities", async () => {
  const [b, w, mean] = [2, 0.5, 1], normal = (x: number, v: number) => -(Math.log(2 * Math.PI * v) + x * x / v) / 2;
  const plda = { dim: 1, mean: Float64Array.of(mean), between: Float64Array.of(b), within: Float64Array.of(w) };
  for (const count of [1, 4]) {
    for (const [x, y] of [[1.5, 2], [-1, 3], [1, 1]]) {
      const one = (value: number) => ({ values: Float64Array.of(value), count: 1, dim: 1 });
      const options = { enrol: one(x), test: one(y), counts: [count], lengthNorm: "none" } as const;
      const [score] = await pldaScore(plda, options);
      const known = b + w / count, share = b / known; // of the enrolment that is the speaker
      const wanted = normal(y - mean - share * (x - mean), b + w - share * b) - normal(y - mean, b + w);
      ok(Math.abs(score - wanted) < 1e-12, `${score}, wanted ${wanted}`);
    }
  }
});

Deno.test("training finds how much speakers and sessions differ, and tells speakers apart that it never saw", async () => {
  const random = new Random(4), deviations = [3, 1, 0.2];
  const gauss = () => Array.from({ length: 12 }, () => random.uniform()).reduce((sum, x) => sum + x, -6);
  const speakers = (count: number) => {
    const values: number[] = [], labels: string[] = [];
    for (let s = 0; s < count; s++) {
      const own = deviations.map((d) => d * gauss());
      for (let k = 0; k < 5; k++) {
        values.push(...own.map((x) => 7 + x + gauss()));
        labels.push(`s${s}`);
      }
    }
    return { x: { values: Float64Array.from(values), count: labels.length, dim: 3 }, labels };
  };
  const { x, labels } = speakers(400), plda = await pldaTrain(x, { labels, iterations: 30 });
  const psi = await pldaPsi(plda);
  ok(psi.every((value, i) => Math.abs(Math.sqrt(value) - deviations[i]) < 0.25), `${psi}`);
  ok(plda.mean.every((value) => Math.abs(value - 7) < 0.5), `${plda.mean}`);
  const other = speakers(20), scores = await pldaScore(plda, { enrol: other.x, test: other.x, lengthNorm: "none" });
  const mean = (same: boolean) => {
    const own = scores.filter((_, at) => {
      const [i, j] = [Math.floor(at / 100), at % 100];
      return i !== j && (other.labels[i] === other.labels[j]) === same;
    });
    return own.reduce((sum, score) => sum + score, 0) / own.length;
  };
  ok(mean(true) > 0.5 && mean(false) < -1, `${mean(true)}, ${mean(false)}`);
});

Deno.test("PLDA refuses too few speakers, labels that are missing, and vectors of another size", async () => {
  const x = { values: new Float64Array(8), count: 4, dim: 2 };
  await rejects(
    pldaTrain(x, { labels: [0, 0, 0, 0] }),
    /^RangeError: Cannot train PLDA: there are 1 speakers, wanted at/,
  );
  await rejects(
    pldaTrain(x, { labels: [0, 1] }),
    /^TypeError: Cannot train PLDA: there are 4 embeddings and 2 labels$/,
  );
  const plda = await pldaTrain({ ...x, values: Float64Array.of(1, 2, 3, 4, 5, 7, 8, 8) }, { labels: [0, 0, 1, 1] });
  strictEqual(plda.dim, 2);
  const wide = { values: new Float64Array(3), count: 1, dim: 3 };
  await rejects(
    pldaScore(plda, { enrol: wide, test: wide }),
    /an embedding of 3 numbers: wanted 2, another model made it/,
  );
});
