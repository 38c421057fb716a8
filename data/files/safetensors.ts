/**
 * Reading and writing `.safetensors` files: named arrays with a JSON header, nothing executable.
 * Format: https://github.com/huggingface/safetensors
 */
import { writeFileAtomic } from "./atomic_write.ts";
import { type ByteSource, openBytes } from "./byte_source.ts";
import { type ArrayDict, elementCount, type NamedArray, toArrayDict } from "./named_array.ts";
import { parseHeader, parseHeaderLength, type SafetensorsEntry, type SafetensorsHeader } from "./safetensors_header.ts";
import { decodeStored } from "./stored_types.ts";

export type { ArrayDict, NamedArray } from "./named_array.ts";

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
 * import { openSafetensors, writeSafetensors } from "./safetensors.ts";
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
export function openSafetensors(source: string | Uint8Array): SafetensorsFile {
  return new SafetensorsFile(openBytes(source));
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
export function readSafetensors(source: string | Uint8Array): { arrays: ArrayDict; metadata: Record<string, string> } {
  using file = openSafetensors(source);
  return { arrays: file.readAll(), metadata: { ...file.metadata } };
}

/**
 * Writes named arrays as F32 or I32. The file appears at `path` complete or not at all: it is written beside its place,
 * flushed to the disk and renamed.
 *
 * @param path where to; the folder must exist, an old file is replaced
 * @param arrays what to write, in this order; each `data` must have as many elements as its `shape` says
 * @param metadata free text pairs for the header; default none
 * @throws {TypeError} a name, shape or data that cannot be written
 */
export async function writeSafetensors(
  path: string,
  arrays: Readonly<ArrayDict>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const header = encodeHeader(arrays, metadata);
  await writeFileAtomic(path, async (write) => {
    await write(header);
    for (const { data } of Object.values(arrays)) {
      await write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
  });
}

/** The bytes that {@linkcode writeSafetensors} would write. */
export function encodeSafetensors(
  arrays: Readonly<ArrayDict>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const header = encodeHeader(arrays, metadata);
  const all = Object.values(arrays);
  const bytes = new Uint8Array(all.reduce((size, { data }) => size + data.byteLength, header.length));
  bytes.set(header);
  let offset = header.length;
  for (const { data } of all) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

/** Length field and JSON, padded with spaces so that the data starts at a multiple of 8. */
function encodeHeader(arrays: Readonly<ArrayDict>, metadata: Readonly<Record<string, string>>): Uint8Array {
  const root: [string, unknown][] = Object.keys(metadata).length ? [["__metadata__", metadata]] : [];
  let offset = 0;
  for (const [name, { shape, data }] of Object.entries(arrays)) {
    checkArray(name, shape, data);
    const dtype = data instanceof Float32Array ? "F32" : "I32";
    root.push([name, { dtype, shape, data_offsets: [offset, offset += data.byteLength] }]);
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(root)));
  const length = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, 8);
  return bytes;
}

function checkArray(name: string, shape: readonly number[], data: Float32Array | Int32Array): void {
  const quoted = JSON.stringify(name);
  if (name === "__metadata__") throw new TypeError(`Cannot write an array named ${quoted}: the format keeps this name`);
  if (!(data instanceof Float32Array || data instanceof Int32Array)) {
    throw new TypeError(`Cannot write ${quoted}: its data is neither a Float32Array nor an Int32Array`);
  }
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0) || elementCount(shape) !== data.length) {
    throw new TypeError(`Cannot write ${quoted}: shape [${shape.join(", ")}] does not fit ${data.length} elements`);
  }
}
