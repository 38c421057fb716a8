/** Predictions of a trained model. @module */
import { dirname, join } from "node:path";
import { findTestRecordings } from "../data/preprocess/recordings.ts";
import type { Batch } from "../data/batches/mod.ts";
import { openDataSet, type UtteranceSource } from "../data/sets/mod.ts";
import { chooseDevice, currentDevice, scope, setDevice } from "../tensor/mod.ts";
import { readConfigFile } from "./config.ts";
import { checkFit } from "./data_fit.ts";
import { type LoadedModel, loadModel } from "./model_file.ts";
import type { Prediction } from "./predictions_csv.ts";
import type { Screen } from "./progress.ts";
import { readRecordings, type RecordingToRead } from "./recordings_source.ts";
import { modelBatches, scores } from "./validate.ts";

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
  /** Where to compute; "auto" is a real GPU if there is one, else the CPU. */
  readonly device: "auto" | "webgpu" | "cpu";
}

/** Predictions in the order of the data, and what could not be read. */
export interface InferResult {
  /** One for each utterance or readable recording. */
  readonly predictions: Prediction[];
  /** Recordings left out, with the reason. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

type Source = UtteranceSource & Disposable;
type Skipped = { name: string; reason: string };

/**
 * Predicts whole utterances. Recordings are turned into features by the settings in the model file.
 *
 * @throws Error if model or data cannot be used, or do not fit together.
 */
export async function infer(request: InferRequest, { screen }: { screen: Screen }): Promise<InferResult> {
  const { device, reason } = await chooseDevice(request.device);
  const before = currentDevice();
  await setDevice(device);
  screen.info(`Use ${device.type} now! ${device.description} (${reason})`);
  try {
    const loaded = await loadModel(request.model);
    const skipped: Skipped[] = [];
    const read = (recordings: readonly RecordingToRead[]) => openRecordings(loaded, recordings, { screen, skipped });
    using data = request.recordings.length > 0
      ? await read(request.recordings.map((path) => ({ path, id: path, label: -1 })))
      : await openFolder(request.data ?? await trainedOn(request.model), loaded, read);
    return { predictions: await predict(loaded, data, request, screen), skipped };
  } finally {
    await setDevice(before);
    device.close();
  }
}

/** The data that the config beside a model names. */
async function trainedOn(model: string): Promise<string> {
  const isFolder = (await Deno.stat(model)).isDirectory;
  const config = join(isFolder ? model : dirname(model), "config.json");
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
  const set = await openDataSet(folder);
  try {
    checkFit(loaded, set);
  } catch (error) {
    set.close();
    throw error;
  }
  const { utterances, channels, read: readOne } = set.test ??
    { utterances: set.utterances, channels: set.channels, read: (i: number) => set.read(i) };
  return { utterances, channels, read: readOne, [Symbol.dispose]: () => set.close() };
}

/** True for a folder that is no data set and has recordings in it; what else is wrong with it, opening it says. */
async function holdsRecordings(folder: string): Promise<boolean> {
  if (await Deno.stat(join(folder, "metadata.json")).then(() => true, () => false)) return false;
  return await findTestRecordings(folder).then(() => true, () => false);
}

/** Features of recordings; one that cannot be read is skipped and named. */
async function openRecordings(
  { featureSettings }: LoadedModel,
  recordings: readonly RecordingToRead[],
  { screen, skipped }: { screen: Screen; skipped: Skipped[] },
): Promise<Source> {
  if (featureSettings === null) {
    throw new Error(
      "Cannot predict recordings: the model was trained on features whose settings are not known; " +
        "give a data set with --data DIR",
    );
  }
  const onBroken = ({ id: name }: RecordingToRead, reason: string) => {
    skipped.push({ name, reason });
    screen.log(`Skipped: ${reason}`);
  };
  const source = await readRecordings(recordings, featureSettings, { screen, onBroken });
  if (source.utterances.length === 0) { // no file of earlier predictions shall be replaced by an empty one
    throw new Error(
      `Cannot predict: none of ${recordings.length} recordings can be used (a folder of them is given with --data)`,
    );
  }
  return { ...source, [Symbol.dispose]() {} };
}

/** Batches enqueued before the first of them is read: an answer of a GPU takes longer than a batch. */
const IN_FLIGHT = 8;

/** Predictions in the order of the utterances. */
async function predict(
  { model, classes }: LoadedModel,
  data: UtteranceSource,
  { topK, batchSize }: InferRequest,
  screen: Screen,
): Promise<Prediction[]> {
  const predictions = new Array<Prediction>(data.utterances.length);
  if (data.utterances.length === 0) return [];
  using bar = screen.bar({ label: "Infer", total: data.utterances.length, unit: "uttr" });
  const waiting: Promise<Ranked>[] = [];
  let done = 0;
  const takeOldest = async () => {
    const { batch, places, probabilities } = await waiting.shift()!;
    const k = places.length / batch.batch;
    batch.indices.forEach((utterance, row) => {
      const ranked = Array.from({ length: k }, (_, j) => row * k + j);
      const named = ranked.map((at) => ({ name: classes[places[at]], probability: probabilities[at] }));
      predictions[utterance] = { id: data.utterances[utterance].id, classes: named };
    });
    bar.update(done += batch.batch);
  };
  for await (const batch of modelBatches(data, undefined, { batchSize })) {
    const ranked = rank(batch, () => scores(model, batch).softmax(-1).topk(Math.min(topK, classes.length)));
    ranked.catch(() => {}); // thrown when its turn comes
    waiting.push(ranked);
    if (waiting.length >= IN_FLIGHT) await takeOldest();
  }
  while (waiting.length > 0) await takeOldest();
  return predictions;
}

/** The likeliest classes of each utterance of a batch, row after row. */
interface Ranked {
  readonly batch: Batch;
  readonly places: ArrayLike<number>;
  readonly probabilities: ArrayLike<number>;
}

async function rank(batch: Batch, compute: () => ReturnType<ReturnType<typeof scores>["topk"]>): Promise<Ranked> {
  const { values, indices } = scope(compute);
  const [probabilities, places] = await Promise.all([values.data(), indices.data()]);
  [values, indices].forEach((t) => t.dispose());
  return { batch, places, probabilities };
}
