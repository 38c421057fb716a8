/**
 * Batches for validation and inference: every utterance once, nothing random, so that results can be compared.
 */
import { SILENCE } from "../features/silence.ts";
import type { UtteranceSource } from "../sets/utterances.ts";
import { Ahead } from "./ahead.ts";
import { type Batch, checkPadding, makeBatch, type Padding, type PadMode } from "./batch.ts";
import { type Cut, cutsOf } from "./cuts.ts";

/** Options for {@linkcode evaluationBatches}. */
export interface EvaluationBatchOptions {
  /** "whole" utterances (default), or their "center" of `segmentLength` frames. */
  readonly mode?: "whole" | "center";
  /** Frames of a crop; default 128. */
  readonly segmentLength?: number;
  /**
   * Crops of `segmentLength` frames taken of each utterance, at even distances from its beginning to its end; default 1, the
   * centre. Shorter utterances have fewer. `indices` of the batches say whose each is: average the scores over them.
   */
  readonly crops?: number;
  /**
   * Whether every batch has exactly `segmentLength` frames, for models that take no other number; default false, true with
   * `pad` "center". Not for whole utterances.
   */
  readonly fixedTime?: boolean;
  /** Where a shorter utterance lies; "end" (default): padding follows; "center": in the middle of it, all of which counts. */
  readonly pad?: PadMode;
  /** Most utterances, or crops, a batch; default 64. */
  readonly batchSize?: number;
  /**
   * Whether only utterances of one length share a batch, whose frames are then exactly theirs, for models whose results padding changes;
   * default false.
   */
  readonly equalLengths?: boolean;
  /**
   * Most frames of a whole utterance in a row; longer ones are cut into equal windows, each a row: average the scores over them. Default
   * Infinity.
   */
  readonly windowFrames?: number;
  /** Most frames a batch, padding included; a longer utterance gets a batch for itself. Default 16384. */
  readonly maxFrames?: number;
  /** Frames of a batch are rounded up to a multiple of this, so that fewer shapes occur; default 1. */
  readonly timeMultiple?: number;
  /** What padded frames hold; default −20. */
  readonly padding?: Padding;
  /** Batches prepared ahead; default 2. */
  readonly prefetch?: number;
}

type AllOptions = Required<EvaluationBatchOptions>;

/** Share of a batch that may be padding, once the batch has more than SMALL_BATCH utterances. */
const MAX_PADDING = 0.25;
const SMALL_BATCH = 8;

/** What goes into one batch. */
interface Group {
  readonly cuts: readonly Cut[];
  /** Frames of the batch. */
  readonly time: number;
}

/**
 * Every utterance once, or its crops, in batches of similar length (longest first), so that little is padding. `indices`
 * of a batch say which utterances it holds. The last batch is never dropped.
 *
 * @param source where the utterances are
 * @param indices which of them; default all
 * @param options mode and sizes
 * @throws {RangeError} an option is out of range, or does not go with whole utterances
 * @throws {TypeError} the padding has another number of channels than the features
 * @throws {Error} while iterating: an utterance cannot be read
 */
export async function* evaluationBatches(
  source: UtteranceSource,
  indices: ArrayLike<number> = Object.keys(source.utterances).map(Number),
  options: EvaluationBatchOptions = {},
): AsyncGenerator<Batch, void, void> {
  const all: AllOptions = { ...defaults, fixedTime: options.pad === "center", ...options };
  checkOptions(all);
  checkPadding("evaluation", { ...all, channels: source.channels });
  const cuts = Array.from(indices).flatMap((index) => cutsOf({ index, frames: source.utterances[index].frames }, all));
  const groups = groupByLength(cuts, all).values();
  const ahead = new Ahead(() => {
    const { value, done } = groups.next();
    return done ? undefined : readGroup(source, value, all);
  }, all.prefetch);
  for (let batch = await ahead.take(); batch !== undefined; batch = await ahead.take()) yield batch;
}

