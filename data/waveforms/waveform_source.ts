/**
 * Recordings to train on as they are: other seconds of each in every epoch, features computed when they are asked for.
 */
import { lengthBefore } from "../augment/change_speed.ts";
import { cropStart } from "../batches/epoch_plan.ts";
import { createFeatures } from "../features/create.ts";
import type { FeatureSettings } from "../features/settings.ts";
import { Random } from "../random.ts";
import type { DrawnFeatures, DrawPlace, Utterance, UtteranceFeatures, UtteranceSource } from "../sets/utterances.ts";
import { Augmenter, type ChunkAugment } from "./chunk_augment.ts";
import type { WaveCut } from "./stored_wave.ts";
import { WavePool } from "./wave_pool.ts";
import { WaveStore } from "./wave_store.ts";

/** A recording with its class. */
export interface LabelledRecording {
  /** Where it is. */
  readonly path: string;
  /** Its name in predictions and messages. */
  readonly id: string;
  /** Index of its class. */
  readonly label: number;
}

/** Options of {@linkcode WaveformSource.open}. */
export interface WaveformOptions {
  /** How features are made; recordings of another rate are resampled. */
  readonly settings: FeatureSettings;
  /** Length of what training hears of a recording at a time; shorter ones are repeated. */
  readonly chunkSeconds: number;
  /** Shortest recording to train on; default 0.5. */
  readonly minSeconds?: number;
  /** What validation hears: all of a recording (default), or its first chunk. */
  readonly validChunk?: "whole" | "first";
  /** Most bytes of waveforms in memory; recordings beyond are read again whenever they are needed. Default 1 GiB. */
  readonly cacheBytes?: number;
  /** Threads that read and compute; default one a processor core, at most 8. 0: none besides the caller's. */
  readonly workers?: number;
  /** What is done to chunks for training; default nothing. */
  readonly augment?: ChunkAugment;
  /** Is told how many recordings have been read. */
  readonly onProgress?: (done: number) => void;
}

const MAX_WORKERS = 8;

/**
 * Recordings whose features are computed when they are asked for: `read` gives what validation hears, and
 * {@linkcode WaveformSource.forTraining} a source of chunks that are drawn anew in each epoch.
 */
export class WaveformSource implements UtteranceSource, Disposable {
  /** Values a frame. */
  readonly channels: number;
  /** The recordings; `frames` of each are those that `read` gives. */
  readonly utterances: readonly Utterance[];
  /** Names of recordings that are silent from beginning to end. */
  readonly silent: readonly string[];
  readonly #pool: WavePool;
  readonly #store: WaveStore;
  readonly #augmenter: Augmenter;
  readonly #options: WaveformOptions;
  /** Samples of a chunk. */
  readonly #chunk: number;

  private constructor(
    recordings: readonly LabelledRecording[],
    parts: { pool: WavePool; store: WaveStore; augmenter: Augmenter; options: WaveformOptions },
  ) {
    const { store, options } = parts, { settings } = options;
    [this.#pool, this.#augmenter] = [parts.pool, parts.augmenter];
    [this.#store, this.#options] = [store, options];
    this.#chunk = Math.max(1, Math.round(options.chunkSeconds * settings.sampleRate));
    const features = createFeatures(settings);
    this.channels = features.channels;
    const samplesOf = (i: number) => this.#validCut?.length ?? store.lengthOf(i);
    this.utterances = recordings.map((recording, i) => ({ ...recording, frames: features.frameCount(samplesOf(i)) }));
    this.silent = store.silent.map((i) => recordings[i].id);
  }

  /**
   * Reads all recordings once, which checks them, and keeps what there is room for.
   *
   * @throws {Error} one cannot be read, is empty, or has a sample that is not finite; the message names it
   */
  static async open(recordings: readonly LabelledRecording[], options: WaveformOptions): Promise<WaveformSource> {
    const { settings, cacheBytes = 2 ** 30, onProgress } = options;
    const pool = new WavePool(settings, options.workers ?? Math.min(MAX_WORKERS, navigator.hardwareConcurrency));
    try {
      const paths = recordings.map(({ path }) => path), budget = { left: cacheBytes };
      const store = await WaveStore.open(paths, { pool, budget, onProgress });
      const augmenter = await Augmenter.open(options.augment ?? {}, { pool, budget });
      return new WaveformSource(recordings, { pool, store, augmenter, options });
    } catch (error) {
      pool.close();
      throw error;
    }
  }

  /** Features of what validation hears of a recording. */
  async read(index: number): Promise<UtteranceFeatures> {
    const { path } = this.utterances[index];
    return await this.#pool.features({ path, wave: await this.#store.get(index), cut: this.#validCut });
  }

  /**
   * The same recordings as training hears them, in chunks.
   *
   * @param indices the recordings to train on
   * @throws {RangeError} some of them are shorter than `minSeconds`
   */
  forTraining(indices: readonly number[]): UtteranceSource {
    this.#checkLengths(indices);
    const { channels, utterances } = this, read = (index: number) => this.read(index);
    return { channels, utterances, read, draw: (index, place) => this.#draw(index, place, indices) };
  }

  /** Ends the threads. */
  close(): void {
    this.#pool.close();
  }

  /** Ends the threads at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The part that validation hears; undefined for all. */
  get #validCut(): WaveCut | undefined {
    return this.#options.validChunk === "first" ? { start: 0, length: this.#chunk } : undefined;
  }

  async #draw(index: number, place: DrawPlace, indices: readonly number[]): Promise<DrawnFeatures> {
    const random = drawRandom(index, place), store = this.#store, { path, label } = this.utterances[index];
    const plan = this.#augmenter.plan(random, indices.length - 1), { sampleRate } = this.#options.settings;
    const heard = lengthBefore(this.#chunk, plan.speed, { sampleRate }), length = store.lengthOf(index);
    const start = cropStart(length, Math.min(length, heard), random.uniform());
    const options = { self: index, length: this.#chunk, voices: { store, indices } };
    const [wave, augment] = await Promise.all([store.get(index), this.#augmenter.job(plan, options)]);
    const features = await this.#pool.features({ path, wave, cut: { start, length: heard }, augment });
    return { ...features, label: this.#augmenter.labelOf(label, plan) };
  }

  #checkLengths(indices: readonly number[]): void {
    const { settings: { sampleRate }, minSeconds = 0.5 } = this.#options;
    const secondsOf = (i: number) => this.#store.lengthOf(i) / sampleRate;
    const short = indices.filter((i) => secondsOf(i) < minSeconds);
    if (short.length === 0) return;
    const [first] = short, more = short.length > 1 ? ` (nor on ${short.length - 1} others that are too short)` : "";
    throw new RangeError(
      `Cannot train on ${JSON.stringify(this.utterances[first].path)}${more}: it has ${
        secondsOf(first).toFixed(3)
      } s, ` +
        `minSeconds is ${minSeconds}; remove what is shorter, or lower minSeconds`,
    );
  }
}

/** Random numbers of one draw: they depend on nothing but the seed, the epoch and the recording. */
function drawRandom(index: number, { seed, epoch }: DrawPlace): Random {
  return new Random(seed, (epoch + 1) * 2 ** 32 + index); // the streams below 2 ** 32 are those of the epochs' orders
}
