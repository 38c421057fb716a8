/** Recordings as utterances: their features are computed now. @module */
import { createFeatures, type FeatureSettings } from "../data/features/mod.ts";
import { featureJob } from "../data/preprocess/feature_job.ts";
import type { Utterance, UtteranceFeatures, UtteranceSource } from "../data/sets/mod.ts";
import type { Screen } from "./progress.ts";

/** A recording to read. */
export interface RecordingToRead {
  readonly path: string;
  /** Its name in predictions. */
  readonly id: string;
  /** Index of its class; −1 where it is not known. */
  readonly label: number;
}

/** What to do while reading. */
export interface ReadOptions {
  readonly screen: Screen;
  /** Is told why a recording cannot be used; it is left out unless this throws. */
  readonly onBroken: (recording: RecordingToRead, reason: string) => void;
  /** Says what is wrong with a recording of so many frames; null (by default always) where nothing is. */
  readonly faultOf?: (frames: number) => string | null;
}

/** Reads recordings and computes their features, all of which stay in memory. */
export async function readRecordings(
  recordings: readonly RecordingToRead[],
  settings: FeatureSettings,
  { screen, onBroken, faultOf = () => null }: ReadOptions,
): Promise<UtteranceSource> {
  const job = featureJob(settings);
  const utterances: Utterance[] = [];
  const features: UtteranceFeatures[] = [];
  using bar = screen.bar({ label: "Read", total: recordings.length, unit: "recording", transient: true });
  for (const [i, recording] of recordings.entries()) {
    const reply = await job(recording.path);
    const fault = "reason" in reply ? null : faultOf(reply.frames);
    if ("reason" in reply) onBroken(recording, reply.reason);
    else if (fault !== null) onBroken(recording, `Cannot use ${JSON.stringify(recording.path)}: ${fault}`);
    else {
      features.push(reply);
      utterances.push({ ...recording, frames: reply.frames });
    }
    bar.update(i + 1);
  }
  return { utterances, channels: createFeatures(settings).channels, read: (i) => Promise.resolve(features[i]) };
}
