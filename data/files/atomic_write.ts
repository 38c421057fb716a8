/**
 * Files that are either the old one or the whole new one: written beside their place, flushed to the disk, then renamed.
 */
import { dirname } from "node:path";

let serial = 0;

/** Takes the parts of a file in order. */
export type PartWriter = (bytes: Uint8Array) => Promise<void>;

/**
 * Writes a file such that a crash at any moment leaves the old file or the complete new one at `path`.
 *
 * @param path where the file shall be; its folder must exist
 * @param produce writes the contents, part after part; if it throws, `path` is untouched and nothing is left behind
 */
export async function writeFileAtomic(path: string, produce: (write: PartWriter) => Promise<void>): Promise<void> {
  const beside = `${path}.${Deno.pid}-${serial++}.part`;
  try {
    using file = await Deno.open(beside, { write: true, createNew: true });
    await produce((bytes) => writeAll(file, bytes));
    await file.sync();
  } catch (error) {
    await Deno.remove(beside).catch(() => {}); // it may never have been created; the first error is the one to tell
    throw error;
  }
  await Deno.rename(beside, path);
  await syncFolder(dirname(path));
}

/** As {@linkcode writeFileAtomic}, for text (UTF-8) or bytes that are in memory already. */
export function writeAtomic(path: string, contents: string | Uint8Array): Promise<void> {
  const bytes = typeof contents === "string" ? new TextEncoder().encode(contents) : contents;
  return writeFileAtomic(path, (write) => write(bytes));
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
}

/** Makes the rename itself durable. Not every system can open a folder; where it cannot there is nothing to flush. */
async function syncFolder(path: string): Promise<void> {
  try {
    using folder = await Deno.open(path);
    await folder.sync();
  } catch {
    // Windows and some network file systems refuse this; the file's own contents are on the disk already.
  }
}
