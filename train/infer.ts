/** Predictions of a trained model. @module */
import { join } from "node:path";
import { findTestRecordings } from "../data/preprocess/recordings.ts";
import type { UtteranceSource } from "../data/sets/mod.ts";
import { readConfigFile } from "./config.ts";
import { openFittingSet } from "./data_fit.ts";
import { requireClasses } from "./model_facts.ts";
import { loadModel } from "./model_file.ts";
import type { LoadedModel } from "./model_from_bytes.ts";
import { readForModel, type Skipped } from "./model_recordings.ts";
import { onDevice } from "./on_device.ts";
import type { Prediction } from "./predictions_csv.ts";
import type { Screen } from "./progress.ts";
import type { RecordingToRead } from "./recordings_source.ts";
import { runFolderOf } from "./run_config.ts";
import { scoreUtterances } from "./scoring.ts";
import { withCrops } from "./viewing.ts";

/** What to predict. */
export interface InferRequest {
  /** Run folder or model file. */
  readonly model: string;
  /**
   * Data set whose test part is predicted (all of it, where it has none), or a folder of recordings. Unless given, and without
   * `recordings`, that on which the model was trained.
   */
  readonly data?: string;
  /** Recordings to predict instead. */
  readonly recordings: readonly string[];
  /** Classes to list for each, likeliest first. */
  readonly topK: number;
  /** Utterances a batch, at most. */
  readonly batchSize: number;
  /** Crops of each utterance whose scores are averaged; default as in training's validation. */
  readonly crops?: number;
  /** Where to compute; "auto" is a real GPU if there is one, else the CPU. */
  readonly device: "auto" | "webgpu" | "cpu";
}

/** Predictions in the order of the data, and what could not be read. */
export interface InferResult {
  /** One for each utterance or readable recording. */
  readonly predictions: Prediction[];
  /** Recordings left out, with the reason. */
  readonly skipped: readonly Skipped[];
}

type Source = UtteranceSource & Disposable;

/**
 * Predicts whole utterances. Recordings are turned into features by the settings in the model file.
 *
 * @throws Error if model or data cannot be used, or do not fit together.
 */
export async function infer(request: InferRequest, { screen }: { screen: Screen }): Promise<InferResult> {
  return await onDevice(request.device, { screen, work: () => inferHere(request, screen) });
}

async function inferHere(request: InferRequest, screen: Screen): Promise<InferResult> {
  const loaded = await loadModel(request.model);
  requireClasses(loaded, { model: request.model, verb: "predict" });
  const skipped: Skipped[] = [];
  const read = (recordings: readonly RecordingToRead[]) =>
    readForModel(loaded, recordings, { verb: "predict", screen, skipped });
  using data = request.recordings.length > 0
    ? await read(request.recordings.map((path) => ({ path, id: path, label: -1 })))
    : await openFolder(request.data ?? await trainedOn(request.model), loaded, read);
  return { predictions: await predict(loaded, data, request, screen), skipped };
}

/** The data that the config beside a model names. */
async function trainedOn(model: string): Promise<string> {
  const config = join(await runFolderOf(model), "config.json");
  const { data } = await readConfigFile(config).then(({ values }) => values, () => ({ data: undefined }));
  if (typeof data === "string") return data;
  throw new Error(
    `Cannot predict: no data are given, and "${config}" does not say what the model was trained on; ` +
      "name recordings, or a data set with --data DIR",
  );
}

/** The test part of a data set, all of one without, or all recordings in a folder. */
async function openFolder(
  folder: string,
  loaded: LoadedModel,
  read: (recordings: readonly RecordingToRead[]) => Promise<Source>,
): Promise<Source> {
  if (await holdsRecordings(folder)) {
    const found = await findTestRecordings(folder);
    return await read(found.map(({ path, name }) => ({ path, id: name, label: -1 })));
  }
  const set = await openFittingSet(folder, loaded);
  const { utterances, channels, read: readOne } = set.test ??
    { utterances: set.utterances, channels: set.channels, read: (i: number) => set.read(i) };
  return { utterances, channels, read: readOne, [Symbol.dispose]: () => set.close() };
}

/** True for a folder that is no data set and has recordings in it; what else is wrong with it, opening it says. */
async function holdsRecordings(folder: string): Promise<boolean> {
  if (await Deno.stat(join(folder, "metadata.json")).then(() => true, () => false)) return false;
  return await findTestRecordings(folder).then(() => true, () => false);
}

/** Predictions in the order of the utterances. */
async function predict(
  { model, classes, viewing, featureSettings }: LoadedModel,
  data: UtteranceSource,
  { topK, batchSize, crops }: InferRequest,
  screen: Screen,
): Promise<Prediction[]> {
  const predictions = new Array<Prediction>(data.utterances.length);
  if (data.utterances.length === 0) return [];
  using bar = screen.bar({ label: "Infer", total: data.utterances.length, unit: "uttr" });
  const options = {
    ...{ viewing: withCrops(viewing, crops), batchSize, classes: classes.length },
    featureSettings,
  };
  let done = 0;
  for await (const { index, logits } of scoreUtterances(model, data, options)) {
    predictions[index] = { id: data.utterances[index].id, classes: likeliest(logits, classes, topK) };
    bar.update(++done);
  }
  return predictions;
}

/** The classes of the highest scores, likeliest first, with their softmax. */
export function likeliest(logits: Float32Array, classes: readonly string[], topK: number): Prediction["classes"] {
  const places = Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a] || a - b).slice(0, topK);
  const total = logits.reduce((sum, x) => sum + Math.exp(x - logits[places[0]]), 0);
  return places.map((c) => ({ name: classes[c], probability: Math.exp(logits[c] - logits[places[0]]) / total }));
}
