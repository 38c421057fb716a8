/** What a verifier is measured on: recordings with embeddings, and trials of them. @module */
import { isAbsolute, join } from "node:path";
import { findRecordings, findTestRecordings } from "../../data/preprocess/recordings.ts";
import { openFittingSet } from "../data_fit.ts";
import type { LoadedModel } from "../model_from_bytes.ts";
import type { Skipped } from "../model_recordings.ts";
import type { Screen } from "../progress.ts";
import { checkKinds } from "./check_kinds.ts";
import { type Embedded, embedRecordings, embedUtterances, type NamedRecording } from "./embed_recordings.ts";
import { Embedder } from "./embedder.ts";
import { FeatureEmbedder } from "./feature_embedder.ts";
import { numbered, speakersOfTrials } from "./trial_speakers.ts";
import { allPairs, placesWhere, type TrialList } from "./trials.ts";
import { readTrials } from "./trials_file.ts";
import { matrixOf, type VectorMatrix } from "./vector_matrix.ts";

/** How recordings are embedded. */
export interface DataOptions {
  readonly loaded: LoadedModel;
  /** Longest window, in seconds. */
  readonly windowSeconds: number;
  /** Most windows a batch. */
  readonly batchSize: number;
  /** Pattern that finds the speaker in a recording's path. */
  readonly label?: string;
  /** Column of a CSV list that holds the speaker. */
  readonly labelColumn?: string;
  readonly screen: Screen;
  /** Gets recordings that cannot be used. */
  readonly skipped: Skipped[];
  /** Whether recordings of unknown speakers are refused. Default false. */
  readonly mustSayWho?: boolean;
}

/** Recordings with their embeddings. */
export interface EmbeddedRecordings {
  readonly names: readonly string[];
  /** Speaker of each; null where nothing says so. */
  readonly labels: readonly string[] | null;
  /** Length of each; NaN where only features are known. */
  readonly seconds: Float64Array;
  readonly embeddings: VectorMatrix;
}

/** Recordings, and trials of them. */
export interface VerificationData extends Pick<EmbeddedRecordings, "names" | "seconds" | "embeddings"> {
  /** Number of each recording's speaker. */
  readonly speakers: Uint32Array;
  /** Names of speakers by number, where they are known. */
  readonly speakerNames: readonly string[];
  readonly trials: TrialList;
  /** Trials of the list of a recording with itself. */
  readonly selfTrials: number;
  /** Trials of the list that name a recording which cannot be used. */
  readonly lostTrials: number;
}

/**
 * The trials of a list.
 *
 * @param path the list
 * @param options `root`: folder from which its paths count
 * @throws {Error} Where the list is malformed, or a recording that it names does not exist.
 */
export async function openTrials(
  path: string,
  { root, ...options }: DataOptions & { readonly root: string },
): Promise<VerificationData> {
  const { names, lines, trials, selfTrials } = await readTrials(path);
  checkKinds(trials, 0); // before hours of work
  const recordings = names.map((name) => ({ path: isAbsolute(name) ? name : join(root, name), name }));
  await checkPresence(recordings, { list: path, lines, root });
  const embedder = new Embedder(options.loaded, options);
  const found = await embedRecordings(embedder, recordings, options);
  const { places, kept } = compact(found);
  const left = placesWhere(trials, (a, b) => found[a] !== null && found[b] !== null);
  const compacted = {
    left: left.map((i) => places[trials.left[i]]),
    right: left.map((i) => places[trials.right[i]]),
    isTarget: Uint8Array.from(left, (i) => trials.isTarget[i]),
  };
  const keptNames = kept.map((place) => names[place]);
  const speakers = speakersOfTrials(keptNames, compacted);
  return {
    names: keptNames,
    seconds: Float64Array.from(kept, (place) => found[place]!.seconds),
    embeddings: matrixOf(kept.map((place) => found[place]!.embedding)),
    speakers,
    speakerNames: [],
    trials: compacted,
    selfTrials,
    lostTrials: trials.left.length - left.length,
  };
}

