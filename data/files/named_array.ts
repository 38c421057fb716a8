/**
 * Plain arrays with a shape: what files are read into and written from, whatever device computes with them later.
 */

/** One array: row-major `data` of the size that `shape` multiplies to (a scalar has the shape `[]`). */
export interface NamedArray {
  /** Sizes of the axes, outermost first. */
  readonly shape: readonly number[];
  /** The elements in row-major order. */
  data: Float32Array | Int32Array;
}

/** Arrays by name, in the order of the file they came from. */
export type ArrayDict = Record<string, NamedArray>;

/**
 * The number of elements of a shape.
 *
 * @param shape sizes of the axes
 * @returns their product; 1 for the empty shape
 */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((count, size) => count * size, 1);
}

/** Collects arrays under names from a file. Unlike assignment this is safe for a name like `__proto__`. */
export function toArrayDict(entries: Iterable<readonly [string, NamedArray]>): ArrayDict {
  return Object.fromEntries(entries);
}
