/**
 * The worker's side of {@linkcode FeaturePool}: recordings in, features out. The first message holds the settings.
 */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { featureJob, type FeatureReply, type WorkerJob, type WorkerReply } from "./feature_job.ts";

let run: ((path: string) => Promise<FeatureReply>) | undefined;

self.onmessage = async ({ data }: MessageEvent<{ settings: unknown } | WorkerJob>) => {
  if ("settings" in data) {
    run = featureJob(data.settings);
    return;
  }
  if (run === undefined) throw new Error("internal: a feature worker was given a recording before its settings");
  const reply = await run(data.path);
  const message: WorkerReply = { id: data.id, reply };
  self.postMessage(message, "data" in reply ? [reply.data.buffer] : []);
};
