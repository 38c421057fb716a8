/** Whether an imported model gives what its own toolkit gave, and if not, from where on. @module */
import { basename } from "node:path";
import { readAudio } from "../../data/audio/mod.ts";
import { createFeatures } from "../../data/features/mod.ts";
import { encodeSafetensors, type NamedArray, openSafetensors } from "../../data/files/mod.ts";
import { isStaged } from "../../nn/mod.ts";
import { noGrad, scope, type Tensor, tensor } from "../../tensor/mod.ts";
import { loadModel } from "../model_file.ts";
import { type LoadedModel, modelFromBytes } from "../model_from_bytes.ts";
import { dot, unit } from "../verification/vectors.ts";
import { shortFault } from "../least_length.ts";
import { findModel, type ImportOptions } from "./import_model.ts";

/** What to compare. */
export interface CheckRequest extends ImportOptions {
  /** Safetensors file with what the toolkit gave; see {@linkcode checkImport}. */
  readonly reference: string;
  /** Recordings in the order of the reference's rows; default those that its metadata `names` lists. */
  readonly recordings?: readonly string[];
}

/** How far two results are apart. */
export interface StageCheck {
  /** What was compared. */
  readonly stage: "features" | "encoder" | "embedding";
  /** Cosine of the two as vectors; NaN where they have different sizes. */
  readonly cosine: number;
  /** Largest difference over the reference's norm; Infinity where they have different sizes. */
  readonly difference: number;
  /** Whether they count as equal: cosine at least 0.99999 and difference at most 1e-3. */
  readonly isEqual: boolean;
  /** Our shape and the reference's, where they differ; else "". */
  readonly shapes: string;
}

/** What a recording showed. */
export interface RecordingCheck {
  /** The recording. */
  readonly name: string;
  /** The stages that the reference has, in order. */
  readonly stages: readonly StageCheck[];
  /** Whether all stages are equal. */
  readonly isEqual: boolean;
}

/** What the recordings showed. */
export interface CheckResult {
  /** What was imported, or the model's file. */
  readonly what: string;
  /** In the order of the reference. */
  readonly recordings: readonly RecordingCheck[];
  /** The first part of the model whose result differs, as far as the reference can place it; "" where all is equal. */
  readonly differs:
    | ""
    | "features"
    | "encoder"
    | "features or encoder"
    | "pooling"
    | "encoder or pooling"
    | "features, encoder or pooling";
}

/**
 * Compares a model with what its own toolkit gave for recordings, on the current device. The reference holds `embeddings`, (recordings, dim), and maybe
 * of recording I `features_I`, (frames, channels), and of encoders of speech `last_hidden_state_I`, (frames, hiddenSize): the more it has, the
 * more exactly a difference is placed. Where its embeddings have length 1, so are ours brought to it.
 *
 * @param path a model of another toolkit, or one of ours
 * @throws {Error} Where the model cannot be imported, a recording cannot be read, or the reference does not fit them.
 */
export async function checkImport(path: string, request: CheckRequest): Promise<CheckResult> {
  using reference = openSafetensors(request.reference);
  const recordings = request.recordings?.length
    ? request.recordings
    : namesIn(request.reference, reference.metadata.names);
  const { what, loaded } = await modelAt(path, request);
  if (loaded.featureSettings === null || loaded.viewing.fixed) {
    throw new Error(`Cannot check "${path}": it does not take recordings as a whole`);
  }
  const embeddings = reference.has("embeddings") ? reference.read("embeddings") : null;
  if (embeddings === null || embeddings.shape.length !== 2 || embeddings.shape[0] !== recordings.length) {
    const found = embeddings === null ? "no embeddings" : `embeddings [${embeddings.shape}]`;
    throw new Error(
      `Cannot compare with "${request.reference}": it has ${found}, expected [${recordings.length}, dim] for ${recordings.length} recordings`,
    );
  }
  const stageOf = (name: string) => reference.has(name) ? reference.read(name) : null;
  const found: RecordingCheck[] = [];
  for (const [i, name] of recordings.entries()) {
    const ours = await resultsOf(loaded, name);
    const stages = [
      compare("features", ours.features, stageOf(`features_${i}`)),
      compare("encoder", ours.encoder, stageOf(`last_hidden_state_${i}`)),
      compareEmbedding(ours.embedding, rowOf(embeddings, i)),
    ].filter((stage) => stage !== null);
    found.push({ name: basename(name), stages, isEqual: stages.every(({ isEqual }) => isEqual) });
  }
  return { what, recordings: found, differs: firstDifference(found) };
}

