import type { FeatureSettings } from "../features/settings.ts";
import { type Hand, startThread } from "../threads/job_thread.ts";
import { featureJob, type FeatureReply } from "./feature_job.ts";

/** Somebody who turns the recording at a path into features. */
type FeatureHand = Hand<string, FeatureReply>;

/** Recordings that a worker has at once: while one is computed the next is read, and no time is lost to messages. */
const JOBS_PER_WORKER = 2;
/** Recordings computed ahead of the one that is waited for, so that a long one does not leave other threads idle. */
const AHEAD_PER_WORKER = 8;

/** Computes features of many recordings on several threads. */
export class FeaturePool implements Disposable {
  readonly #hands: readonly FeatureHand[];

  /**
   * Starts the threads.
   *
   * @param settings of the features
   * @param workers number of threads; 0 works on the calling thread
   */
  constructor(settings: FeatureSettings, workers: number) {
    const module = new URL("./feature_worker.ts", import.meta.url);
    this.#hands = workers === 0
      ? [{ run: featureJob(settings), end: () => {} }]
      : Array.from({ length: workers }, () => startThread(module, settings));
  }

  /**
   * Features of recordings, in the order of the recordings, whatever the order in which they are ready. Some are computed
   * ahead of what has been taken; breaking off leaves the rest undone.
   *
   * @param paths the recordings
   * @throws {Error} a thread failed; a recording that cannot be used is a reply with a reason
   */
  async *map(paths: readonly string[]): AsyncGenerator<FeatureReply, void, void> {
    const idle = Array.from({ length: JOBS_PER_WORKER }, () => this.#hands).flat(), waiting: (() => void)[] = [];
    const run = async (path: string) => {
      while (idle.length === 0) await new Promise<void>((resolve) => waiting.push(resolve));
      const hand = idle.shift()!;
      try {
        return await hand.run(path);
      } finally {
        idle.push(hand);
        waiting.shift()?.();
      }
    };
    const running: Promise<FeatureReply>[] = [];
    for (const path of paths) {
      const job = run(path);
      job.catch(() => {}); // reported when its turn comes
      running.push(job);
      if (running.length >= AHEAD_PER_WORKER * this.#hands.length) yield await running.shift()!;
    }
    for (const job of running) yield await job;
  }

  /** Ends the threads. */
  close(): void {
    for (const hand of this.#hands) hand.end();
  }

  /** Ends the threads at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }
}
