/** The parts of utterances that evaluation looks at: nothing random. */

/** A part of an utterance. */
export interface Cut {
  /** Place of the utterance in the data set. */
  readonly index: number;
  /** First frame. */
  readonly start: number;
  /** Number of frames. */
  readonly length: number;
}

/**
 * First frames of `count` crops of an utterance at even distances, the first at its beginning and the last at its end; a
 * single one lies in the middle. There are fewer where fewer differ: one if the utterance is not longer than a crop.
 *
 * @param frames frames of the utterance
 * @param length frames of a crop
 * @param count most crops, at least 1
 */
export function evenStarts(frames: number, length: number, count: number): number[] {
  const last = Math.max(0, frames - length), crops = Math.min(count, last + 1);
  if (crops === 1) return [last >> 1];
  return Array.from({ length: crops }, (_, i) => Math.round(i * last / (crops - 1)));
}

/** The whole of an utterance, or crops of it; `length` of each is at most `frames`. */
export function cutsOf(
  { index, frames }: { index: number; frames: number },
  { mode, segmentLength, crops }: { mode: "whole" | "center"; segmentLength: number; crops: number },
): Cut[] {
  if (mode === "whole") return [{ index, start: 0, length: frames }];
  const length = Math.min(frames, segmentLength);
  return evenStarts(frames, segmentLength, crops).map((start) => ({ index, start, length }));
}
