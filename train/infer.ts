/** Predictions of a trained model. @module */
import { createFeatures } from "../data/features/mod.ts";
import { readAudio } from "../data/audio/mod.ts";
import { openDataSet, type Utterance, type UtteranceFeatures, type UtteranceSource } from "../data/sets/mod.ts";
import { chooseDevice, scope, setDevice } from "../tensor/mod.ts";
import { type LoadedModel, loadModel } from "./model_file.ts";
import type { Prediction } from "./predictions_csv.ts";
import type { Screen } from "./progress.ts";
import { modelBatches, scores } from "./validate.ts";

/** What to predict. */
export interface InferRequest {
  /** Run folder or model file. */
  readonly model: string;
  /** Data set whose test part is predicted (all of it, where it has none). */
  readonly data?: string;
  /** Recordings to predict instead. */
  readonly recordings: readonly string[];
  /** Classes to list for each, likeliest first. */
  readonly topK: number;
  /** Utterances a batch, at most. */
  readonly batchSize: number;
  readonly device: "auto" | "webgpu" | "cpu";
}

/** Predictions in the order of the data, and what could not be read. */
export interface InferResult {
  readonly predictions: Prediction[];
  /** Recordings left out, with the reason. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

type Skipped = { name: string; reason: string };

/**
 * Predicts whole utterances. Recordings are turned into features by the settings in the model file.
 *
 * @throws Error if model or data cannot be used, or do not fit together.
 */
export async function infer(request: InferRequest, { screen }: { screen: Screen }): Promise<InferResult> {
  const { device, reason } = await chooseDevice(request.device);
  await setDevice(device);
  screen.info(`Use ${device.type} now! ${device.description} (${reason})`);
  try {
    const loaded = await loadModel(request.model);
    const skipped: Skipped[] = [];
    using data = request.recordings.length > 0
      ? await readRecordings(loaded, request.recordings, screen, skipped)
      : await openTest(request);
    const { nMels } = loaded.options;
    if (data.channels !== nMels) {
      throw new Error(`Cannot predict: the model takes ${nMels} channels a frame, the data have ${data.channels}`);
    }
    return { predictions: await predict(loaded, data, request, screen), skipped };
  } finally {
    await setDevice("cpu");
    device.close();
  }
}

type Source = UtteranceSource & Disposable;

/** The test part of a data set, or all of one without. */
async function openTest({ data }: InferRequest): Promise<Source> {
  if (data === undefined) {
    throw new Error("Cannot predict: nothing given; name recordings, or a data set with --data DIR");
  }
  const set = await openDataSet(data);
  const { utterances, channels, read } = set.test ??
    { ...set, utterances: set.utterances, channels: set.channels, read: (i: number) => set.read(i) };
  return { utterances, channels, read, [Symbol.dispose]: () => set.close() };
}

/** Features of recordings, all kept in memory; one that cannot be read is skipped and named. */
async function readRecordings(
  { featureSettings, options }: LoadedModel,
  paths: readonly string[],
  screen: Screen,
  skipped: Skipped[],
): Promise<Source> {
  if (featureSettings === null) {
    throw new Error(
      "Cannot predict recordings: the model was trained on features whose settings are not known; give a data set with --data",
    );
  }
  const extractor = createFeatures(featureSettings);
  const [utterances, features]: [Utterance[], UtteranceFeatures[]] = [[], []];
  using bar = screen.bar({ label: "Read", total: paths.length, unit: "recording", transient: true });
  for (const [i, path] of paths.entries()) {
    try {
      const { samples } = await readAudio(path, { sampleRate: featureSettings.sampleRate });
      const { data, frames } = extractor.apply(samples);
      if (frames === 0) throw new Error(`Cannot read "${path}": it is too short for one frame`);
      features.push({ data, frames });
      utterances.push({ id: path, path, frames, label: -1 });
    } catch (error) {
      const { message } = error as Error;
      skipped.push({ name: path, reason: message });
      screen.log(`Skipped: ${message}`);
    }
    bar.update(i + 1);
  }
  return { utterances, channels: options.nMels, read: (i) => Promise.resolve(features[i]), [Symbol.dispose]() {} };
}

/** Predictions in the order of the utterances. Probabilities of a batch are read together. */
async function predict(
  { model, classes }: LoadedModel,
  data: Source,
  { topK, batchSize }: InferRequest,
  screen: Screen,
): Promise<Prediction[]> {
  const k = Math.min(topK, classes.length);
  const predictions = new Array<Prediction>(data.utterances.length);
  using bar = screen.bar({ label: "Infer", total: data.utterances.length, unit: "uttr" });
  let done = 0;
  if (data.utterances.length === 0) return [];
  for await (const batch of modelBatches(data, undefined, { batchSize })) {
    const { values, indices } = scope(() => scores(model, batch).softmax(-1).topk(k));
    const [probabilities, places] = await Promise.all([values.data(), indices.data()]);
    [values, indices].forEach((t) => t.dispose());
    batch.indices.forEach((utterance, row) => {
      const ranked = Array.from({ length: k }, (_, j) => row * k + j);
      const named = ranked.map((at) => ({ name: classes[places[at]], probability: probabilities[at] }));
      predictions[utterance] = { id: data.utterances[utterance].id, classes: named };
    });
    bar.update(done += batch.batch);
  }
  return predictions;
}
