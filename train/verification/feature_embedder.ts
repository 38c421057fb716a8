/** From features to embeddings: batches of similar lengths through a model. @module */
import { type BatchItem, makeBatch } from "../../data/batches/batch.ts";
import { cutsOf } from "../../data/batches/cuts.ts";
import { type FeatureFrames, silenceOf } from "../../data/features/mod.ts";
import { noGrad, scope, type Tensor, tensor, zeros } from "../../tensor/mod.ts";
import { type BatchRules, batchRulesOf } from "../batch_rules.ts";
import { shortFault } from "../least_length.ts";
import type { LoadedModel } from "../model_from_bytes.ts";
import { batchFramesOf, type Viewing } from "../viewing.ts";
import { meanDirection } from "./vectors.ts";

/** Most frames a batch of features, padding included: attention over 30 s costs memory as the square of the frames. */
const MOST_FRAMES = 8192;
/** Batches enqueued before the first of them is read: an answer of a GPU takes longer than a batch. */
const IN_FLIGHT = 4;

/** Features of one recording: a window, or several of a long one, in order. */
export type FeatureWindows = readonly FeatureFrames[];

/** A part of a recording that the model sees at once. */
type Piece = BatchItem & { readonly recording: number };

/** Embeds features with a trained classifier. */
export class FeatureEmbedder {
  /** Numbers an embedding. */
  readonly dim: number;
  /** Values a frame. */
  readonly channels: number;
  /** Most frames of a window that the model can take, or for which there is memory. */
  readonly mostFrames: number;
  readonly #loaded: LoadedModel;
  readonly #viewing: Viewing;
  readonly #rules: BatchRules;
  readonly #batchSize: number;
  readonly #padding: number | Float32Array;

  /**
   * Learns the size of an embedding from a made-up recording.
   *
   * @param loaded the model, on the current device
   * @param options `batchSize`: most windows a batch, default 16
   */
  constructor(loaded: LoadedModel, { batchSize = 16 }: { readonly batchSize?: number } = {}) {
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new RangeError(`Cannot embed in batches of ${batchSize}: wanted a whole number from 1 on`);
    }
    const { viewing, channels } = loaded;
    this.#loaded = loaded;
    this.#viewing = viewing.fixed ? viewing : { ...viewing, mode: "whole" };
    this.#batchSize = batchSize;
    this.#padding = silenceOf(loaded.featureSettings);
    this.channels = channels;
    this.#rules = batchRulesOf(loaded.model, loaded.featureSettings);
    this.mostFrames = Math.min(mostFramesOf(loaded), this.#rules.windowFrames);
    const frames = this.#timeOf(loaded.model.minFrames ?? viewing.frames);
    this.dim = scope(() => noGrad(() => loaded.model.embed(zeros([1, frames, channels]))).shape[1]);
  }

