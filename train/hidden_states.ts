/** Hidden states of a frozen encoder, computed once for a run. @module */
import { type FileHandle, open } from "node:fs/promises";
import type { FeatureSettings } from "../data/features/mod.ts";
import type { Utterance, UtteranceFeatures, UtteranceSource } from "../data/sets/mod.ts";
import { type Classifier, isStaged, type StagedClassifier } from "../nn/mod.ts";
import { noGrad, scope, type Tensor, tensor } from "../tensor/mod.ts";
import { batchRulesOf } from "./batch_rules.ts";
import type { Frozen } from "./freeze.ts";
import { shortFault } from "./least_length.ts";
import type { Screen } from "./progress.ts";
import type { TrainConfig } from "./train_config.ts";

/** What there is to compute hidden states of. */
export interface StatesRequest {
  readonly config: TrainConfig;
  readonly frozen: Frozen;
  readonly data: UtteranceSource & { readonly featureSettings: FeatureSettings | null };
  /** Utterances that are trained on or validated. */
  readonly indices: readonly number[];
  readonly screen: Screen;
}

/** Hidden states as features of utterances, and what judges them. */
export interface HiddenStates extends UtteranceSource, Disposable {
  /** The rest of the model. */
  readonly model: Classifier;
  /** Frames of a training utterance. */
  readonly segmentFrames: (samples: number) => number;
  /** Bytes on disk. */
  readonly bytes: number;
}

/**
 * Computes the hidden states of whole recordings and keeps them in a file that is gone with the run. Training then cuts its crops from them by frames:
 * a frame has seen all of its recording, where without cache it sees its chunk. What is longer than a window (20 s) is computed window by window.
 *
 * @throws {RangeError} Where the model has no encoder, or it is not frozen as a whole.
 */
export async function cacheHiddenStates(whole: Classifier, request: StatesRequest): Promise<HiddenStates> {
  const { config, frozen, data, indices, screen } = request;
  if (!isStaged(whole)) throw new RangeError(`Cannot cache hidden states: "${config.model}" has no encoder of speech`);
  if (!frozen.modules.includes(whole.firstPart)) {
    throw new RangeError(
      `Cannot cache hidden states: they change while the encoder is trained; freeze "${whole.firstPart}.*" as well`,
    );
  }
  const store = await StateFile.create(whole.stateChannels);
  try {
    using bar = screen.bar({ label: "Encode", total: indices.length, unit: "recording", transient: true });
    whole.eval();
    for (const [i, index] of indices.entries()) {
      await encode(whole, { index, data, store });
      bar.update(i + 1);
    }
    whole.train();
  } catch (error) {
    store[Symbol.dispose]();
    throw error;
  }
  const utterances: Utterance[] = data.utterances.map((u, i) => ({ ...u, frames: store.framesOf(i) ?? u.frames }));
  return {
    ...{ model: whole.afterStates(), channels: whole.stateChannels, utterances, bytes: store.bytes },
    segmentFrames: (samples) => whole.framesOf(samples),
    read: (index) => store.read(index),
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}

/** Appends the states of a recording. */
async function encode(
  model: StagedClassifier,
  { index, data: source, store }: { index: number; data: StatesRequest["data"]; store: StateFile },
): Promise<void> {
  const { data, frames } = await source.read(index), { featureSettings, utterances } = source;
  const fault = shortFault(frames, model, featureSettings);
  if (fault !== null) throw new Error(`Cannot train on ${JSON.stringify(utterances[index].path)}: ${fault}; remove it`);
  const windows = Math.ceil(frames / batchRulesOf(model, featureSettings).windowFrames);
  const edge = (w: number) => Math.floor(w * frames / windows), parts: Float32Array[] = [];
  for (let w = 0; w < windows; w++) {
    const samples = data.subarray(edge(w), edge(w + 1));
    parts.push(
      await values(scope(() => noGrad(() => model.states(tensor(samples, { shape: [1, samples.length, 1] }))))),
    );
  }
  await store.append(index, parts);
}

async function values(states: Tensor): Promise<Float32Array> {
  try {
    return await states.data() as Float32Array; // states are float32
  } finally {
    states.dispose();
  }
}

/** Arrays of float32 one after the other in a temporary file. */
class StateFile implements Disposable {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #channels: number;
  readonly #places = new Map<number, { start: number; bytes: number }>();
  #end = 0;

  private constructor(file: FileHandle, path: string, channels: number) {
    [this.#file, this.#path, this.#channels] = [file, path, channels];
  }

  static async create(channels: number): Promise<StateFile> {
    const path = await Deno.makeTempFile({ prefix: "voxgrad-states-" });
    const file = await open(path, "r+");
    await remove(path); // it goes with the process, however that ends; Windows waits for the end of the run
    return new StateFile(file, path, channels);
  }

  get bytes(): number {
    return this.#end;
  }

  framesOf(index: number): number | undefined {
    const place = this.#places.get(index);
    return place && place.bytes / 4 / this.#channels;
  }

  async append(index: number, parts: readonly Float32Array[]): Promise<void> {
    const start = this.#end;
    for (const part of parts) {
      const bytes = new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
      for (let at = 0; at < bytes.length;) {
        at += (await this.#file.write(bytes, at, bytes.length - at, this.#end + at)).bytesWritten;
      }
      this.#end += bytes.length;
    }
    this.#places.set(index, { start, bytes: this.#end - start });
  }

  async read(index: number): Promise<UtteranceFeatures> {
    const place = this.#places.get(index);
    if (place === undefined) throw new Error(`internal: no hidden states of utterance ${index}`);
    const bytes = new Uint8Array(place.bytes);
    for (let at = 0; at < bytes.length;) {
      const { bytesRead } = await this.#file.read(bytes, at, bytes.length - at, place.start + at);
      if (bytesRead === 0) throw new Error(`Cannot go on: the hidden states in "${this.#path}" have been cut short`);
      at += bytesRead;
    }
    return { data: new Float32Array(bytes.buffer), frames: place.bytes / 4 / this.#channels };
  }

  [Symbol.dispose](): void {
    this.#file.close().then(() => remove(this.#path), () => {});
  }
}

/** Removes a file, if it is there and may be removed. */
async function remove(path: string): Promise<void> {
  await Deno.remove(path).catch(() => {});
}
