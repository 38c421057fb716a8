/** What a run trains on: a data set folder, or recordings in class folders. @module */
import { join } from "node:path";
import { type FeatureSettings, parseFeatureSettings } from "../data/features/mod.ts";
import { findRecordings, findTestRecordings } from "../data/preprocess/recordings.ts";
import { openDataSet, type UtteranceSource } from "../data/sets/mod.ts";
import type { Screen } from "./progress.ts";
import { readRecordings } from "./recordings_source.ts";

/** Labelled utterances with the names of their classes. */
export interface TrainingData extends UtteranceSource, Disposable {
  readonly classes: readonly string[];
  /** Unlabelled utterances to predict, or null. */
  readonly test: UtteranceSource | null;
  /** How features are made from recordings; null where the folder does not say. */
  readonly featureSettings: FeatureSettings | null;
  /** True for recordings whose features are computed now; `path` of an utterance is then the recording. */
  readonly isRecordings?: boolean;
}

/** Options of {@linkcode openTrainingData}. */
export interface OpenOptions {
  /** Most memory for features kept after reading, in MB. */
  readonly cacheMegabytes: number;
  /** Preset of features to compute from recordings. */
  readonly features: string;
  /** Says what was found. */
  readonly screen: Screen;
}

/**
 * Opens a data set, or reads recordings in class folders and computes their features, all of which stay in memory: for more
 * recordings than that there is `deno task preprocess`.
 *
 * @throws Error if there is no such folder, or it is neither.
 */
export async function openTrainingData(
  folder: string,
  { cacheMegabytes, features, screen }: OpenOptions,
): Promise<TrainingData> {
  const isSet = await hasFile(folder, "metadata.json");
  if (!isSet && await looksLikeRecordings(folder)) return await openRecordings(folder, features, screen);
  const data = await openDataSet(folder, { cacheBytes: cacheMegabytes * 1e6 });
  for (const notice of data.notices) screen.info(notice);
  return data;
}

async function hasFile(folder: string, name: string): Promise<boolean> {
  return await Deno.stat(join(folder, name)).then(() => true, () => false);
}

/** Whether there are folders or recordings in it; what else is wrong with it, opening it as a data set says. */
async function looksLikeRecordings(folder: string): Promise<boolean> {
  try {
    for await (const entry of Deno.readDir(folder)) if (entry.isDirectory) return true;
    return await findTestRecordings(folder).then(() => true, () => false); // loose ones, or in linked folders
  } catch {
    return false;
  }
}

async function openRecordings(folder: string, features: string, screen: Screen): Promise<TrainingData> {
  const { recordings, unlabelled } = await findRecordings(folder);
  if (unlabelled.length > 0) screen.info(`${unlabelled.length} recordings lie in no class folder and are left out`);
  const classes = [...new Set(recordings.map(({ label }) => label))].sort();
  if (classes.length === 1) {
    screen.info(`"${classes[0]}" is the only class: wanted is a folder with one for each class`);
  }
  const listed = recordings.map(({ path, name, label }) => ({ path, id: name, label: classes.indexOf(label) }));
  const onBroken = (_: unknown, reason: string) => {
    throw new Error(`${reason}; remove it, or let deno task preprocess skip it`);
  };
  const featureSettings = parseFeatureSettings(features);
  const source = await readRecordings(listed, featureSettings, { screen, onBroken });
  return { ...source, classes, featureSettings, test: null, isRecordings: true, [Symbol.dispose]() {} };
}
