import type { UtteranceFeatures } from "../sets/utterances.ts";

/** What frames hold that are no utterance's: one number, or one for each channel. See `silenceOf`. */
export type Padding = number | Float32Array;

/**
 * Where an utterance shorter than its row lies. "end": at the beginning, padding follows and does not count as length.
 * "center": in the middle of silence, and the whole row counts, for models that see a clip of fixed size.
 */
export type PadMode = "end" | "center";

/** Utterances of different lengths side by side. */
export interface Batch {
  /** batch × time × channels values, row-major; frames that are no utterance's hold the padding. */
  readonly features: Float32Array;
  /** Class of each utterance; −1 where it is not known. */
  readonly labels: Int32Array;
  /** Number of frames of each utterance that count, 1 to `time`: the true ones, or `time` where silence is around them. */
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

/** How rows are laid out. */
export interface RowLayout {
  /** Frames of a row, at least the longest item's. */
  readonly time: number;
  /** Values a frame. */
  readonly channels: number;
  readonly padding: Padding;
  readonly pad: PadMode;
}

/**
 * Puts parts of utterances side by side.
 *
 * @param items at least one
 */
export function makeBatch(items: readonly BatchItem[], { time, channels, padding, pad }: RowLayout): Batch {
  const features = new Float32Array(items.length * time * channels);
  items.forEach(({ features: { data }, start, length }, row) => {
    const from = row * time, at = from + (pad === "center" ? (time - length) >> 1 : 0);
    const fill = (first: number, end: number) =>
      fillFrames(features.subarray(first * channels, end * channels), channels, padding);
    fill(from, at);
    features.set(data.subarray(start * channels, (start + length) * channels), at * channels);
    fill(at + length, from + time);
  });
  return {
    features,
    labels: Int32Array.from(items, ({ label }) => label),
    lengths: Int32Array.from(items, ({ length }) => pad === "center" ? time : length),
    batch: items.length,
    time,
    channels,
    indices: Int32Array.from(items, ({ index }) => index),
  };
}

function fillFrames(frames: Float32Array, channels: number, padding: Padding): void {
  if (typeof padding === "number") frames.fill(padding);
  else for (let at = 0; at < frames.length; at += channels) frames.set(padding, at);
}

/** Throws for a way to pad that there is not, and for padding of another width than the features. */
export function checkPadding(what: string, { pad, padding, channels }: Omit<RowLayout, "time">): void {
  if (pad !== "end" && pad !== "center") {
    throw new RangeError(`Cannot make ${what} batches: pad is "${pad}", wanted "end" or "center"`);
  }
  if (typeof padding !== "number" && padding.length !== channels) {
    throw new TypeError(
      `Cannot make ${what} batches: the padding has ${padding.length} values, but a frame has ${channels}`,
    );
  }
}
