import { Ahead } from "../batches/ahead.ts";
import type { StoredWave } from "./stored_wave.ts";
import type { WavePool } from "./wave_pool.ts";

/** Memory for recordings, which several stores may share. */
export interface WaveBudget {
  /** Bytes that are free. */
  left: number;
}

/** A recording that was read. */
interface Entry {
  readonly path: string;
  /** Number of samples. */
  readonly length: number;
  /** Its samples, where there was room for them. */
  readonly kept: StoredWave | undefined;
}

/** Options of {@linkcode WaveStore.open}. */
export interface WaveStoreOptions {
  readonly pool: WavePool;
  readonly budget: WaveBudget;
  /** Is told how many have been read. */
  readonly onProgress?: (done: number) => void;
}

/**
 * Recordings, all of which are read once and checked. As many as there is room for stay in memory, the first of them; the
 * others are read anew each time. (Training comes by each of them equally often, so none is worth more than another.)
 */
export class WaveStore {
  /** Places of recordings that are digital silence. */
  readonly silent: readonly number[];
  readonly #pool: WavePool;
  readonly #entries: readonly Entry[];

  private constructor(pool: WavePool, entries: readonly Entry[], silent: readonly number[]) {
    [this.#pool, this.#entries, this.silent] = [pool, entries, silent];
  }

  /**
   * Reads recordings.
   *
   * @throws {Error} one cannot be used; the message names it
   */
  static async open(
    paths: readonly string[],
    { pool, budget, onProgress }: WaveStoreOptions,
  ): Promise<WaveStore> {
    const entries: Entry[] = [], silent: number[] = [], queue = paths.values();
    const ahead = new Ahead(() => {
      const { value, done } = queue.next();
      return done ? undefined : pool.read(value);
    }, pool.width);
    for (let read = await ahead.take(); read !== undefined; read = await ahead.take()) {
      const { wave } = read, fits = wave.byteLength <= budget.left;
      if (fits) budget.left -= wave.byteLength;
      if (read.silent) silent.push(entries.length);
      entries.push({ path: paths[entries.length], length: wave.length, kept: fits ? wave : undefined });
      onProgress?.(entries.length);
    }
    return new WaveStore(pool, entries, silent);
  }

  /** Number of recordings. */
  get count(): number {
    return this.#entries.length;
  }

  /** Number of samples of a recording. */
  lengthOf(index: number): number {
    return this.#entries[index].length;
  }

  /**
   * The samples of a recording.
   *
   * @throws {Error} it has to be read again and has gone, or is another one now
   */
  async get(index: number): Promise<StoredWave> {
    const { path, length, kept } = this.#entries[index];
    if (kept !== undefined) return kept;
    const { wave } = await this.#pool.read(path);
    if (wave.length === length) return wave;
    throw new Error(
      `Cannot use ${JSON.stringify(path)}: it had ${length} samples at first, and has ${wave.length} now`,
    );
  }
}
