/** A model from outside: a folder or a file, read with limits. Nothing in it is executed, and no path in it leads out of it. @module */
import { basename, join } from "node:path";
import { type ArrayDict, openSafetensors, outlineTorchFile, readTorchValues } from "../../data/files/mod.ts";
import { ioFact } from "../io_fact.ts";

/** A value of a weight file that is no tensor. */
export type PlainValue = string | number | boolean | null;

/** What a weight file holds. */
export interface Weights {
  /** Tensors by name: those of nested dictionaries are joined by dots. */
  readonly arrays: ArrayDict;
  /** Plain values beside them, named alike. */
  readonly values: ReadonlyMap<string, PlainValue>;
}

/** What a weight file holds, without the tensors' numbers. */
export interface WeightsOutline {
  /** Shapes by name. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** As {@linkcode Weights.values}. */
  readonly values: ReadonlyMap<string, PlainValue>;
}

/** Options of {@linkcode ImportSource.weights}. */
export interface WeightsOptions {
  /** Which tensors are read, by name; default all. */
  readonly wanted?: (name: string) => boolean;
}

/** A folder or a file from outside. */
export interface ImportSource {
  /** As the user gave it. */
  readonly path: string;
  /** Its last part without a weight file's ending: what a model made of it is called. */
  readonly name: string;
  /** Bytes of the files by name; those in folders inside have their folder's name and `/` before them. */
  readonly files: ReadonlyMap<string, number>;
  /**
   * Reads a text file.
   *
   * @throws {Error} There is none, it is longer than 16 MiB, or not UTF-8; the message names it.
   */
  text(name: string): Promise<string>;
  /**
   * Reads a JSON object.
   *
   * @throws {Error} As `text`, or it is no JSON object.
   */
  json(name: string): Promise<Readonly<Record<string, unknown>>>;
  /**
   * Reads a weight file: `.safetensors`, or what `torch.save` wrote, whatever its name ends in.
   *
   * @throws {Error} There is none, or it is damaged; the message names it.
   */
  weights(name: string, options?: WeightsOptions): Promise<Weights>;
  /**
   * Says what a weight file holds, without reading all of it.
   *
   * @throws {Error} As `weights`.
   */
  outline(name: string): Promise<WeightsOutline>;
  /**
   * Reads a part of a file; default all of it.
   *
   * @throws {Error} There is none, or the part does not lie in it; the message names it.
   */
  bytes(name: string, range?: { readonly offset: number; readonly length: number }): Promise<Uint8Array<ArrayBuffer>>;
  /** How messages call a file: its whole path. */
  pathOf(name: string): string;
}

const MAX_TEXT_BYTES = 16 << 20;
/** Folders inside are looked into so deep, and so many files are noted. */
const DEEPEST = 2, MOST_FILES = 10_000;
/** Endings of weight files. */
export const weightEndings = [".safetensors", ".ckpt", ".pth", ".pt", ".bin", ".onnx"];

/** Options of {@linkcode openImportSource}. */
export interface ImportSourceOptions {
  /** Folder with the files that belong to a single file; default none: it stands alone. */
  readonly root?: string;
}

/**
 * Opens a folder or a file.
 *
 * @throws {Error} There is none, or it cannot be read.
 */
export async function openImportSource(path: string, { root }: ImportSourceOptions = {}): Promise<ImportSource> {
  const stat = await statOf(path);
  if (stat.isDirectory) {
    if (root !== undefined) throw new Error(`Cannot use --root "${root}": "${path}" is a folder already`);
    return new Source(path, await filesIn(path));
  }
  const paths = root === undefined ? new Map<string, FileFact>() : await filesIn(root);
  paths.set(basename(path), { path, size: stat.size });
  return new Source(path, paths);
}

interface FileFact {
  readonly path: string;
  readonly size: number;
}

/** Whether a source is a single file, without the files that may belong to it. */
export function isAlone({ files, path }: ImportSource): boolean {
  return files.size === 1 && files.has(basename(path));
}

async function statOf(path: string): Promise<Deno.FileInfo> {
  return await Deno.stat(path).catch((error) => {
    throw new Error(`Cannot import "${path}": ${ioFact(error)}`, { cause: error });
  });
}