const defaults: Omit<AllOptions, "fixedTime"> = {
  mode: "whole",
  segmentLength: 128,
  crops: 1,
  pad: "end",
  batchSize: 64,
  equalLengths: false,
  windowFrames: Infinity,
  maxFrames: 16384,
  timeMultiple: 1,
  padding: SILENCE,
  prefetch: 2,
};

function checkOptions(
  {
    mode,
    segmentLength,
    crops,
    fixedTime,
    pad,
    batchSize,
    maxFrames,
    timeMultiple,
    windowFrames,
    equalLengths,
  }: AllOptions,
): void {
  if (mode !== "whole" && mode !== "center") {
    throw new RangeError(`Cannot make evaluation batches: mode is "${mode}", wanted "whole" or "center"`);
  }
  for (const [name, size] of Object.entries({ segmentLength, crops, batchSize, maxFrames, timeMultiple })) {
    if (!(Number.isSafeInteger(size) && size >= 1)) {
      throw new RangeError(`Cannot make evaluation batches: ${name} is ${size}, wanted a whole number of at least 1`);
    }
  }
  const ofCrops = crops > 1 ? `crops is ${crops}` : pad === "center" ? 'pad is "center"' : "";
  const fact = ofCrops || (fixedTime ? "fixedTime is set" : "");
  if (mode === "whole" && fact !== "") {
    throw new RangeError(`Cannot make evaluation batches of whole utterances: ${fact}; set mode to "center"`);
  }
  if (!(windowFrames >= 1)) {
    throw new RangeError(`Cannot make evaluation batches: windowFrames is ${windowFrames}, wanted at least 1`);
  }
  if (equalLengths && timeMultiple > 1) {
    throw new RangeError(
      `Cannot make evaluation batches of equal lengths: timeMultiple is ${timeMultiple}, which pads; set it to 1`,
    );
  }
  if (pad === "center" && !fixedTime) { // or the silence around an utterance would depend on the others in its batch
    throw new RangeError(`Cannot make evaluation batches: pad is "center", which needs fixedTime`);
  }
}

/** Longest first; a group's first utterance decides its number of frames. */
function groupByLength(cuts: readonly Cut[], options: AllOptions): Group[] {
  const { batchSize, maxFrames, timeMultiple, fixedTime, segmentLength, equalLengths } = options;
  const sorted = cuts.toSorted((a, b) => b.length - a.length || a.index - b.index || a.start - b.start);
  const groups: Group[] = [];
  for (let at = 0; at < sorted.length;) {
    const longest = sorted[at].length;
    const time = fixedTime ? segmentLength : Math.ceil(longest / timeMultiple) * timeMultiple;
    const most = Math.max(1, Math.min(batchSize, Math.floor(maxFrames / time)));
    const candidates = sorted.slice(at, at + most);
    const cuts = fixedTime
      ? candidates
      : equalLengths
      ? candidates.filter(({ length }) => length === longest)
      : takeSimilar(candidates, longest);
    groups.push({ cuts, time });
    at += cuts.length;
  }
  return groups;
}

/** As many as leave at most a quarter of the batch to padding; but some anyway, for a batch has a price of its own. */
function takeSimilar(cuts: readonly Cut[], longest: number): readonly Cut[] {
  let filled = 0;
  for (const [count, { length }] of cuts.entries()) {
    filled += length / longest;
    if (count >= SMALL_BATCH && filled < (1 - MAX_PADDING) * (count + 1)) return cuts.slice(0, count);
  }
  return cuts;
}

async function readGroup(source: UtteranceSource, { cuts, time }: Group, options: AllOptions): Promise<Batch> {
  const items = await Promise.all(cuts.map(async (cut) => {
    const features = await source.read(cut.index);
    return { ...cut, label: source.utterances[cut.index].label, features };
  }));
  return makeBatch(items, { time, channels: source.channels, padding: options.padding, pad: options.pad });
}
