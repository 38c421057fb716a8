/** What goes to a worker: its settings once, then jobs. */
export type ToThread<Job> = { readonly settings: unknown } | { readonly id: number; readonly job: Job };

/** What comes back for a job: the reply, or the message of what was thrown. */
export type FromThread<Reply> =
  | { readonly id: number; readonly reply: Reply }
  | { readonly id: number; readonly error: string };

/** Somebody who does jobs of one kind. */
export interface Hand<Job, Reply> {
  /** Does one; several may be under way, and each has its own answer. */
  run(job: Job): Promise<Reply>;
  /** Ends it; what is under way is never answered. */
  end(): void;
}

/**
 * Starts a worker of {@linkcode answerJobs}. The module may lie anywhere that an import may, behind a URL as well.
 *
 * @param module of the worker
 * @param settings first thing that it gets
 */
export function startThread<Job, Reply>(module: URL, settings: unknown): Hand<Job, Reply> {
  const worker = new Worker(module, { type: "module" });
  const waiting = new Map<number, PromiseWithResolvers<Reply>>();
  let count = 0;
  let failure: Error | undefined;
  worker.onmessage = ({ data }: MessageEvent<FromThread<Reply>>) => {
    const answer = waiting.get(data.id);
    waiting.delete(data.id);
    if ("error" in data) answer?.reject(new Error(data.error));
    else answer?.resolve(data.reply);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    failure = new Error(`Cannot go on in a worker: ${event.message}`);
    for (const { reject } of waiting.values()) reject(failure);
  };
  worker.postMessage({ settings });
  const run = (job: Job) => {
    if (failure !== undefined) return Promise.reject(failure);
    const id = count++, answer = Promise.withResolvers<Reply>();
    waiting.set(id, answer);
    worker.postMessage({ id, job });
    return answer.promise;
  };
  return { run, end: () => worker.terminate() };
}