/** The files of a folder: links are followed, as the caches of Hugging Face and SpeechBrain consist of them. */
async function filesIn(folder: string): Promise<Map<string, FileFact>> {
  const found = new Map<string, FileFact>();
  const look = async (within: string, depth: number): Promise<void> => {
    for await (const { name } of Deno.readDir(join(folder, within))) {
      const inner = within === "" ? name : `${within}/${name}`, path = join(folder, inner);
      const stat = await Deno.stat(path).catch(() => undefined); // a link to nothing
      if (stat?.isFile && found.size < MOST_FILES) found.set(inner, { path, size: stat.size });
      if (stat?.isDirectory && depth < DEEPEST && !name.startsWith(".")) await look(inner, depth + 1);
    }
  };
  await look("", 1).catch((error) => {
    throw new Error(`Cannot import "${folder}": ${ioFact(error)}`, { cause: error });
  });
  return found;
}

class Source implements ImportSource {
  readonly path: string;
  readonly name: string;
  readonly files: ReadonlyMap<string, number>;
  readonly #places: ReadonlyMap<string, FileFact>;
  /** Several toolkits ask for the same ones. */
  readonly #outlines = new Map<string, Promise<WeightsOutline>>();

  constructor(path: string, places: ReadonlyMap<string, FileFact>) {
    this.path = path;
    const last = basename(path) === "." || basename(path) === ".." ? basename(Deno.realPathSync(path)) : basename(path);
    const ending = weightEndings.find((ending) => last.toLowerCase().endsWith(ending)) ?? "";
    this.name = last.slice(0, last.length - ending.length) || "model";
    this.files = new Map([...places].map(([name, { size }]) => [name, size]));
    this.#places = places;
  }

  pathOf(name: string): string {
    return this.#places.get(name)?.path ?? join(this.path, name);
  }

  #fileOf(name: string): FileFact {
    const found = this.#places.get(name);
    if (found !== undefined) return found;
    throw new Error(`Cannot import "${this.path}": it holds no ${name}`);
  }

  async text(name: string): Promise<string> {
    const { path, size } = this.#fileOf(name);
    if (size > MAX_TEXT_BYTES) {
      throw new Error(
        `Cannot import "${path}": it has ${size} bytes, more than the ${MAX_TEXT_BYTES} that a text may have`,
      );
    }
    const bytes = await Deno.readFile(path).catch((error) => {
      throw new Error(`Cannot import "${path}": ${ioFact(error)}`, { cause: error });
    });
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch (error) {
      throw new Error(`Cannot import "${path}": it is not UTF-8 text`, { cause: error });
    }
  }

  async bytes(
    name: string,
    range?: { readonly offset: number; readonly length: number },
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { path, size } = this.#fileOf(name), { offset, length } = range ?? { offset: 0, length: size };
    try {
      using file = await Deno.open(path);
      await file.seek(offset, Deno.SeekMode.Start);
      const bytes = new Uint8Array(length);
      for (let done = 0, read: number | null = 0; done < length; done += read) {
        read = await file.read(bytes.subarray(done));
        if (read === null) throw new Error(`it ends before byte ${offset + length}`);
      }
      return bytes;
    } catch (error) {
      throw new Error(`Cannot import "${path}": ${ioFact(error)}`, { cause: error });
    }
  }

  async json(name: string): Promise<Readonly<Record<string, unknown>>> {
    const text = await this.text(name), path = this.pathOf(name);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new SyntaxError(`Cannot import "${path}": ${(error as Error).message}`, { cause: error });
    }
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
    throw new SyntaxError(`Cannot import "${path}": expected a JSON object`);
  }

  weights(name: string, { wanted }: WeightsOptions = {}): Promise<Weights> {
    const { path } = this.#fileOf(name);
    return Promise.try(() => isSafetensors(name) ? safetensorsOf(path, wanted) : readTorchValues(path, { wanted }));
  }

  outline(name: string): Promise<WeightsOutline> {
    const { path } = this.#fileOf(name), known = this.#outlines.get(name);
    if (known !== undefined) return known;
    const found = Promise.try(() => isSafetensors(name) ? safetensorsOutline(path) : outlineTorchFile(path));
    this.#outlines.set(name, found);
    return found;
  }
}

function isSafetensors(name: string): boolean {
  return name.toLowerCase().endsWith(".safetensors");
}

function safetensorsOf(path: string, wanted: (name: string) => boolean = () => true): Weights {
  using file = openSafetensors(path);
  const arrays = Object.fromEntries(file.names.filter(wanted).map((name) => [name, file.read(name)]));
  return { arrays, values: new Map(Object.entries(file.metadata)) };
}

function safetensorsOutline(path: string): WeightsOutline {
  using file = openSafetensors(path);
  const shapes = new Map(file.names.map((name) => [name, file.entry(name).shape]));
  return { shapes, values: new Map(Object.entries(file.metadata)) };
}
