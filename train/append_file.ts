/** Files that grow while a run goes on. @module */
import { ioFact } from "./io_fact.ts";

/** What to do about an output that fails in mid-run. */
export const resumeRemedy = "mend that and go on with --resume";

/** A file that is appended to at once; it names itself and the remedy when the disk is full or gone. */
export class AppendFile implements Disposable {
  /** Where it is. */
  readonly path: string;
  readonly #file: Deno.FsFile;

  /**
   * Opens it.
   *
   * @param options `isNew`: it must not exist yet; default false
   * @throws {Error} Where it cannot be opened.
   */
  constructor(path: string, { isNew = false }: { isNew?: boolean } = {}) {
    this.path = path;
    this.#file = this.#trying(() => Deno.openSync(path, { append: true, create: !isNew, createNew: isNew }));
  }

  /**
   * Appends bytes.
   *
   * @throws {Error} Where they cannot be written; a part of them may have been.
   */
  write(bytes: Uint8Array): void {
    this.#trying(() => {
      for (let done = 0; done < bytes.length;) done += this.#file.writeSync(bytes.subarray(done));
    });
  }

  /** Closes the file. */
  close(): void {
    this.#file.close();
  }

  /** Closes the file, at the end of a `using` scope. */
  [Symbol.dispose](): void {
    this.close();
  }

  #trying<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw new Error(`Cannot write "${this.path}": ${ioFact(error)}; ${resumeRemedy}`, { cause: error });
    }
  }
}

/**
 * What such a file holds; nothing where there is none.
 *
 * @throws {Error} Where it cannot be read.
 */
export async function textIfThere(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw new Error(`Cannot read "${path}": ${ioFact(error)}`, { cause: error });
  }
}