/** The recordings that a reference names. */
function namesIn(path: string, names: string | undefined): string[] {
  const fault = () =>
    new Error(`Cannot compare with "${path}": it does not name its recordings; give them after the model`);
  if (names === undefined) throw fault();
  let list: unknown;
  try {
    list = JSON.parse(names);
  } catch {
    throw fault();
  }
  if (Array.isArray(list) && list.length > 0 && list.every((name) => typeof name === "string")) return list;
  throw fault();
}

/** A model of another toolkit, or else one of ours. */
async function modelAt(path: string, request: CheckRequest): Promise<{ what: string; loaded: LoadedModel }> {
  const isOurs = path.toLowerCase().endsWith(".safetensors") ||
    await Deno.stat(`${path}/best.safetensors`).then(() => true, () => false);
  if (isOurs) return { what: path, loaded: await loadModel(path) };
  const { what, convert } = await findModel(path, request);
  const { saved } = await convert();
  return { what, loaded: await modelFromBytes(encodeSafetensors(saved.arrays, saved.metadata), path) };
}

interface Results {
  readonly features: NamedArray;
  readonly encoder: NamedArray | null;
  readonly embedding: NamedArray;
}

/** What our model makes of a recording at each stage. */
async function resultsOf({ model, featureSettings, options }: LoadedModel, path: string): Promise<Results> {
  const { samples } = await readAudio(path, { sampleRate: featureSettings!.sampleRate });
  const { data, frames, channels } = createFeatures(featureSettings!).apply(samples);
  const fault = shortFault(frames, model, featureSettings);
  if (fault !== null) throw new Error(`Cannot check "${path}": ${fault}`);
  const forward = (step: (x: Tensor) => Tensor) =>
    arrayOf(scope(() => noGrad(() => step(tensor(data).reshape([1, frames, channels])))));
  const lastState = (states: Tensor) => states.slice(2, states.shape[2] - Number(options.hiddenSize), states.shape[2]);
  return {
    features: { shape: [frames, channels], data },
    encoder: isStaged(model) ? await forward((x) => lastState(model.states(x))) : null,
    embedding: await forward((x) => model.embed(x)),
  };
}

/** A batch of one as an array. */
async function arrayOf(t: Tensor): Promise<NamedArray> {
  try {
    return { shape: t.shape.slice(1), data: await t.data() };
  } finally {
    t.dispose();
  }
}

function rowOf({ shape: [, dim], data }: NamedArray, row: number): NamedArray {
  return { shape: [dim], data: data.slice(row * dim, (row + 1) * dim) };
}

/** How far an embedding is from the reference's; in direction alone where that has length 1. */
function compareEmbedding(ours: NamedArray, theirs: NamedArray): StageCheck {
  const wanted = Float32Array.from(theirs.data);
  const isUnit = Math.abs(Math.sqrt(dot(wanted, wanted)) - 1) < 1e-3;
  return compare("embedding", isUnit ? { ...ours, data: unit(Float32Array.from(ours.data)) } : ours, theirs)!;
}

/** How far a result is from the reference's; null where either is not known. */
function compare(stage: StageCheck["stage"], ours: NamedArray | null, theirs: NamedArray | null): StageCheck | null {
  if (ours === null || theirs === null) return null;
  if (String(ours.shape) !== String(theirs.shape)) {
    const shapes = `[${ours.shape}] instead of [${theirs.shape}]`;
    return { stage, cosine: NaN, difference: Infinity, isEqual: false, shapes };
  }
  const [a, b] = [ours, theirs].map(({ data }) => Float64Array.from(data));
  let product = 0, ownSquares = 0, squares = 0, largest = 0;
  for (let i = 0; i < a.length; i++) {
    product += a[i] * b[i];
    ownSquares += a[i] ** 2;
    squares += b[i] ** 2;
    largest = Math.max(largest, Math.abs(a[i] - b[i]));
  }
  const cosine = product / Math.sqrt(ownSquares * squares), difference = largest / Math.sqrt(squares);
  return { stage, cosine, difference, isEqual: cosine >= 0.99999 && difference <= 1e-3, shapes: "" };
}

/** Beyond this a stage's difference is more than rounding, and explains what differs later. */
const ROUNDING = 3e-5;

/** The first part whose result differs, as far as the reference can place it. */
function firstDifference(recordings: readonly RecordingCheck[]): CheckResult["differs"] {
  if (recordings.every(({ isEqual }) => isEqual)) return "";
  const of = (stage: StageCheck["stage"]) =>
    recordings.flatMap(({ stages }) => stages).filter((s) => s.stage === stage);
  const features = of("features"), encoder = of("encoder");
  const isOther = ({ difference }: StageCheck) => !(difference <= ROUNDING);
  if (features.some(isOther)) return "features";
  if (encoder.some(isOther)) return features.length > 0 ? "encoder" : "features or encoder";
  if (encoder.length > 0) return "pooling";
  return features.length > 0 ? "encoder or pooling" : "features, encoder or pooling";
}
