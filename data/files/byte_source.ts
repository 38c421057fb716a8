/** Bytes at a position, from memory or from an open file, so that readers need not care which. */
export interface ByteSource {
  /** How the source is called in messages: the quoted path, or "data in memory". */
  readonly label: string;
  /** Total number of bytes. */
  readonly size: number;
  /**
   * Reads exactly `length` bytes at `offset` into memory of their own; throws if the source has become shorter.
   * Not while a `load` is under way.
   */
  read(offset: number, length: number): Uint8Array<ArrayBuffer>;
  /** As `read`, but the result may share memory with the source: not to be written into. */
  share(offset: number, length: number): Uint8Array;
  /** As `read`, without blocking. Calls may overlap. */
  load(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Closes the file, if there is one. May be called twice. */
  close(): void;
}

/** A file up to this size is read at once: one system call instead of one for each piece. */
const SMALL_FILE_BYTES = 1 << 20;

/**
 * Opens a file for reading at positions, or wraps bytes. Close it when done.
 *
 * @param source a path, or bytes
 * @param label what to call bytes in messages; default "data in memory"
 * @throws {Error} there is no such file, or it is not a file
 */
export function openBytes(source: string | Uint8Array, label = "data in memory"): ByteSource {
  if (typeof source !== "string") return new MemorySource(source, label);
  const file = new FileSource(source);
  if (file.size > SMALL_FILE_BYTES) return file;
  try {
    return new MemorySource(file.read(0, file.size), file.label);
  } finally {
    file.close();
  }
}

class MemorySource implements ByteSource {
  readonly label: string;
  #bytes: Uint8Array | undefined;

  constructor(bytes: Uint8Array, label: string) {
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength); // Node's Buffer slices differently
    this.label = label;
  }

  get size(): number {
    return this.#bytes?.length ?? 0;
  }

  read(offset: number, length: number): Uint8Array<ArrayBuffer> {
    return this.share(offset, length).slice();
  }

  share(offset: number, length: number): Uint8Array {
    if (this.#bytes === undefined) throw new Error(`Cannot read ${this.label}: it has been closed`);
    if (offset + length > this.size) throw new Error(`Cannot read ${this.label}: it ends after ${this.size} bytes`);
    return this.#bytes.subarray(offset, offset + length);
  }

  load(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    return Promise.try(() => this.read(offset, length));
  }

  close(): void {
    this.#bytes = undefined;
  }
}

class FileSource implements ByteSource {
  readonly label: string;
  readonly size: number;
  #file: Deno.FsFile | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #loads = 0;

  constructor(path: string) {
    this.label = JSON.stringify(path);
    const file = openFile(path);
    const stat = file.statSync();
    if (!stat.isFile) {
      file.close();
      throw new Error(`Cannot read ${this.label}: it is not a file`);
    }
    this.size = stat.size;
    this.#file = file;
  }

  read(offset: number, length: number): Uint8Array<ArrayBuffer> {
    if (this.#loads > 0) throw new Error(`internal: ${this.label} is read while a load is under way`);
    const file = this.#seek(offset);
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const count = file.readSync(bytes.subarray(done));
      if (count === null) throw this.#tooShort(offset + done);
      done += count;
    }
    return bytes;
  }

  share(offset: number, length: number): Uint8Array {
    return this.read(offset, length);
  }

  /** One read after the other: a file has a single position. */
  load(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    this.#loads++;
    const result = this.#turn.then(() => this.#load(offset, length)).finally(() => this.#loads--);
    this.#turn = result.catch(() => {});
    return result;
  }

  async #load(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const count = await this.#seek(offset + done).read(bytes.subarray(done));
      if (count === null) throw this.#tooShort(offset + done);
      done += count;
    }
    return bytes;
  }

  #seek(offset: number): Deno.FsFile {
    if (this.#file === undefined) throw new Error(`Cannot read ${this.label}: it has been closed`);
    this.#file.seekSync(offset, Deno.SeekMode.Start);
    return this.#file;
  }

  #tooShort(end: number): Error {
    return new Error(`Cannot read ${this.label}: it ends after ${end} bytes`);
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}

function openFile(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new Error(`Cannot read ${JSON.stringify(path)}: there is no such file`, { cause: error });
    }
    throw error;
  }
}
