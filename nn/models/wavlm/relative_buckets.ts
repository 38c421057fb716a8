/** Classes of distances between two frames. @module */

/** Options of {@linkcode relativeBucket}. */
export interface BucketOptions {
  /** Classes: half of them for keys behind the query. */
  readonly numBuckets: number;
  /** Distance from which all are alike. */
  readonly maxBucketDistance: number;
}

/**
 * The class of a key `distance` frames behind its query (before it, if negative), as T5 and WavLM count: near ones exactly, farther ones by the
 * logarithm (Raffel et al. 2020, arXiv 1910.10683).
 */
export function relativeBucket(distance: number, { numBuckets, maxBucketDistance }: BucketOptions): number {
  const half = Math.floor(numBuckets / 2), exact = Math.floor(half / 2), away = Math.abs(distance);
  const side = distance > 0 ? half : 0;
  if (away < exact) return side + away;
  const far = exact + Math.trunc(Math.log(away / exact) / Math.log(maxBucketDistance / exact) * (half - exact));
  return side + Math.min(far, half - 1);
}

/** The classes of all distances of `time` frames, from −(time − 1) to time − 1. */
export function relativeBuckets(time: number, options: BucketOptions): Int32Array {
  return Int32Array.from({ length: Math.max(0, 2 * time - 1) }, (_, i) => relativeBucket(i - time + 1, options));
}
