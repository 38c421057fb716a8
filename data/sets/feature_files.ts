/**
 * The feature files of a data set: one PyTorch tensor a file (HW4), or many arrays in a safetensors file (ours).
 */
import { type NamedArray, openSafetensors, type SafetensorsFile } from "../files/safetensors.ts";
import { readTorchTensor } from "../files/torch_file.ts";
import { PatientReader } from "./patient_reader.ts";
import { quoteSome } from "./quote_some.ts";
import type { Utterance, UtteranceFeatures } from "./utterances.ts";

/** Reads features by the paths that metadata.json gives, and checks them. */
export class FeatureFiles {
  readonly #folder: string;
  readonly #channels: number;
  readonly #reader = new PatientReader();
  readonly #shards = new Map<string, SafetensorsFile>();

  /**
   * @param folder the data set
   * @param channels values a frame that every file must have
   */
  constructor(folder: string, channels: number) {
    this.#folder = folder;
    this.#channels = channels;
  }

  /**
   * Checks without reading features that every utterance has its file, and, in packed files, its place and size.
   *
   * @throws {Error} something is missing or has another size
   */
  async check(utterances: readonly Utterance[]): Promise<void> {
    const present = await this.#listFiles(utterances);
    const missing = utterances.map(({ path }) => fileOf(path)).filter((file) => !present.has(file));
    if (missing.length > 0) {
      const files = new Set(missing);
      throw new Error(
        `Cannot open the data set ${JSON.stringify(this.#folder)}: ${files.size} feature files that its ` +
          `metadata names are missing (${quoteSome(files)})`,
      );
    }
    for (const utterance of utterances) {
      if (isPacked(utterance.path)) this.#checkPacked(utterance);
    }
  }

  /**
   * Reads the features of one utterance.
   *
   * @throws {Error} the file is damaged, or does not hold what the utterance says
   */
  async read(utterance: Utterance): Promise<UtteranceFeatures> {
    const { shape, data } = isPacked(utterance.path)
      ? await this.#shard(fileOf(utterance.path)).load(nameOf(utterance.path))
      : await this.#readTorch(utterance.path);
    this.#checkShape(utterance, shape);
    if (!(data instanceof Float32Array)) throw this.#wrong(utterance.path, "it holds whole numbers");
    this.#checkFinite(utterance.path, data);
    return { data, frames: utterance.frames };
  }

  /** Closes open files. Reading opens them again. */
  close(): void {
    for (const shard of this.#shards.values()) shard.close();
    this.#shards.clear();
  }

  /** One look at the folder instead of one at every file; only files in further folders are looked at singly. */
  async #listFiles(utterances: readonly Utterance[]): Promise<Set<string>> {
    const present = new Set<string>();
    for await (const { name } of Deno.readDir(this.#folder)) present.add(name);
    for (const file of new Set(utterances.map(({ path }) => fileOf(path)))) {
      if (/[/\\]/.test(file) && await isFile(`${this.#folder}/${file}`)) present.add(file);
    }
    return present;
  }

  #checkPacked(utterance: Utterance): void {
    const shard = this.#shard(fileOf(utterance.path)), name = nameOf(utterance.path);
    if (!shard.has(name)) throw this.#wrong(utterance.path, "there is no such array in this file");
    this.#checkShape(utterance, shard.entry(name).shape);
  }

  #shard(file: string): SafetensorsFile {
    let shard = this.#shards.get(file);
    if (shard === undefined) this.#shards.set(file, shard = openSafetensors(`${this.#folder}/${file}`));
    return shard;
  }

  async #readTorch(path: string): Promise<NamedArray> {
    const full = `${this.#folder}/${path}`, label = JSON.stringify(full);
    return readTorchTensor(await this.#readFile(full), { label, share: true });
  }

  async #readFile(path: string): Promise<Uint8Array> {
    try {
      return await this.#reader.read(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) {
        throw new Error(`Cannot read ${JSON.stringify(path)}: there is no such file`, { cause: error });
      }
      throw error;
    }
  }

  #checkShape({ path, frames }: Utterance, shape: readonly number[]): void {
    const found = `[${shape.join(", ")}]`;
    if (shape.length !== 2) throw this.#wrong(path, `its shape is ${found}, wanted [frames, ${this.#channels}]`);
    if (shape[1] !== this.#channels) {
      throw this.#wrong(path, `its frames have ${shape[1]} values, but n_mels is ${this.#channels}`);
    }
    if (shape[0] !== frames) throw this.#wrong(path, `it has ${shape[0]} frames, but its mel_len is ${frames}`);
  }

  #checkFinite(path: string, data: Float32Array): void {
    let zero = 0;
    for (let i = 0; i < data.length; i++) zero += data[i] * 0; // NaN once a value is NaN or infinite
    if (zero === 0) return;
    const at = data.findIndex((value) => !Number.isFinite(value));
    throw this.#wrong(path, `frame ${Math.floor(at / this.#channels)} holds ${data[at]}`);
  }

  #wrong(path: string, fact: string): Error {
    return new Error(`Cannot use ${JSON.stringify(`${this.#folder}/${path}`)}: ${fact}`);
  }
}

function isPacked(path: string): boolean {
  return path.includes("#");
}

function fileOf(path: string): string {
  return path.split("#", 1)[0];
}

function nameOf(path: string): string {
  return path.slice(path.indexOf("#") + 1);
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}
