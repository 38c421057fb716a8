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

/** Opens a file for reading at positions, or wraps bytes. Close it when done. */
export function openBytes(source: string | Uint8Array): ByteSource {
  return typeof source === "string" ? new FileSource(source) : new MemorySource(source);
}

class MemorySource implements ByteSource {
  readonly label = "data in memory";
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get size(): number {
    return this.#bytes.length;
  }

  read(offset: number, length: number): Uint8Array<ArrayBuffer> {
    if (offset + length > this.size) throw new Error(`Cannot read ${this.label}: it ends after ${this.size} bytes`);
    return new Uint8Array(this.#bytes.subarray(offset, offset + length));
  }

  close(): void {}
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