  /**
   * One embedding of length 1 for each recording, in order: the mean direction of its windows. Which recordings share a batch changes
   * nothing.
   *
   * @throws {TypeError} Where a recording has no frames, or frames of another width than the model's.
   * @throws {RangeError} Where a window is shorter than the model can take.
   * @throws {Error} Where the model gives what is no number, or the device is lost.
   */
  async embed(recordings: readonly FeatureWindows[]): Promise<Float32Array[]> {
    recordings.forEach((windows, i) => this.#check(windows, i));
    const found = recordings.map((): Float32Array[] => []);
    const waiting: { pieces: readonly Piece[]; values: Promise<Float32Array> }[] = [];
    const takeOldest = async () => {
      const { pieces, values } = waiting.shift()!;
      const all = await values;
      pieces.forEach((piece, i) => found[piece.recording].push(all.subarray(i * this.dim, (i + 1) * this.dim)));
    };
    try {
      for (const pieces of this.#batches(recordings)) {
        const values = read(scope(() => this.#forward(pieces)));
        values.catch(() => {}); // thrown when its turn comes
        waiting.push({ pieces, values });
        if (waiting.length >= IN_FLIGHT) await takeOldest();
      }
      while (waiting.length > 0) await takeOldest();
    } finally {
      await Promise.allSettled(waiting.map(({ values }) => values)); // none may be left behind on an error
    }
    return found.map((vectors) => finite(meanDirection(vectors)));
  }

  /** Says how much is missing of a window that the model can take, see `shortFault`; null where nothing is. */
  shortFault(frames: number): string | null {
    const { model, featureSettings } = this.#loaded;
    return this.#viewing.fixed ? null : shortFault(frames, model, featureSettings);
  }

  /** Frames of the row that holds a piece. */
  #timeOf(frames: number): number {
    return batchFramesOf(frames, this.#viewing, this.#rules);
  }

  /** Pieces that go through the model together: of similar lengths, so that there is little padding. */
  #batches(recordings: readonly FeatureWindows[]): Piece[][] {
    const pieces = recordings.flatMap((windows, recording) =>
      windows.flatMap((features) => this.#piecesOf(features).map((cut) => ({ ...cut, features, recording, label: -1 })))
    ).sort((a, b) => a.length - b.length || a.recording - b.recording);
    const { maxFrames = MOST_FRAMES, equalLengths } = this.#rules;
    const batches: Piece[][] = [];
    for (const piece of pieces) {
      const last = batches.at(-1);
      const isFull = last === undefined || last.length >= this.#batchSize ||
        (last.length + 1) * this.#timeOf(piece.length) > maxFrames || equalLengths && last[0].length !== piece.length;
      if (isFull) batches.push([piece]);
      else last.push(piece);
    }
    return batches;
  }

  /** The whole of a window; of a model that looks at clips of one length as many as cover it. */
  #piecesOf({ frames }: FeatureFrames) {
    const { fixed, frames: segmentLength } = this.#viewing;
    if (!fixed) return cutsOf({ index: 0, frames }, { mode: "whole", segmentLength, crops: 1 });
    return cutsOf({ index: 0, frames }, { mode: "center", segmentLength, crops: Math.ceil(frames / segmentLength) });
  }

  #forward(pieces: readonly Piece[]): Tensor {
    const longest = pieces.reduce((most, { length }) => Math.max(most, length), 0);
    const { channels } = this;
    const pad = this.#viewing.fixed ? "center" : "end";
    const batch = makeBatch(pieces, { time: this.#timeOf(longest), channels, padding: this.#padding, pad });
    const padded = batch.lengths.some((n) => n < batch.time);
    const x = tensor(batch.features, { shape: [batch.batch, batch.time, channels] });
    return noGrad(() => this.#loaded.model.embed(x, padded ? tensor(batch.lengths) : null));
  }

  #check(windows: FeatureWindows, place: number): void {
    const what = `Cannot embed recording ${place}`;
    if (windows.length === 0) throw new TypeError(`${what}: it has no window of features`);
    for (const { frames, channels } of windows) {
      if (frames < 1) throw new TypeError(`${what}: a window has no frames`);
      const fault = this.shortFault(frames);
      if (fault !== null) throw new RangeError(`${what}: ${fault}`);
      if (channels !== this.channels) {
        throw new TypeError(`${what}: its frames have ${channels} channels, the model takes ${this.channels}`);
      }
    }
  }
}

/** Linformer has weights for so many frames; batches are padded to a multiple of 16. */
function mostFramesOf({ options: { attention, maxTime } }: LoadedModel): number {
  return attention === "linformer" && typeof maxTime === "number" ? Math.max(1, maxTime - maxTime % 16) : Infinity;
}

function finite(embedding: Float32Array): Float32Array {
  if (embedding.every(Number.isFinite)) return embedding;
  throw new Error("Cannot embed recordings: the model gives embeddings with NaN or infinity; its weights are damaged");
}

async function read(embeddings: Tensor): Promise<Float32Array> {
  try {
    return await embeddings.data() as Float32Array; // embeddings are float32
  } finally {
    embeddings.dispose();
  }
}
