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

/** How an utterance is cut. */
export interface CutOptions {
  readonly mode: "whole" | "center";
  /** Frames of a crop. */
  readonly segmentLength: number;
  /** Most crops. */
  readonly crops: number;
  /** Most frames of a whole utterance that stay together; default Infinity. */
  readonly windowFrames?: number;
}

/**
 * The whole of an utterance, in equal windows where it is longer than one may be, or crops of it; `length` of each is at most `frames`.
 */
export function cutsOf(
  { index, frames }: { index: number; frames: number },
  { mode, segmentLength, crops, windowFrames = Infinity }: CutOptions,
): Cut[] {
  if (mode === "whole") return evenWindows(frames, windowFrames).map((window) => ({ index, ...window }));
  const length = Math.min(frames, segmentLength);
  return evenStarts(frames, segmentLength, crops).map((start) => ({ index, start, length }));
}

/** As few windows as cover `frames` with at most `most` each, all of one length but for rounding. */
export function evenWindows(frames: number, most: number): { start: number; length: number }[] {
  const count = Math.max(1, Math.ceil(frames / most)), edge = (i: number) => Math.round(i * frames / count);
  return Array.from({ length: count }, (_, i) => ({ start: edge(i), length: edge(i + 1) - edge(i) }));
}
