/** Labelled data of any kind, before their features are read: names and labels first, so that a part can be chosen. @module */
import { join } from "node:path";
import { findRecordings } from "../../data/preprocess/recordings.ts";
import type { Utterance, UtteranceSource } from "../../data/sets/mod.ts";
import { openFittingSet } from "../data_fit.ts";
import type { LoadedModel } from "../model_from_bytes.ts";
import { readForModel, type Skipped } from "../model_recordings.ts";
import type { Screen } from "../progress.ts";

/** Labelled utterances, listed. */
export interface LabelledData extends Disposable {
  /** Names of the classes that occur in the data, as training would have them: labels are places in it. */
  readonly classes: readonly string[];
  /** All utterances; frames are 0 where they are not known yet. */
  readonly utterances: readonly Utterance[];
  /**
   * Some of them with their features, labelled by the model's classes.
   *
   * @param indices utterances whose classes the model knows
   */
  open(indices: readonly number[]): Promise<UtteranceSource & Disposable>;
}

/** Options of {@linkcode openLabelledData}. */
export interface LabelledOptions {
  /** Pattern that finds the label in a recording's path. */
  readonly label?: string;
  /** Column of a CSV list that holds the label. */
  readonly labelColumn?: string;
  /** Says what is left out. */
  readonly screen: Screen;
  /** Gets recordings that cannot be read. */
  readonly skipped: Skipped[];
}

/**
 * Lists a data set's labelled utterances, recordings in class folders, or those of a list (lines `path⇥label`, or CSV).
 *
 * @throws {Error} Where there are none, or they do not fit the model.
 */
export async function openLabelledData(
  path: string,
  { loaded, ...options }: LabelledOptions & { loaded: LoadedModel },
): Promise<LabelledData> {
  const isSet = await Deno.stat(join(path, "metadata.json")).then(() => true, () => false);
  return isSet ? await openSet(path, loaded) : await openRecordings(path, loaded, options);
}

async function openSet(folder: string, loaded: LoadedModel): Promise<LabelledData> {
  const set = await openFittingSet(folder, loaded);
  const { classes, utterances, channels } = set;
  const places = placesIn(loaded.classes, classes);
  const open = (indices: readonly number[]) =>
    Promise.resolve({
      channels,
      utterances: indices.map((i) => ({ ...utterances[i], label: places[utterances[i].label] })),
      read: (index: number) => set.read(indices[index]),
      [Symbol.dispose]() {},
    });
  return { classes, utterances, open, [Symbol.dispose]: () => set.close() };
}

async function openRecordings(path: string, loaded: LoadedModel, options: LabelledOptions): Promise<LabelledData> {
  const { label, labelColumn, screen, skipped } = options;
  const { recordings, unlabelled } = await findRecordings(path, { label, labelColumn });
  if (unlabelled.length > 0) screen.info(`${unlabelled.length} recordings have no label and are left out`);
  const classes = [...new Set(recordings.map(({ label }) => label))].sort();
  const places = placesIn(loaded.classes, classes);
  const utterances = recordings.map(({ path, name, label }) => {
    return { id: name, path, frames: 0, label: classes.indexOf(label) };
  });
  const open = (indices: readonly number[]) => {
    const wanted = indices.map((i) => ({ ...utterances[i], label: places[utterances[i].label] }));
    return readForModel(loaded, wanted, { verb: "evaluate", screen, skipped });
  };
  return { classes, utterances, open, [Symbol.dispose]() {} };
}

/** Where the classes of data are among a model's; −1 for one that it does not know. */
function placesIn(known: readonly string[], classes: readonly string[]): number[] {
  const places = new Map(known.map((name, place) => [name, place]));
  return classes.map((name) => places.get(name) ?? -1);
}
