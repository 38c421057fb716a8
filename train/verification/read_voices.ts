/** Recordings from files as voices: embedded, with digest and length. @module */
import { readAudio } from "../../data/audio/mod.ts";
import type { NewRecording } from "../../data/speakers/speaker_store.ts";
import type { Skipped } from "../model_recordings.ts";
import type { Screen } from "../progress.ts";
import type { Embedder } from "./embedder.ts";
import type { FeatureWindows } from "./feature_embedder.ts";
import { waveDigest } from "./voice_digest.ts";

/** A recording that has been read. */
export interface Voiceprint extends NewRecording {
  readonly path: string;
}

/** Recordings whose features are in memory at a time. */
const PORTION = 16;

/**
 * Reads and embeds recordings, in order; one that cannot be used (broken, silent, too short) is left out and named.
 *
 * @throws {Error} Where none can be used.
 */
export async function readVoices(
  paths: readonly string[],
  embedder: Embedder,
  { screen }: { readonly screen: Screen },
): Promise<{ voices: Voiceprint[]; skipped: Skipped[] }> {
  const voices: Voiceprint[] = [], skipped: Skipped[] = [];
  for (let at = 0; at < paths.length; at += PORTION) {
    const read: (Omit<Voiceprint, "embedding"> & { readonly windows: FeatureWindows })[] = [];
    for (const path of paths.slice(at, at + PORTION)) {
      try {
        read.push(await prepare(path, embedder));
      } catch (error) {
        const reason = reasonFor(path, error);
        skipped.push({ name: path, reason });
        screen.log(`Skipped: ${reason}`);
      }
    }
    const embeddings = await embedder.embedFeatures(read.map(({ windows }) => windows));
    read.forEach(({ windows: _, ...facts }, i) => voices.push({ ...facts, embedding: embeddings[i] }));
  }
  if (voices.length === 0) {
    const all = paths.length === 1 ? "the recording cannot" : `none of ${paths.length} recordings can`;
    throw new Error(`Cannot go on: ${all} be used`);
  }
  return { voices, skipped };
}

async function prepare(path: string, embedder: Embedder) {
  const { samples, seconds } = await readAudio(path, { sampleRate: embedder.sampleRate });
  return { path, seconds, digest: await waveDigest(samples), windows: embedder.prepare(samples) };
}

/** Every reason names the recording; those of `readAudio` do already. */
function reasonFor(path: string, error: unknown): string {
  const fact = error instanceof Error ? error.message : String(error);
  return fact.includes(path) ? fact : fact.replace("the recording", () => JSON.stringify(path));
}
