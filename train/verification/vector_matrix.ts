/** Many vectors in one array. @module */

/** Vectors of one size, one after the other. */
export interface VectorMatrix {
  /** `count` × `dim` numbers. */
  readonly values: Float32Array;
  /** How many there are. */
  readonly count: number;
  /** Numbers each. */
  readonly dim: number;
}

/**
 * Puts vectors into one array.
 *
 * @throws {TypeError} Where they differ in size.
 */
export function matrixOf(vectors: readonly Float32Array[]): VectorMatrix {
  const dim = vectors[0]?.length ?? 0;
  const values = new Float32Array(vectors.length * dim);
  vectors.forEach((vector, i) => {
    if (vector.length !== dim) {
      throw new TypeError(`Cannot compare embeddings: vector ${i} has ${vector.length} numbers, the first ${dim}`);
    }
    values.set(vector, i * dim);
  });
  return { values, count: vectors.length, dim };
}

/** One of the vectors, sharing their memory. */
export function rowOf({ values, dim }: VectorMatrix, row: number): Float32Array {
  return values.subarray(row * dim, (row + 1) * dim);
}
