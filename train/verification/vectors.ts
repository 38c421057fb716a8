/** Arithmetic of embeddings. @module */

/** Σ a·b. */
export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** The vector at length 1, a copy; one of zeros stays as it is, for it has no direction. */
export function unit(vector: Float32Array): Float32Array {
  const length = Math.sqrt(dot(vector, vector));
  return length === 0 ? vector.slice() : vector.map((x) => x / length);
}

/** The mean of vectors at length 1, itself at length 1: the middle of their directions. */
export function meanDirection(vectors: readonly Float32Array[]): Float32Array {
  if (vectors.length === 1) return unit(vectors[0]);
  const sum = new Float32Array(vectors[0].length);
  for (const vector of vectors) unit(vector).forEach((x, i) => sum[i] += x);
  return unit(sum);
}

/** The mean of vectors at length 1, as long as they agree. */
export function meanOfUnits(vectors: readonly Float32Array[]): Float32Array {
  const sum = new Float32Array(vectors[0].length);
  for (const vector of vectors) unit(vector).forEach((x, i) => sum[i] += x / vectors.length);
  return sum;
}
