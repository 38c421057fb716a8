/** Embeddings of recordings as a file. @module */
import { findTestRecordings } from "../../data/preprocess/recordings.ts";
import { type ArrayDict, openSafetensors, writeSafetensors } from "../../data/files/mod.ts";
import { ioFact } from "../io_fact.ts";
import { loadModel } from "../model_file.ts";
import type { Skipped } from "../model_recordings.ts";
import { onDevice } from "../on_device.ts";
import type { Screen } from "../progress.ts";
import { type Embedded, embedRecordings, type NamedRecording } from "./embed_recordings.ts";
import { Embedder } from "./embedder.ts";
import { matrixOf } from "./vector_matrix.ts";

/** What to embed. */
export interface EmbedRequest {
  /** Run folder or model file. */
  readonly model: string;
  /** Recordings. */
  readonly recordings: readonly string[];
  /** A folder of recordings or a list of them, instead. */
  readonly data?: string;
  /** Longer recordings are embedded in equal windows, whose embeddings are averaged. Default 30. */
  readonly windowSeconds?: number;
  /** Windows a batch, at most. Default 16. */
  readonly batchSize?: number;
  /** Where to compute; "auto" is a real GPU if there is one, else the CPU. */
  readonly device: "auto" | "webgpu" | "cpu";
}

/** Embeddings in the order of the recordings. */
export interface EmbedResult {
  /** The model's digest. */
  readonly model: string;
  /** What was embedded. */
  readonly embeddings: readonly (Embedded & { readonly name: string })[];
  /** Recordings left out, with the reason. */
  readonly skipped: readonly Skipped[];
}

/**
 * Embeds recordings.
 *
 * @throws {Error} Where the model cannot be used, or no recording can.
 */
export function embed(request: EmbedRequest, { screen }: { screen: Screen }): Promise<EmbedResult> {
  return onDevice(request.device, { screen, work: () => embedHere(request, screen) });
}

async function embedHere(request: EmbedRequest, screen: Screen): Promise<EmbedResult> {
  const loaded = await loadModel(request.model);
  const recordings: readonly NamedRecording[] = request.data === undefined
    ? request.recordings.map((path) => ({ path, name: path }))
    : await findTestRecordings(request.data);
  const skipped: Skipped[] = [];
  const embedder = new Embedder(loaded, request);
  const found = await embedRecordings(embedder, recordings, { screen, skipped });
  const embeddings = found.flatMap((embedded, i) =>
    embedded === null ? [] : [{ ...embedded, name: recordings[i].name }]
  );
  if (embeddings.length === 0) throw new Error(`Cannot embed: none of ${recordings.length} recordings can be used`);
  return { model: loaded.id, embeddings, skipped };
}

const FORMAT = "voxgrad embeddings 1";

/**
 * Refuses to write embeddings over a file that holds something else, such as a recording or a model that was meant to be read.
 *
 * @throws {Error} Where there is such a file.
 */
export async function checkReplaceable(path: string): Promise<void> {
  const size = await Deno.stat(path).then(({ isFile, size }) => isFile ? size : 0, () => 0);
  if (size === 0 || isEmbeddings(path)) return;
  throw new Error(`Cannot write "${path}": it is there already and holds no embeddings; give another file with --out`);
}

function isEmbeddings(path: string): boolean {
  try {
    using file = openSafetensors(path);
    return file.metadata.format === FORMAT;
  } catch {
    return false;
  }
}

/**
 * Writes `embeddings`, (recordings, dim), to a safetensors file, which appears complete or not at all. Its metadata are `format`, the `model`'s
 * digest, and as JSON the recordings' `names` and their lengths in `seconds`.
 *
 * @throws {Error} Where it cannot be written.
 */
export async function writeEmbeddings(path: string, { model, embeddings }: EmbedResult): Promise<void> {
  const { values, count, dim } = matrixOf(embeddings.map(({ embedding }) => embedding));
  const arrays: ArrayDict = { embeddings: { shape: [count, dim], data: values } };
  const metadata = {
    format: FORMAT,
    model,
    names: JSON.stringify(embeddings.map(({ name }) => name)),
    seconds: JSON.stringify(embeddings.map(({ seconds }) => Number(seconds.toFixed(3)))),
  };
  try {
    await writeSafetensors(path, arrays, metadata);
  } catch (error) {
    throw new Error(`Cannot write "${path}": ${ioFact(error)}`, { cause: error });
  }
}
