/** What a request says: a name, and voices as recordings or as embeddings made elsewhere. @module */
import { decodeAudio } from "../../data/audio/mod.ts";
import { Resampler } from "../../data/features/resample.ts";
import { speakerName } from "../../data/speakers/speaker_name.ts";
import type { NewRecording } from "../../data/speakers/speaker_store.ts";
import type { Embedder } from "../../train/verification/embedder.ts";
import type { FeatureWindows } from "../../train/verification/feature_embedder.ts";
import { embeddingDigest, waveDigest } from "../../train/verification/voice_digest.ts";
import { ApiError } from "./api_error.ts";
import type { EmbeddingQueue } from "./embedding_queue.ts";
import { type Limits, maxSamplesOf, sampleRates } from "./limits.ts";
import { parseMultipart } from "./multipart.ts";
import type { Uploads } from "./read_body.ts";

/** A request, read and embedded. */
export interface VoiceInput {
  /** As it is stored; "" where none is asked for. */
  readonly name: string;
  readonly replace: boolean;
  /** At least one. */
  readonly voices: readonly NewRecording[];
}

/** A request as it came. */
interface Form {
  readonly name: string | null;
  readonly replace: boolean;
  readonly recordings: readonly Uint8Array[];
}

/** A recording that waits for the model. */
interface Prepared {
  readonly windows: FeatureWindows;
  readonly digest: string;
  readonly seconds: number;
}

/** What reading needs. */
export interface VoiceReaderParts {
  readonly embedder: Embedder;
  readonly modelId: string;
  readonly queue: EmbeddingQueue;
  readonly uploads: Uploads;
  readonly limits: Limits;
}

/** Reads requests and embeds what they bring. */
export class VoiceReader {
  readonly #parts: VoiceReaderParts;

  constructor(parts: VoiceReaderParts) {
    this.#parts = parts;
  }

