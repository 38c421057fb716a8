/** Requests wait here for the model, which takes several at once. @module */
import type { FeatureWindows } from "../../train/verification/feature_embedder.ts";
import { overloaded } from "./api_error.ts";

interface Waiting {
  readonly windows: FeatureWindows;
  readonly signal: AbortSignal;
  readonly resolve: (embedding: Float32Array) => void;
  readonly reject: (error: unknown) => void;
}

/** Options of {@linkcode EmbeddingQueue}. */
export interface QueueOptions {
  /** Most recordings that wait. */
  readonly capacity: number;
  /** Most recordings a batch; default 16. */
  readonly maxBatch?: number;
  /** How long the first of a batch waits for company, in milliseconds; default 3. */
  readonly waitMs?: number;
  /** Is told how many recordings a batch has. */
  readonly onBatch?: (size: number) => void;
}

/** A bounded queue in front of a model. */
export class EmbeddingQueue {
  readonly #embed: (recordings: readonly FeatureWindows[]) => Promise<Float32Array[]>;
  readonly #options: Required<QueueOptions>;
  readonly #waiting: Waiting[] = [];
  #running: Promise<void> | null = null;

  constructor(embed: (recordings: readonly FeatureWindows[]) => Promise<Float32Array[]>, options: QueueOptions) {
    this.#embed = embed;
    this.#options = { maxBatch: 16, waitMs: 3, onBatch: () => {}, ...options };
  }

  /** Recordings that wait. */
  get length(): number {
    return this.#waiting.length;
  }

  /**
   * Embeds the recordings of a request, together with those of others; in order.
   *
   * @param signal aborted where nobody wants the answer any more
   * @throws {ApiError} 503 where there is no room.
   */
  async embed(recordings: readonly FeatureWindows[], signal: AbortSignal): Promise<Float32Array[]> {
    if (this.#waiting.length + recordings.length > this.#options.capacity) {
      throw overloaded("too many recordings wait for the model");
    }
    const answers = recordings.map((windows) => {
      const { promise, resolve, reject } = Promise.withResolvers<Float32Array>();
      this.#waiting.push({ windows, signal, resolve, reject });
      return promise;
    });
    this.#running ??= this.#run();
    return await Promise.all(answers);
  }

  /** Waits until nothing is under way. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  async #run(): Promise<void> {
    const { maxBatch, waitMs } = this.#options;
    while (this.#waiting.length > 0) {
      // Also after a batch: the model keeps this thread busy, and requests that came meanwhile have not been seen yet.
      await new Promise((resolve) => setTimeout(resolve, this.#waiting.length >= maxBatch ? 0 : waitMs));
      const batch = this.#waiting.splice(0, maxBatch);
      const wanted = batch.filter(({ signal }) => !signal.aborted);
      batch.forEach(({ signal, reject }) => signal.aborted && reject(signal.reason));
      if (wanted.length > 0) await this.#runBatch(wanted);
    }
    this.#running = null;
  }

  /** One bad recording shall not fail the others: where a batch fails, each is tried by itself. */
  async #runBatch(batch: readonly Waiting[]): Promise<void> {
    this.#options.onBatch(batch.length);
    try {
      const embeddings = await this.#embed(batch.map(({ windows }) => windows));
      batch.forEach(({ resolve }, i) => resolve(embeddings[i]));
    } catch (error) {
      if (batch.length === 1) return batch[0].reject(error);
      for (const one of batch) await this.#runBatch([one]);
    }
  }
}
