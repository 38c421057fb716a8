/** Scores of verification trials in ascending order: what every measure of a verifier starts from. @module */

/** Trials, the lowest score first. */
export interface SortedTrials {
  /** Scores, ascending. */
  readonly scores: Float32Array;
  /** For each whether both sides are the same speaker: 1, else 0. */
  readonly isTarget: Uint8Array;
  /** Where each was before. */
  readonly order: Uint32Array;
}

/**
 * Sorts trials. Everything stays in typed arrays, and the machine's own sort is used: a million trials take a fraction of a second.
 *
 * @param scores the higher, the likelier the same speaker
 * @param isTarget 1 for trials of the same speaker, 0 for others
 * @throws {TypeError} Where the lists differ in length.
 * @throws {RangeError} Where a score is NaN.
 */
export function sortTrials(scores: Float32Array, isTarget: Uint8Array): SortedTrials {
  if (scores.length !== isTarget.length) {
    throw new TypeError(`Cannot sort trials: there are ${scores.length} scores and ${isTarget.length} labels`);
  }
  const count = scores.length;
  const keys = new BigUint64Array(count), halves = new Uint32Array(keys.buffer);
  const bits = new Uint32Array(scores.slice().buffer);
  const [low, high] = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? [0, 1] : [1, 0];
  for (let i = 0; i < count; i++) {
    if (Number.isNaN(scores[i])) throw new RangeError(`Cannot sort trials: score ${i} is NaN`);
    // As whole numbers floats are in order once the sign is turned over, and for negative ones all other bits too.
    halves[2 * i + high] = bits[i] >>> 31 === 1 ? ~bits[i] : bits[i] ^ 0x80000000;
    halves[2 * i + low] = i;
  }
  keys.sort();
  const order = new Uint32Array(count), sorted = new Float32Array(count), labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const place = order[i] = halves[2 * i + low];
    sorted[i] = scores[place];
    labels[i] = isTarget[place];
  }
  return { scores: sorted, isTarget: labels, order };
}
