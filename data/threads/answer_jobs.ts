/**
 * The worker's side of {@linkcode startThread}. The first message holds the settings.
 */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import type { FromThread, ToThread } from "./job_thread.ts";

/**
 * Answers jobs from now on.
 *
 * @param setUp from settings to the function that does a job; what it throws is told to who gave the job
 * @param transfer buffers of a reply that may be handed over instead of copied
 */
export function answerJobs<Job, Reply>(
  setUp: (settings: unknown) => (job: Job) => Promise<Reply>,
  transfer: (reply: Reply) => Transferable[],
): void {
  let run: ((job: Job) => Promise<Reply>) | undefined;
  self.onmessage = async ({ data }: MessageEvent<ToThread<Job>>) => {
    if ("settings" in data) {
      run = setUp(data.settings);
      return;
    }
    if (run === undefined) throw new Error("internal: a worker was given a job before its settings");
    const { id, job } = data;
    try {
      const reply = await run(job);
      self.postMessage({ id, reply } satisfies FromThread<Reply>, transfer(reply));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      self.postMessage({ id, error: message } satisfies FromThread<Reply>);
    }
  };
}
