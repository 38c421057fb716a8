/** Recordings from files as voices: embedded, with digest and length. @module */
import type { NewRecording } from "../../data/speakers/speaker_store.ts";
import type { Skipped } from "../model_recordings.ts";
import type { Screen } from "../progress.ts";
import { embedRecordings } from "./embed_recordings.ts";
import type { Embedder } from "./embedder.ts";

/** A recording that has been read. */
export interface Voiceprint extends NewRecording {
  readonly path: string;
}

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
  const skipped: Skipped[] = [];
  const found = await embedRecordings(embedder, paths.map((path) => ({ path, name: path })), { screen, skipped });
  const voices = found.flatMap((voice, i) => voice === null ? [] : [{ path: paths[i], ...voice }]);
  if (voices.length > 0) return { voices, skipped };
  const all = paths.length === 1 ? "the recording cannot" : `none of ${paths.length} recordings can`;
  throw new Error(`Cannot go on: ${all} be used`);
}
