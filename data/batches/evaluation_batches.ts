/**
 * Batches for validation and inference: every utterance once, nothing random, so that results can be compared.
 */
import type { UtteranceSource } from "../sets/utterances.ts";
import { Ahead } from "./ahead.ts";
import { type Batch, makeBatch, SILENCE } from "./batch.ts";

/** Options for {@linkcode evaluationBatches}. */
export interface EvaluationBatchOptions {
  /** "whole" utterances (default), or their "center" of `segmentLength` frames. */
  readonly mode?: "whole" | "center";
  /** Frames of a centre crop; default 128. */
  readonly segmentLength?: number;
  /** Most utterances a batch; default 64. */
  readonly batchSize?: number;
  /** Most frames a batch, padding included; a longer utterance gets a batch for itself. Default 16384. */
  readonly maxFrames?: number;
  /** Frames of a batch are rounded up to a multiple of this, so that fewer shapes occur; default 1. */
  readonly timeMultiple?: number;
  /** Value of padded frames; default −20. */
  readonly padding?: number;
  /** Batches prepared ahead; default 2. */
  readonly prefetch?: number;
}

/** Share of a batch that may be padding, once the batch has more than SMALL_BATCH utterances. */
const MAX_PADDING = 0.25;
const SMALL_BATCH = 8;

/** Utterances that go into one batch. */
interface Group {
  readonly indices: readonly number[];
  /** Frames of the batch. */
  readonly time: number;
}

/**
 * Every utterance once, in batches of similar length (longest first), so that little is padding. `indices` of a batch say
 * which utterances it holds. The last batch is never dropped.
 *
 * @param source where the utterances are
 * @param indices which of them; default all
 * @param options mode and sizes
 * @throws {RangeError} an option is out of range
 * @throws {Error} while iterating: an utterance cannot be read
 */
export async function* evaluationBatches(
  source: UtteranceSource,
  indices: ArrayLike<number> = Object.keys(source.utterances).map(Number),
  options: EvaluationBatchOptions = {},
): AsyncGenerator<Batch, void, void> {
  const given = { mode: "whole" as const, segmentLength: 128, batchSize: 64, maxFrames: 16384, ...options };
  const all: Required<EvaluationBatchOptions> = { timeMultiple: 1, padding: SILENCE, prefetch: 2, ...given };
  checkOptions(all);
  const groups = groupByLength(source, Array.from(indices), all).values();
  const ahead = new Ahead(() => {
    const { value, done } = groups.next();
    return done ? undefined : readGroup(source, value, all);
  }, all.prefetch);
  for (let batch = await ahead.take(); batch !== undefined; batch = await ahead.take()) yield batch;
}

function checkOptions({ mode, segmentLength, batchSize, maxFrames, timeMultiple }: Required<EvaluationBatchOptions>) {
  if (mode !== "whole" && mode !== "center") {
    throw new RangeError(`Cannot make evaluation batches: mode is "${mode}", wanted "whole" or "center"`);
  }
  for (const [name, size] of Object.entries({ segmentLength, batchSize, maxFrames, timeMultiple })) {
    if (!(Number.isSafeInteger(size) && size >= 1)) {
      throw new RangeError(`Cannot make evaluation batches: ${name} is ${size}, wanted a whole number of at least 1`);
    }
  }
}

/** Frames that an utterance of `frames` contributes. */
function usedFrames(frames: number, { mode, segmentLength }: Required<EvaluationBatchOptions>): number {
  return mode === "center" ? Math.min(frames, segmentLength) : frames;
}

/** Longest first; a group's first utterance decides its number of frames. */
function groupByLength(
  { utterances }: UtteranceSource,
  indices: readonly number[],
  options: Required<EvaluationBatchOptions>,
): Group[] {
  const { batchSize, maxFrames, timeMultiple } = options;
  const used = (index: number) => usedFrames(utterances[index].frames, options);
  const sorted = indices.toSorted((a, b) => used(b) - used(a) || a - b);
  const groups: Group[] = [];
  for (let at = 0; at < sorted.length;) {
    const time = Math.ceil(used(sorted[at]) / timeMultiple) * timeMultiple;
    const most = Math.max(1, Math.min(batchSize, Math.floor(maxFrames / time)));
    const indices = takeSimilar(sorted.slice(at, at + most), (index) => used(index) / used(sorted[at]));
    groups.push({ indices, time });
    at += indices.length;
  }
  return groups;
}

/** As many as leave at most a quarter of the batch to padding; but some anyway, for a batch has a price of its own. */
function takeSimilar(indices: readonly number[], share: (index: number) => number): readonly number[] {
  let filled = 0;
  for (const [count, index] of indices.entries()) {
    filled += share(index);
    if (count >= SMALL_BATCH && filled < (1 - MAX_PADDING) * (count + 1)) return indices.slice(0, count);
  }
  return indices;
}

async function readGroup(
  source: UtteranceSource,
  { indices, time }: Group,
  options: Required<EvaluationBatchOptions>,
): Promise<Batch> {
  const items = await Promise.all(indices.map(async (index) => {
    const features = await source.read(index);
    const length = usedFrames(features.frames, options);
    const start = Math.floor((features.frames - length) / 2);
    return { index, label: source.utterances[index].label, features, start, length };
  }));
  return makeBatch(items, { time, channels: source.channels, padding: options.padding });
}
