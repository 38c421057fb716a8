/** The file that a run starts from: a model of ours, or a state dict. @module */
import { extname } from "node:path";
import { type ArrayDict, readSafetensors, readTorchValues } from "../../data/files/mod.ts";
import { weightsOf } from "../checkpoint.ts";
import { importHint } from "../import/hint.ts";
import { ioFact } from "../io_fact.ts";
import { type ModelFacts, parseFacts } from "../model_facts.ts";
import { sha256 } from "../sha256.ts";

/** Weights to start from. */
export interface InitialModel {
  /** As the user gave it. */
  readonly path: string;
  /** What the file says of the model; null for a mere state dict. */
  readonly facts: ModelFacts | null;
  /** Weights by name. */
  readonly arrays: Readonly<ArrayDict>;
  /** SHA-256 of the file. */
  readonly sha256: string;
}

/** Endings of what `torch.save` wrote. */
const torchEndings = [".pt", ".pth", ".ckpt", ".bin"];

/**
 * Reads a run folder (its best model), a model file, a checkpoint of a run, or a state dict: `.safetensors`, or what `torch.save` wrote.
 *
 * @param options `sha256` that the file has to have; "" for any
 * @throws {Error} Where there is none, or it cannot be read.
 */
export async function readInitialModel(path: string, options: { sha256: string }): Promise<InitialModel> {
  const file = await fileOf(path);
  const bytes = await Deno.readFile(file).catch((error) => {
    throw new Error(`Cannot start from "${path}": ${ioFact(error)}`, { cause: error });
  });
  const found = await sha256(bytes);
  if (options.sha256 !== "" && options.sha256 !== found) {
    throw new Error(
      `Cannot start from "${path}": its SHA-256 is ${found}, and initSha256 says ${options.sha256}; it has changed`,
    );
  }
  return { path, sha256: found, ...contentsOf(path, { file, bytes }) };
}

/** The file of a path. */
async function fileOf(path: string): Promise<string> {
  const stat = await Deno.stat(path).catch((error) => {
    throw new Error(`Cannot start from "${path}": ${ioFact(error)}`, { cause: error });
  });
  if (stat.isDirectory) return await bestIn(path);
  const ending = extname(path).toLowerCase();
  if (ending === ".safetensors" || torchEndings.includes(ending)) return path;
  throw new Error(
    `Cannot start from "${path}": expected a run folder, or a file ending in .safetensors, ${torchEndings.join(", ")}`,
  );
}

/** The best model of a run folder. */
async function bestIn(folder: string): Promise<string> {
  const file = `${folder}/best.safetensors`;
  if (await Deno.stat(file).then(() => true, () => false)) return file;
  const hint = await importHint(folder) ?? "a model of another toolkit becomes one by deno task import";
  throw new Error(`Cannot start from "${folder}": it holds no best.safetensors, as run folders do; ${hint}`);
}

/** Whether a tensor of a file is none of those with which a trainer goes on. */
export function isWeight(name: string): boolean {
  return !/^(optimizer_states|optimizer|callbacks|loops|lr_schedulers)\./.test(name);
}

function contentsOf(
  path: string,
  { file, bytes }: { file: string; bytes: Uint8Array<ArrayBuffer> },
): Pick<InitialModel, "facts" | "arrays"> {
  if (!file.toLowerCase().endsWith(".safetensors")) {
    const { arrays } = readTorchValues(bytes, { label: `"${path}"`, wanted: isWeight });
    if (Object.keys(arrays).length > 0) return { facts: null, arrays };
    throw new Error(`Cannot start from "${path}": it holds no tensors`);
  }
  const { arrays, metadata } = readSafetensors(bytes, { name: file });
  const format = metadata.format ?? "";
  if (format.startsWith("voxgrad checkpoint")) return { facts: null, arrays: weightsOf({ arrays, metadata }) };
  const facts = format.startsWith("voxgrad") ? parseFacts(file, metadata) : null;
  return { facts, arrays };
}
