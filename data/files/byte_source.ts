/** Bytes at a position, from memory or from an open file, so that readers need not care which. */
export interface ByteSource {
  /** How the source is called in messages: the quoted path, or "data in memory". */
  readonly label: string;
  /** Total number of bytes. */
  readonly size: number;
  /** Reads exactly `length` bytes at `offset` into memory of their own; throws if the source has become shorter. */
  read(offset: number, length: number): Uint8Array<ArrayBuffer>;
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
    this.#bytes = bytes;
    this.label = label;
  }

  get size(): number {
    return this.#bytes?.length ?? 0;
  }

  read(offset: number, length: number): Uint8Array<ArrayBuffer> {
    if (this.#bytes === undefined) throw new Error(`Cannot read ${this.label}: it has been closed`);
    if (offset + length > this.size) throw new Error(`Cannot read ${this.label}: it ends after ${this.size} bytes`);
    return new Uint8Array(this.#bytes.subarray(offset, offset + length));
  }

  close(): void {
    this.#bytes = undefined;
  }
}

class FileSource implements ByteSource {
  readonly label: string;
  readonly size: number;
  #file: Deno.FsFile | undefined;

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
    if (this.#file === undefined) throw new Error(`Cannot read ${this.label}: it has been closed`);
    const bytes = new Uint8Array(length);
    this.#file.seekSync(offset, Deno.SeekMode.Start);
    for (let done = 0; done < length;) {
      const count = this.#file.readSync(bytes.subarray(done));
      if (count === null) throw new Error(`Cannot read ${this.label}: it ends after ${offset + done} bytes`);
      done += count;
    }
    return bytes;
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
