/** Embeddings of windows of recordings, each by itself: what PLDA learns from where speakers have one recording. @module */
import { readAudio } from "../../data/audio/mod.ts";
import { evenWindows } from "../../data/batches/cuts.ts";
import type { EmbedOptions, NamedRecording } from "./embed_recordings.ts";
import { type Embedder, UnusableWave } from "./embedder.ts";
import type { FeatureWindows } from "./feature_embedder.ts";

/** A window's embedding. */
export interface WindowEmbedding {
  /** Which of the recordings it is of. */
  readonly place: number;
  /** Of length 1. */
  readonly embedding: Float32Array;
}

/** Windows whose features are in memory at once. */
const PORTION = 128;

/**
 * Embeds equal windows of at most `windowSeconds` of each recording; windows that are silent are left out, and recordings that cannot be used
 * are named.
 */
export async function embedWindows(
  embedder: Embedder,
  recordings: readonly NamedRecording[],
  { windowSeconds, screen, skipped }: EmbedOptions & { readonly windowSeconds: number },
): Promise<WindowEmbedding[]> {
  const found: WindowEmbedding[] = [];
  let waiting: { readonly place: number; readonly features: FeatureWindows }[] = [];
  using bar = screen.bar({ label: "Embed", total: recordings.length, unit: "recording", transient: true });
  const finish = async (done: number) => {
    const embeddings = await embedder.embedFeatures(waiting.map(({ features }) => features));
    waiting.forEach(({ place }, i) => found.push({ place, embedding: embeddings[i] }));
    waiting = [];
    bar.update(done);
  };
  for (const [place, { path, name }] of recordings.entries()) {
    try {
      const { samples } = await readAudio(path, { sampleRate: embedder.sampleRate });
      const most = Math.max(1, Math.round(windowSeconds * embedder.sampleRate));
      for (const { start, length } of evenWindows(samples.length, most)) {
        const features = prepared(embedder, samples.subarray(start, start + length), { name: path });
        if (features !== null) waiting.push({ place, features });
      }
    } catch (error) {
      const fact = error instanceof Error ? error.message : String(error);
      const reason = fact.includes(path) ? fact : `Cannot embed ${JSON.stringify(path)}: ${fact}`;
      skipped.push({ name, reason });
      screen.log(`Skipped: ${reason}`);
    }
    if (waiting.length >= PORTION) await finish(place + 1);
  }
  await finish(recordings.length);
  return found;
}

/** The features of a window; null where it is silent. */
function prepared(
  embedder: Embedder,
  window: Float32Array,
  { name }: { readonly name: string },
): FeatureWindows | null {
  try {
    return embedder.prepare(window, { name });
  } catch (error) {
    if (error instanceof UnusableWave && error.reason === "silent") return null;
    throw error;
  }
}
