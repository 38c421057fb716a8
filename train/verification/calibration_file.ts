/** Calibrations as files beside their models. @module */
import { basename, dirname, join } from "node:path";
import { encodeSafetensors, openSafetensors, writeAtomic } from "../../data/files/mod.ts";
import { ioFact } from "../io_fact.ts";
import { type Calibration, parseCalibration } from "./calibration.ts";
import { type Cohort, makeCohort } from "./cohort.ts";
import type { LengthNorm, PldaSpace } from "./plda_space.ts";
import { rowOf } from "./vector_matrix.ts";

const EMBEDDINGS = "embeddings";

/**
 * Where a model's calibration lies: `RUN/calibration.json` for a run folder (or its best model), `x.calibration.json` for another file
 * `x.safetensors`.
 */
export async function calibrationPath(model: string): Promise<string> {
  const isFolder = await Deno.stat(model).then((s) => s.isDirectory, () => false);
  if (isFolder) return join(model, "calibration.json");
  if (basename(model) === "best.safetensors") return join(dirname(model), "calibration.json");
  return `${model.replace(/\.safetensors$/, "")}.calibration.json`;
}

/**
 * Reads the calibration of a model.
 *
 * @param model run folder or model file
 * @param options `id`: the loaded model's
 * @throws {Error} Where there is none, it is damaged, or it was measured with another model; the message says how to make one.
 */
export async function readCalibration(model: string, { id }: { readonly id: string }): Promise<Calibration> {
  const path = await calibrationPath(model);
  const remedy = `run deno task evaluate --model ${model} --verification --data DIR, with recordings of at least two ` +
    "speakers whom training did not hear";
  const json = await Deno.readTextFile(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) {
      throw new Error(`Cannot read "${path}": ${ioFact(error)}`, { cause: error });
    }
    throw new Error(`Cannot judge by "${model}": its threshold is not known, there is no "${path}"; ${remedy}`);
  });
  const { cohort, plda, ...calibration } = parseCalibration(json, path);
  if (calibration.model !== id) {
    throw new Error(`Cannot judge by "${model}": "${path}" was measured with another model; ${remedy}`);
  }
  const beside = (file: string) => join(dirname(path), file);
  return {
    ...calibration,
    ...cohort === undefined ? {} : { cohort: readCohort(beside(cohort.file), cohort) },
    ...plda === undefined ? {} : { plda: readPlda(beside(plda.file), plda) },
  };
}

function readCohort(path: string, { topN }: { topN: number }): Cohort {
  using file = openSafetensors(path);
  const { shape, data } = file.read(EMBEDDINGS);
  if (shape.length !== 2 || shape[1] < 1 || !(data instanceof Float32Array) || !data.every(Number.isFinite)) {
    throw new SyntaxError(`Cannot read "${path}": it holds no embeddings of a cohort`);
  }
  const matrix = { values: data, count: shape[0], dim: shape[1] };
  return makeCohort(Array.from({ length: matrix.count }, (_, i) => rowOf(matrix, i)), { topN });
}

function readPlda(path: string, { lengthNorm }: { lengthNorm: LengthNorm }): PldaSpace {
  using file = openSafetensors(path);
  const [mean, transform, psi] = ["mean", "transform", "psi"].map((name) => {
    const { shape, data } = file.read(name);
    if (data instanceof Float32Array && data.length > 0 && data.every(Number.isFinite)) return { shape, data };
    throw damagedPlda(path);
  });
  const [inputDim, dim] = [mean.data.length, psi.data.length];
  const fits = transform.shape.length === 2 && transform.shape[0] === dim && transform.shape[1] === inputDim;
  if (!fits || psi.data.some((x) => x < 0)) throw damagedPlda(path);
  return { inputDim, mean: mean.data, transform: transform.data, psi: psi.data, lengthNorm };
}

function damagedPlda(path: string): SyntaxError {
  return new SyntaxError(`Cannot read "${path}": it holds no PLDA`);
}

/**
 * Writes the calibration of a model; a crash at any moment leaves the old one or the new one.
 *
 * @param path where it belongs, see {@linkcode calibrationPath}
 * @throws {Error} Where it cannot be written.
 */
export async function writeCalibration(path: string, { cohort, plda, ...calibration }: Calibration): Promise<void> {
  try {
    const before = await filesOf(path);
    const own = {
      ...cohort === undefined ? {} : { cohort: { file: await writeCohort(path, cohort), topN: cohort.topN } },
      ...plda === undefined ? {} : { plda: { file: await writePlda(path, plda), lengthNorm: plda.lengthNorm } },
    };
    await writeAtomic(path, JSON.stringify({ ...calibration, ...own }, null, 2) + "\n");
    const kept: readonly unknown[] = Object.values(own).map(({ file }) => file);
    for (const file of before) if (!kept.includes(file)) await Deno.remove(join(dirname(path), file)).catch(() => {});
  } catch (error) {
    throw new Error(`Cannot write "${path}": ${ioFact(error)}`, { cause: error });
  }
}

async function writeCohort(path: string, { embeddings: { values, count, dim } }: Cohort): Promise<string> {
  return await writeBeside(path, "cohort", encodeSafetensors({ [EMBEDDINGS]: { shape: [count, dim], data: values } }));
}

async function writePlda(path: string, { inputDim, mean, transform, psi }: PldaSpace): Promise<string> {
  const arrays = {
    mean: { shape: [inputDim], data: Float32Array.from(mean) },
    transform: { shape: [psi.length, inputDim], data: Float32Array.from(transform) },
    psi: { shape: [psi.length], data: Float32Array.from(psi) },
  };
  return await writeBeside(path, "plda", encodeSafetensors(arrays));
}

/** The file is named by what is in it, so that the old calibration keeps its own until the new one stands. */
async function writeBeside(path: string, kind: string, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  const file = `${basename(path).replace(/\.json$/, "")}-${kind}-${digest.slice(0, 12)}.safetensors`;
  await writeAtomic(join(dirname(path), file), bytes);
  return file;
}

/** The files that a calibration names, if there is one that can be read. */
async function filesOf(path: string): Promise<string[]> {
  const files = (json: string) => {
    const { cohort, plda } = parseCalibration(json, path);
    return [cohort?.file, plda?.file].filter((file) => file !== undefined);
  };
  return await Deno.readTextFile(path).then(files).catch(() => []);
}
