import type { UtteranceFeatures } from "../sets/utterances.ts";

/** Natural logarithm of a very quiet frame, S0's value for padding log-mel features. */
export const SILENCE: number = -20;

/** Utterances of different lengths side by side. */
export interface Batch {
  /** batch × time × channels values, row-major; frames from an utterance's length on hold the padding value. */
  readonly features: Float32Array;
  /** Class of each utterance; −1 where it is not known. */
  readonly labels: Int32Array;
  /** Number of true frames of each utterance, 1 to `time`. */
  readonly lengths: Int32Array;
  /** Number of utterances. */
  readonly batch: number;
  /** Number of frames, padding included. */
  readonly time: number;
  /** Values a frame. */
  readonly channels: number;
  /** Place of each utterance in the data set. */
  readonly indices: Int32Array;
}

/** A part of an utterance that goes into a batch. */
export interface BatchItem {
  /** Place in the data set. */
  readonly index: number;
  readonly label: number;
  readonly features: UtteranceFeatures;
  /** First frame. */
  readonly start: number;
  /** Number of frames. */
  readonly length: number;
}

/**
 * Puts parts of utterances side by side.
 *
 * @param items at least one
 * @param options the number of frames (at least the longest item's), of channels, and the padding value
 */
export function makeBatch(
  items: readonly BatchItem[],
  { time, channels, padding }: { time: number; channels: number; padding: number },
): Batch {
  const features = new Float32Array(items.length * time * channels);
  items.forEach(({ features: { data }, start, length }, row) => {
    const from = row * time * channels, end = from + length * channels;
    features.set(data.subarray(start * channels, (start + length) * channels), from);
    features.fill(padding, end, from + time * channels);
  });
  return {
    features,
    labels: Int32Array.from(items, ({ label }) => label),
    lengths: Int32Array.from(items, ({ length }) => length),
    batch: items.length,
    time,
    channels,
    indices: Int32Array.from(items, ({ index }) => index),
  };
}
