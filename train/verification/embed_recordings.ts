/** Embeddings of recordings on disk, and of data sets' utterances. @module */
import { readAudio } from "../../data/audio/mod.ts";
import { evenWindows } from "../../data/batches/cuts.ts";
import type { UtteranceSource } from "../../data/sets/mod.ts";
import type { Skipped } from "../model_recordings.ts";
import type { Screen } from "../progress.ts";
import type { Embedder } from "./embedder.ts";
import type { FeatureEmbedder, FeatureWindows } from "./feature_embedder.ts";
import { waveDigest } from "./voice_digest.ts";

/** A recording to embed. */
export interface NamedRecording {
  /** Where it is. */
  readonly path: string;
  /** What it is called in results. */
  readonly name: string;
}

/** The embedding of a recording. */
export interface Embedded {
  /** Of length 1. */
  readonly embedding: Float32Array;
  /** Length of the recording; NaN where only its features are known. */
  readonly seconds: number;
  /** See `waveDigest`; "" where only its features are known. */
  readonly digest: string;
}

/** What is known of a recording before the model has seen it. */
type Prepared = Omit<Embedded, "embedding"> & { readonly windows: FeatureWindows };

/** Options of {@linkcode embedRecordings}. */
export interface EmbedOptions {
  /** Shows how far it has come, and what is left out. */
  readonly screen: Screen;
  /** Gets recordings that cannot be used. */
  readonly skipped: Skipped[];
}

/** Recordings whose features are in memory at once, at most, and windows of these: half an hour or so. */
const PORTION = { recordings: 128, windows: 256 };

/**
 * The embedding of each recording, in order; null for one that cannot be read, is too short or silent: it is named and left out.
 *
 * @throws {Error} Where the model gives what is no number, or the device is lost.
 */
export async function embedRecordings(
  embedder: Embedder,
  recordings: readonly NamedRecording[],
  { screen, skipped }: EmbedOptions,
): Promise<(Embedded | null)[]> {
  const prepare = async ({ path, name }: NamedRecording) => {
    try {
      const { samples, seconds } = await readAudio(path, { sampleRate: embedder.sampleRate });
      return { windows: embedder.prepare(samples, { name: path }), seconds, digest: await waveDigest(samples) };
    } catch (error) {
      const fact = error instanceof Error ? error.message : String(error);
      const reason = fact.includes(path) ? fact : `Cannot embed ${JSON.stringify(path)}: ${fact}`;
      skipped.push({ name, reason });
      screen.log(`Skipped: ${reason}`);
      return null;
    }
  };
  const embed = (prepared: readonly FeatureWindows[]) => embedder.embedFeatures(prepared);
  return await inPortions(recordings.length, { screen, prepare: (i) => prepare(recordings[i]), embed });
}

/** The embedding of each utterance of a data set, in order; long ones are cut into equal windows. */
export async function embedUtterances(
  embedder: FeatureEmbedder,
  source: UtteranceSource,
  { screen, windowFrames }: { readonly screen: Screen; readonly windowFrames: number },
): Promise<(Embedded | null)[]> {
  const { channels } = source;
  const prepare = async (i: number) => {
    const { data, frames } = await source.read(i);
    const windows = evenWindows(frames, Math.min(windowFrames, embedder.mostFrames)).map(({ start, length }) => ({
      data: data.subarray(start * channels, (start + length) * channels),
      frames: length,
      channels,
    }));
    return { windows, seconds: NaN, digest: "" };
  };
  const embed = (prepared: readonly FeatureWindows[]) => embedder.embed(prepared);
  return await inPortions(source.utterances.length, { screen, prepare, embed });
}

/** Prepares and embeds some at a time, so that memory does not grow with their number. */
async function inPortions(count: number, { screen, prepare, embed }: {
  readonly screen: Screen;
  readonly prepare: (place: number) => Promise<Prepared | null>;
  readonly embed: (prepared: readonly FeatureWindows[]) => Promise<Float32Array[]>;
}): Promise<(Embedded | null)[]> {
  const found = new Array<Embedded | null>(count).fill(null);
  let portion: (Prepared & { readonly place: number })[] = [], windows = 0;
  using bar = screen.bar({ label: "Embed", total: count, unit: "recording", transient: true });
  const finish = async (done: number) => {
    const embeddings = await embed(portion.map(({ windows }) => windows));
    portion.forEach(({ place, seconds, digest }, i) => found[place] = { embedding: embeddings[i], seconds, digest });
    [portion, windows] = [[], 0];
    bar.update(done);
  };
  for (let place = 0; place < count; place++) {
    const prepared = await prepare(place);
    if (prepared !== null) windows += portion[portion.push({ place, ...prepared }) - 1].windows.length;
    if (portion.length >= PORTION.recordings || windows >= PORTION.windows) await finish(place + 1);
  }
  await finish(count);
  return found;
}