  /**
   * Reads a request for a route that needs a name, or takes none: audio, a form with audio, or an embedding as JSON. What a file is, its content says, whatever its type or name.
   *
   * @throws {ApiError} and what `apiErrorOf` makes one of
   */
  async read(request: Request, wanted: "name" | "no name"): Promise<VoiceInput> {
    const type = (request.headers.get("content-type") ?? "").split(";")[0].trim().toLowerCase();
    const { limits: { maxBytes, maxJsonBytes }, uploads } = this.#parts;
    if (type === "application/json") {
      return await uploads.receive(request, maxJsonBytes, (body) => this.#readJson(body, wanted));
    }
    const isForm = type === "multipart/form-data";
    if (!isForm && type !== "" && type !== "application/octet-stream" && !type.startsWith("audio/")) {
      const types = "audio/…, application/octet-stream, multipart/form-data or application/json";
      throw new ApiError(415, "unsupported_type", `Cannot read the body: wanted ${types}`);
    }
    const read = isForm ? formOf : queryOf;
    const form = await uploads.receive(request, maxBytes, async (body) => {
      const { recordings, replace, name: given } = read(request, body, this.#parts.limits);
      const name = wanted === "name" ? nameFrom(given) : ""; // before anything that costs time
      return { name, replace, prepared: await this.#prepareAll(recordings) };
    });
    const { prepared, ...facts } = form;
    const embeddings = await this.#parts.queue.embed(prepared.map(({ windows }) => windows), request.signal);
    const voices = prepared.map(({ digest, seconds }, i) => ({ digest, seconds, embedding: embeddings[i] }));
    return { ...facts, voices };
  }

  /** Features of all recordings, which have to be short enough together. */
  async #prepareAll(recordings: readonly Uint8Array[]): Promise<Prepared[]> {
    if (recordings.length === 0) throw new ApiError(400, "no_recording", "Cannot read the body: it has no recording");
    const all: Prepared[] = [];
    let left = this.#parts.limits.maxSeconds;
    for (const bytes of recordings) {
      const prepared = await this.#prepare(bytes, left);
      left = Math.max(left - prepared.seconds, 1e-9);
      all.push(prepared);
    }
    return all;
  }

  async #prepare(bytes: Uint8Array, maxSeconds: number): Promise<Prepared> {
    const { embedder } = this.#parts;
    const { samples, sampleRate, seconds } = await decodeAudio(bytes, {
      maxSeconds,
      maxSamples: maxSamplesOf(maxSeconds),
    });
    if (sampleRate < sampleRates.least || sampleRate > sampleRates.most) {
      const fact = `its sample rate is ${sampleRate} Hz, wanted ${sampleRates.least} to ${sampleRates.most}`;
      throw new ApiError(422, "sample_rate", `Cannot use the recording: ${fact}`);
    }
    const wave = sampleRate === embedder.sampleRate
      ? samples
      : new Resampler(sampleRate, embedder.sampleRate).apply(samples);
    return { windows: embedder.prepare(wave), digest: await waveDigest(wave), seconds };
  }

  async #readJson(body: Uint8Array, wanted: "name" | "no name"): Promise<VoiceInput> {
    const refuse = (fact: string) => new ApiError(400, "bad_json", `Cannot read the JSON: ${fact}`);
    let value: unknown;
    try {
      value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    } catch {
      throw refuse("it is malformed");
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw refuse("wanted an object");
    const { name = null, embedding, model, seconds = 0, replace = false }: Record<string, unknown> = { ...value };
    const { modelId, embedder: { dim } } = this.#parts;
    if (name !== null && typeof name !== "string") throw refuse("its name is no text");
    if (typeof replace !== "boolean") throw refuse("its replace is neither true nor false");
    if (typeof seconds !== "number" || !(seconds >= 0 && seconds <= 86400)) throw refuse("its seconds are no length");
    if (typeof model !== "string") throw refuse("its model is missing");
    if (model !== modelId) {
      throw new ApiError(409, "model_mismatch", "Cannot use the embedding: another model made it, see /api/model");
    }
    if (!isVector(embedding, dim)) throw refuse(`its embedding is no list of ${dim} numbers, not all 0`);
    const vector = Float32Array.from(embedding);
    const facts = { name: wanted === "name" ? nameFrom(name) : "", replace };
    return { ...facts, voices: [{ embedding: vector, seconds, digest: await embeddingDigest(vector) }] };
  }
}

/**
 * A name as it is stored.
 *
 * @throws {ApiError} 400 where there is none, or it cannot be used.
 */
export function nameFrom(given: string | null): string {
  if (given === null) throw new ApiError(400, "no_name", "Cannot go without a name");
  try {
    return speakerName(given);
  } catch (error) {
    throw new ApiError(400, "bad_name", (error as RangeError).message);
  }
}

/** Numbers that stay finite and do not all vanish as float32. */
function isVector(value: unknown, dim: number): value is number[] {
  return Array.isArray(value) && value.length === dim &&
    value.every((x) => typeof x === "number" && Math.abs(x) < 1e18) && value.some((x) => Math.abs(x) > 1e-18);
}

/** Plain audio: what else there is to say stands in the address. */
function queryOf(request: Request, body: Uint8Array): Form {
  const { searchParams } = new URL(request.url);
  const name = searchParams.get("name"), replace = flagOf(searchParams.get("replace"));
  return { name, replace, recordings: body.length === 0 ? [] : [body] };
}

function formOf(request: Request, body: Uint8Array, { maxFiles }: Limits): Form {
  const contentType = request.headers.get("content-type") ?? "";
  const parts = parseMultipart(body, { contentType, maxParts: maxFiles + 2 });
  const unknown = parts.find(({ name }) => !["name", "replace", "audio"].includes(name));
  if (unknown) throw new ApiError(400, "bad_form", "Cannot read the form: wanted the fields name, replace and audio");
  const textOf = (field: string) => {
    const found = parts.find(({ name }) => name === field);
    return found === undefined ? null : new TextDecoder().decode(found.bytes);
  };
  const recordings = parts.filter(({ name }) => name === "audio").map(({ bytes }) => bytes);
  if (recordings.length > maxFiles) {
    throw new ApiError(413, "too_many_parts", `Cannot read the form: more than ${maxFiles} recordings`);
  }
  return { name: textOf("name"), replace: flagOf(textOf("replace")), recordings };
}

function flagOf(text: string | null): boolean {
  if (text === null || text === "false" || text === "") return false;
  if (text === "true") return true;
  throw new ApiError(400, "bad_replace", "Cannot read replace: it is neither true nor false");
}
