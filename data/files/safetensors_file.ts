/**
 * Reading `.safetensors` files: named arrays with a JSON header, nothing executable. Bytes in memory are read in a browser as well.
 * Format: https://github.com/huggingface/safetensors
 */
import { type ByteSource, openBytes } from "./byte_source.ts";
import { type ArrayDict, elementCount, type NamedArray, toArrayDict } from "./named_array.ts";
import { parseHeader, parseHeaderLength, type SafetensorsEntry, type SafetensorsHeader } from "./safetensors_header.ts";
import { decodeStored } from "./stored_types.ts";

/** Options of {@linkcode openSafetensors} and {@linkcode readSafetensors}. */
export interface SafetensorsOptions {
  /** What to call bytes in errors; default "data in memory". A path is called by itself. */
  readonly name?: string;
}

/** An open safetensors file. The header has been read and checked; arrays are read one by one when asked for. */
export class SafetensorsFile implements Disposable {
  readonly #source: ByteSource;
  readonly #header: SafetensorsHeader;

  /** Takes a source over; use {@linkcode openSafetensors}. */
  constructor(source: ByteSource) {
    this.#source = source;
    this.#header = readHeader(source);
  }

  /** Names of the arrays in the order of the header. */
  get names(): string[] {
    return [...this.#header.entries.keys()];
  }

  /** The free text pairs of the header; empty if there are none. */
  get metadata(): Readonly<Record<string, string>> {
    return this.#header.metadata;
  }

  /** True if there is an array of this name. */
  has(name: string): boolean {
    return this.#header.entries.has(name);
  }

  /**
   * Type, shape and place of an array, without reading it.
   *
   * @throws {RangeError} there is no array of this name
   */
  entry(name: string): SafetensorsEntry {
    const entry = this.#header.entries.get(name);
    if (entry === undefined) {
      throw new RangeError(`Cannot find ${JSON.stringify(name)} in ${this.#source.label}: no such array`);
    }
    return entry;
  }

  /**
   * Reads one array into memory of its own.
   *
   * @param name one of `names`
   * @returns float32 for F64, F32, F16 and BF16; int32 for integers and booleans
   * @throws {RangeError} there is no array of this name, or an integer does not fit into 32 bits
   * @throws {Error} the file has been closed or cut short since it was opened
   */
  read(name: string): NamedArray {
    const { offset, byteLength } = this.entry(name);
    return this.#decode(name, this.#source.read(offset, byteLength));
  }

  /** As {@linkcode SafetensorsFile.read}, without blocking. Calls may overlap. */
  async load(name: string): Promise<NamedArray> {
    const { offset, byteLength } = this.entry(name);
    return this.#decode(name, await this.#source.load(offset, byteLength));
  }

  #decode(name: string, bytes: Uint8Array): NamedArray {
    const { dtype, shape } = this.entry(name);
    try {
      return { shape: [...shape], data: decodeStored(dtype, bytes, elementCount(shape)) };
    } catch (error) {
      const fact = (error as Error).message;
      throw new RangeError(`Cannot read ${JSON.stringify(name)} in ${this.#source.label}: ${fact}`, { cause: error });
    }
  }

  /** Reads every array. */
  readAll(): ArrayDict {
    return toArrayDict(this.names.map((name) => [name, this.read(name)]));
  }

  /** Closes the file. May be called twice. */
  close(): void {
    this.#source.close();
  }

  /** Closes the file at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }
}

function readHeader(source: ByteSource): SafetensorsHeader {
  try {
    if (source.size < 8) throw new Error(`it has ${source.size} bytes and is not safetensors`);
    const length = parseHeaderLength(source.read(0, 8), source.size);
    return parseHeader(source.read(8, length), source.size);
  } catch (error) {
    source.close();
    throw new SyntaxError(`Cannot read ${source.label}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Opens a safetensors file and checks its header. Arrays are read when asked for; close the file when done, or use `using`.
 *
 * @example
 * ```ts
 * import { openSafetensors } from "./safetensors_file.ts";
 * import { writeSafetensors } from "./safetensors.ts";
 *
 * const path = Deno.makeTempFileSync();
 * await writeSafetensors(path, { bias: { shape: [2], data: new Float32Array([1, 2]) } }, { step: "10" });
 * using file = openSafetensors(path);
 * console.log(file.metadata.step, file.read("bias").data);
 * ```
 *
 * @param source a path, or the bytes of a file
 * @throws {Error} there is no such file
 * @throws {SyntaxError} it is not a well-formed safetensors file
 */
export function openSafetensors(source: string | Uint8Array, { name }: SafetensorsOptions = {}): SafetensorsFile {
  return new SafetensorsFile(openBytes(source, name === undefined ? undefined : JSON.stringify(name)));
}

/**
 * Reads a whole safetensors file.
 *
 * @param source a path, or the bytes of a file
 * @returns the arrays by name and the metadata of the header
 * @throws {Error} there is no such file
 * @throws {SyntaxError} it is not a well-formed safetensors file
 * @throws {RangeError} an integer does not fit into 32 bits
 */
export function readSafetensors(
  source: string | Uint8Array,
  options: SafetensorsOptions = {},
): { arrays: ArrayDict; metadata: Record<string, string> } {
  const file = openSafetensors(source, options);
  try { // not `using`, which some browsers cannot parse
    return { arrays: file.readAll(), metadata: { ...file.metadata } };
  } finally {
    file.close();
  }
}
