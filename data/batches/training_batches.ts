/**
 * Batches for training: random crops of shuffled utterances, without end, prepared ahead.
 */
import { SILENCE } from "../features/silence.ts";
import type { DrawnFeatures, UtteranceSource } from "../sets/utterances.ts";
import { Ahead } from "./ahead.ts";
import { type Batch, checkPadding, makeBatch, type Padding, type PadMode } from "./batch.ts";
import { cropStart, type EpochPlan, planEpoch } from "./epoch_plan.ts";

/** Options for {@linkcode TrainingBatches}. */
export interface TrainingBatchOptions {
  /** Utterances a batch. */
  readonly batchSize: number;
  /** Frames of a crop and of every batch; default 128. Shorter utterances are padded. */
  readonly segmentLength?: number;
  /** Decides orders and crops; default 0. */
  readonly seed?: number;
  /** Whether an epoch's last batch is left out if it is not full; default true. */
  readonly dropLast?: boolean;
  /** What padded frames hold; default −20. */
  readonly padding?: Padding;
  /** Where a shorter utterance lies; "end" (default): padding follows; "center": in the middle of it, all of which counts. */
  readonly pad?: PadMode;
  /** Batches prepared ahead; default 4. */
  readonly prefetch?: number;
}

/** A place in the sequence of batches, as plain data for a checkpoint. */
export interface TrainingBatchState {
  /** Epochs completed. */
  readonly epoch: number;
  /** Utterances of the current epoch already handed out. */
  readonly position: number;
  /** Seed of the run. */
  readonly seed: number;
  /** Number of utterances trained on, to notice that the data have changed. */
  readonly count: number;
}

/** Where in the sequence something is. */
interface Place {
  readonly epoch: number;
  readonly position: number;
}

/**
 * Endless batches of random crops, or of what a source draws itself. Every utterance comes once an epoch, in a new order and with a new crop; all batches
 * have the same number of frames, so that a captured training step fits them all. The sequence depends on the seed alone,
 * and a saved place continues it exactly.
 *
 * @example
 * ```ts ignore
 * import { openDataSet } from "../sets/data_set.ts";
 * import { splitStratified } from "../sets/split.ts";
 * import { TrainingBatches } from "./training_batches.ts";
 *
 * using data = await openDataSet("Dataset");
 * const { train } = splitStratified(data.utterances.map(({ label }) => label), { seed: 1 });
 * const batches = new TrainingBatches(data, train, { batchSize: 32, seed: 1 });
 * const { features, labels, lengths } = await batches.next();
 * ```
 */
export class TrainingBatches {
  readonly #source: UtteranceSource;
  readonly #indices: Int32Array;
  readonly #options: Required<TrainingBatchOptions>;
  #place: Place = { epoch: 0, position: 0 };
  #ahead: Ahead<{ batch: Batch; after: Place }>;

  /**
   * Starts at the beginning; see {@linkcode TrainingBatches.restore} for another place.
   *
   * @param source where the utterances are
   * @param indices which of them to train on
   * @param options sizes and seed
   * @throws {RangeError} there is nothing to train on, a size is not positive, or no batch would ever be full
   */
  constructor(source: UtteranceSource, indices: ArrayLike<number>, options: TrainingBatchOptions) {
    this.#source = source;
    this.#indices = Int32Array.from(indices);
    const defaults = {
      segmentLength: 128,
      seed: 0,
      dropLast: true,
      padding: SILENCE,
      pad: "end" as const,
      prefetch: 4,
    };
    this.#options = { ...defaults, ...options };
    checkOptions(this.#indices.length, this.#options);
    checkPadding("training", { ...this.#options, channels: source.channels });
    this.#ahead = this.#startAt(this.#place);
  }

  /** Batches an epoch. */
  get batchesPerEpoch(): number {
    const count = this.#indices.length / this.#options.batchSize;
    return this.#options.dropLast ? Math.floor(count) : Math.ceil(count);
  }

  /** The place after the last batch that `next` gave, whatever has been prepared ahead. */
  get state(): TrainingBatchState {
    return { ...this.#place, seed: this.#options.seed, count: this.#indices.length };
  }

  /**
   * The next batch.
   *
   * @throws {Error} an utterance cannot be read; the message names it
   */
  async next(): Promise<Batch> {
    const next = await this.#ahead.take();
    if (next === undefined) throw new Error("internal: training batches came to an end");
    this.#place = next.after;
    return next.batch;
  }

  /**
   * Continues from a saved place: the batches that follow are those that would have followed there.
   *
   * @throws {RangeError} the place belongs to another seed or to other data
   */
  restore(state: TrainingBatchState): void {
    const { seed, count, epoch, position } = state;
    if (count !== this.#indices.length) {
      throw new RangeError(
        `Cannot resume: the run trained on ${count} utterances, the data set has ${this.#indices.length} now`,
      );
    }
    if (seed !== this.#options.seed) {
      throw new RangeError(`Cannot resume: the run has the seed ${seed}, but ${this.#options.seed} is asked for`);
    }
    if (![epoch, position].every((n) => Number.isSafeInteger(n) && n >= 0) || position > count) {
      throw new RangeError(`Cannot resume: epoch ${epoch}, utterance ${position} is no place in the data set`);
    }
    this.#place = { epoch, position };
    this.#ahead = this.#startAt(this.#place);
  }

  /** Prepares batches from a place on. */
  #startAt(place: Place): Ahead<{ batch: Batch; after: Place }> {
    const { batchSize, dropLast, prefetch, seed } = this.#options;
    const count = this.#indices.length;
    let { epoch, position } = place;
    let plan = planEpoch(this.#indices, seed, epoch);
    return new Ahead(() => {
      const least = dropLast ? batchSize : 1;
      if (count - position < least) {
        plan = planEpoch(this.#indices, seed, ++epoch);
        position = 0;
      }
      const first = position;
      position = Math.min(count, first + batchSize);
      return this.#prepare(plan, { first, end: position }, { epoch, position });
    }, prefetch);
  }

  async #prepare(
    { epoch, order, crops }: EpochPlan,
    { first, end }: { first: number; end: number },
    after: Place,
  ): Promise<{ batch: Batch; after: Place }> {
    const { segmentLength: time, padding, pad, seed } = this.#options;
    const source = this.#source, { channels, utterances } = source;
    const seen = (index: number): Promise<DrawnFeatures> => source.draw?.(index, { seed, epoch }) ?? source.read(index);
    const row = async (position: number) => {
      const index = order[position], features = await seen(index);
      const length = Math.min(features.frames, time);
      const start = cropStart(features.frames, length, crops[position]);
      return { index, label: features.label ?? utterances[index].label, features, start, length };
    };
    const items = await Promise.all(Array.from({ length: end - first }, (_, i) => row(first + i)));
    return { batch: makeBatch(items, { time, channels, padding, pad }), after };
  }
}

function checkOptions(count: number, { batchSize, segmentLength, dropLast }: Required<TrainingBatchOptions>): void {
  if (count === 0) throw new RangeError("Cannot make training batches: there are no utterances to train on");
  for (const [name, size] of Object.entries({ batchSize, segmentLength })) {
    if (!(Number.isSafeInteger(size) && size >= 1)) {
      throw new RangeError(`Cannot make training batches: ${name} is ${size}, wanted a whole number of at least 1`);
    }
  }
  if (dropLast && count < batchSize) {
    throw new RangeError(
      `Cannot make training batches of ${batchSize}: there are only ${count} utterances to train on; ` +
        `set the batch size to ${count} or less`,
    );
  }
}