/** All pairs of labelled recordings. */
export async function openAllPairs(
  path: string,
  { self, ...options }: DataOptions & { readonly self: boolean },
): Promise<VerificationData> {
  const { names, labels, seconds, embeddings } = await openEmbedded(path, { ...options, mustSayWho: true });
  if (labels === null) throw new Error("internal: recordings without speakers were embedded");
  const speakers = numbered(labels), trials = allPairs(speakers, { self });
  return {
    names,
    seconds,
    embeddings,
    speakers,
    speakerNames: [...new Set(labels)],
    trials,
    selfTrials: 0,
    lostTrials: 0,
  };
}

/** Embeds a folder of recordings, a list of them, or a data set. */
export async function openEmbedded(path: string, options: DataOptions): Promise<EmbeddedRecordings> {
  const isSet = await Deno.stat(join(path, "metadata.json")).then(() => true, () => false);
  if (isSet) return await openSet(path, options);
  const { recordings, labels } = await listRecordings(path, options);
  const found = await embedRecordings(new Embedder(options.loaded, options), recordings, options);
  const { kept } = compact(found);
  return {
    names: kept.map((place) => recordings[place].name),
    labels: labels === null ? null : kept.map((place) => labels[place]),
    seconds: Float64Array.from(kept, (place) => found[place]!.seconds),
    embeddings: matrixOf(kept.map((place) => found[place]!.embedding)),
  };
}

async function openSet(path: string, options: DataOptions): Promise<EmbeddedRecordings> {
  const { loaded, batchSize, windowSeconds, screen } = options;
  using set = await openFittingSet(path, loaded);
  const windowFrames = Math.max(1, Math.round(windowSeconds * 100)); // frames of such data are 10 ms apart
  const found = await embedUtterances(new FeatureEmbedder(loaded, { batchSize }), set, { screen, windowFrames });
  return {
    names: set.utterances.map(({ id }) => id),
    labels: set.utterances.map(({ label }) => set.classes[label]),
    seconds: new Float64Array(set.utterances.length).fill(NaN),
    embeddings: matrixOf(found.map((embedded) => embedded!.embedding)),
  };
}

/** Recordings of a folder or a list, with their speakers where something says who they are. */
export async function listRecordings(
  path: string,
  { label, labelColumn, screen, mustSayWho = false }: DataOptions,
): Promise<{ recordings: NamedRecording[]; labels: string[] | null }> {
  try {
    const { recordings, unlabelled } = await findRecordings(path, { label, labelColumn });
    if (unlabelled.length > 0) screen.info(`${unlabelled.length} recordings have no label and are left out`);
    return { recordings, labels: recordings.map(({ label }) => label) };
  } catch (error) {
    const isTold = label !== undefined || labelColumn !== undefined;
    if (isTold || mustSayWho && error instanceof SyntaxError) throw error; // a line of a list, and what is wrong with it
    // loose recordings, or a list without speakers; where it is something else, this says what
    const recordings = await findTestRecordings(path);
    if (!mustSayWho) return { recordings, labels: null };
    throw new Error(
      `Cannot compare the recordings of "${path}": nothing says who speaks; give folders named by the speakers, ` +
        "a list of lines PATH<tab>SPEAKER, a --label pattern, or the --label-column of a CSV file",
      { cause: error },
    );
  }
}

/** The recordings that have an embedding, and where each of all is among them. */
function compact(found: readonly (Embedded | null)[]): { kept: number[]; places: Uint32Array } {
  const kept = [...found.keys()].filter((i) => found[i] !== null);
  const places = new Uint32Array(found.length);
  kept.forEach((place, i) => places[place] = i);
  return { kept, places };
}

/** Names all files that are missing at once, before hours of work. */
async function checkPresence(
  recordings: readonly NamedRecording[],
  { list, lines, root }: { list: string; lines: Uint32Array; root: string },
): Promise<void> {
  const missing: number[] = [];
  for (const [i, { path }] of recordings.entries()) {
    if (!await Deno.stat(path).then(({ isFile }) => isFile, () => false)) missing.push(i);
  }
  if (missing.length === 0) return;
  const [first] = missing;
  throw new Error(
    `Cannot evaluate the trials of "${list}": ${missing.length} of ${recordings.length} recordings that it names are ` +
      `not in "${root}", first "${recordings[first].name}" (line ${lines[first]}); give their folder with --root DIR`,
  );
}
