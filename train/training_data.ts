/** What a run trains on: a data set folder, or recordings in class folders. @module */
import { join } from "node:path";
import { type FeatureSettings, parseFeatureSettings } from "../data/features/mod.ts";
import { findRecordings, findTestRecordings } from "../data/preprocess/recordings.ts";
import { openDataSet, type UtteranceSource } from "../data/sets/mod.ts";
import type { Screen } from "./progress.ts";
import { type ChunkConfig, openChunks } from "./chunks.ts";
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
  /** The utterances as training hears them, where that is not what `read` gives. */
  forTraining?(indices: readonly number[]): UtteranceSource;
}

/** Options of {@linkcode openTrainingData}. */
export interface OpenOptions extends ChunkConfig {
  /** Most memory for features or waveforms kept after reading, in MB. */
  readonly cacheMegabytes: number;
  /** Preset of features to compute from recordings. */
  readonly features: string;
  /** Pattern that finds the label in a recording's path; empty for the first folder. */
  readonly label: string;
  /** Column of a CSV list that holds the label; empty for its usual names. */
  readonly labelColumn: string;
  /** Says what was found. */
  readonly screen: Screen;
}

/**
 * Opens a data set, or reads recordings (in class folders, or listed with their labels): for training in chunks as
 * waveforms, else as features, all of which stay in memory. For more recordings than that there is `deno task preprocess`.
 *
 * @throws Error if there is no such folder or list, or it is neither.
 */
export async function openTrainingData(path: string, options: OpenOptions): Promise<TrainingData> {
  const isSet = await hasFile(path, "metadata.json");
  if (!isSet && (await isFile(path) || await looksLikeRecordings(path))) return await openRecordings(path, options);
  for (const key of ["label", "labelColumn"] as const) {
    if (isSet && options[key] !== "") {
      throw new Error(`Cannot use ${key} "${options[key]}" with the data set "${path}": it has labels of its own`);
    }
  }
  if (isSet && options.chunkSeconds > 0) {
    throw new Error(
      `Cannot draw chunks of ${options.chunkSeconds} s from the data set "${path}": it holds features; give the recordings ` +
        "themselves, or set chunkSeconds to 0",
    );
  }
  if (isSet && parseFeatureSettings(options.features).kind === "waveform") {
    throw new Error(
      `Cannot take waveforms from the data set "${path}": it holds features; give the recordings themselves`,
    );
  }
  const data = await openDataSet(path, { cacheBytes: options.cacheMegabytes * 1e6 });
  for (const notice of data.notices) options.screen.info(notice);
  return data;
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((stat) => stat.isFile, () => false);
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

async function openRecordings(path: string, options: OpenOptions): Promise<TrainingData> {
  const { screen, features, label, labelColumn } = options;
  const { recordings, unlabelled } = await findRecordings(path, {
    label: label === "" ? undefined : label,
    labelColumn: labelColumn === "" ? undefined : labelColumn,
  });
  if (unlabelled.length > 0) screen.info(`${unlabelled.length} recordings have no label and are left out`);
  const classes = [...new Set(recordings.map(({ label }) => label))].sort();
  if (classes.length === 1) {
    screen.info(`"${classes[0]}" is the only class: wanted is a folder with one for each class`);
  }
  const listed = recordings.map(({ path, name, label }) => ({ path, id: name, label: classes.indexOf(label) }));
  const featureSettings = parseFeatureSettings(features);
  const known = { classes, featureSettings, test: null, isRecordings: true };
  const chunks = { ...options, classes: classes.length, settings: featureSettings };
  if (options.chunkSeconds > 0) return { ...known, ...await openChunks(listed, chunks) };
  const onBroken = (_: unknown, reason: string) => {
    throw new Error(`${reason}; remove it, or let deno task preprocess skip it`);
  };
  const source = await readRecordings(listed, featureSettings, { screen, onBroken });
  return { ...source, ...known, [Symbol.dispose]() {} };
}
