import type { FeatureSettings } from "../features/settings.ts";
import { type Hand, startThread } from "../threads/job_thread.ts";
import {
  type FeatureJob,
  type FeatureReply,
  type ReadReply,
  type WaveJob,
  waveJobs,
  type WaveReply,
} from "./wave_jobs.ts";

/** Jobs that a thread has at once: while one is computed the next is read, and no time is lost to messages. */
const JOBS_PER_THREAD = 2;

/** Reads recordings and computes features on threads; jobs are begun in the order in which they are given. */
export class WavePool implements Disposable {
  readonly #hands: readonly Hand<WaveJob, WaveReply>[];
  readonly #idle: Hand<WaveJob, WaveReply>[];
  readonly #waiting: ((hand: Hand<WaveJob, WaveReply>) => void)[] = [];

  /**
   * Starts the threads.
   *
   * @param settings of the features
   * @param workers number of threads; 0 works on the calling thread
   */
  constructor(settings: FeatureSettings, workers: number) {
    const module = new URL("./wave_worker.ts", import.meta.url);
    this.#hands = workers === 0
      ? [{ run: waveJobs(settings), end: () => {} }]
      : Array.from({ length: workers }, () => startThread(module, settings));
    this.#idle = Array.from({ length: JOBS_PER_THREAD }, () => this.#hands).flat();
  }

  /** How many jobs are worth giving at once. */
  get width(): number {
    return this.#hands.length * JOBS_PER_THREAD;
  }

  /**
   * Reads a recording.
   *
   * @throws {Error} it cannot be decoded, is empty, or has a sample that is not finite; the message names it
   */
  async read(path: string): Promise<ReadReply> {
    const reply = await this.#run({ kind: "read", path });
    if (reply.kind !== "read") throw new Error("internal: a recording was answered with features");
    return reply;
  }

  /** Features of a part of a recording. */
  async features(job: Omit<FeatureJob, "kind">): Promise<FeatureReply> {
    const reply = await this.#run({ kind: "features", ...job });
    if (reply.kind !== "features") throw new Error("internal: features were answered with a recording");
    return reply;
  }

  /** Ends the threads. */
  close(): void {
    for (const hand of this.#hands) hand.end();
  }

  /** Ends the threads at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  async #run(job: WaveJob): Promise<WaveReply> {
    const hand = this.#idle.shift() ?? await new Promise<Hand<WaveJob, WaveReply>>((take) => this.#waiting.push(take));
    try {
      return await hand.run(job);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#idle.push(hand);
      else next(hand);
    }
  }
}
