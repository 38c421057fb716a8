/**
 * The folder that preprocessing writes: built beside its place and renamed when complete, so that a data set is whole or
 * not there.
 */
import { basename, dirname, join } from "node:path";
import { isRecord, readJsonFile } from "../sets/json_file.ts";
import { FEATURES_FORMAT } from "./features_json.ts";

/** A folder under construction. */
export class OutputFolder {
  /** Where to write meanwhile. */
  readonly staging: string;
  readonly #place: string;
  readonly #overwrite: boolean;

  private constructor(place: string, { staging, overwrite }: { staging: string; overwrite: boolean }) {
    this.#place = place;
    this.#overwrite = overwrite;
    this.staging = staging;
  }

  /**
   * Checks the place and makes an empty folder beside it.
   *
   * @param place where the data set shall be
   * @param overwrite whether a data set that preprocessing made there before may be replaced
   * @throws {Error} the place holds something, or it cannot be written
   */
  static async start(place: string, overwrite: boolean): Promise<OutputFolder> {
    const clean = place.replace(/(?<=.)[/\\]+$/, "");
    await checkPlace(clean, overwrite);
    const staging = join(dirname(clean), `.${basename(clean)}.${Deno.pid}.part`);
    try {
      await Deno.mkdir(staging, { recursive: true });
    } catch (error) {
      throw asWriteError(place, error);
    }
    return new OutputFolder(clean, { staging, overwrite });
  }

  /**
   * Puts the finished folder in its place.
   *
   * @throws {Error} meanwhile something else has come there
   */
  async finish(): Promise<void> {
    await checkPlace(this.#place, this.#overwrite);
    const old = `${this.staging}.old`;
    const replaces = await moveIfThere(this.#place, old);
    try {
      await Deno.rename(this.staging, this.#place);
    } catch (error) {
      if (replaces) await Deno.rename(old, this.#place);
      throw error;
    }
    if (replaces) await Deno.remove(old, { recursive: true });
  }

  /** Removes what has been written, and gives back the error to throw: one of the disk's with the folder's name. */
  async abandon(error: unknown): Promise<unknown> {
    await Deno.remove(this.staging, { recursive: true }).catch(() => {}); // the error that led here is the one to tell
    return asWriteError(this.#place, error);
  }
}

/** An error of the file system in our words; others as they are. */
function asWriteError(place: string, error: unknown): unknown {
  const ofDisk = Object.values(Deno.errors).some((kind) => error instanceof kind) ||
    /\(os error \d+\)/.test(`${error}`);
  if (!ofDisk) return error;
  const fact = (error as Error).message.replace(/ \(os error.*/s, "");
  return new Error(`Cannot write ${JSON.stringify(place)}: ${fact}`, { cause: error });
}

async function checkPlace(place: string, overwrite: boolean): Promise<void> {
  const what = `Cannot write ${JSON.stringify(place)}`;
  let entries: Deno.DirEntry[];
  try {
    entries = await Array.fromAsync(Deno.readDir(place));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    if (error instanceof Deno.errors.NotADirectory) throw new Error(`${what}: there is a file of this name`);
    throw error;
  }
  if (entries.length === 0) return;
  if (!await isOurs(place)) throw new Error(`${what}: it holds something else; give another folder`);
  if (!overwrite) throw new Error(`${what}: it holds a data set; replace it with --overwrite or give another folder`);
}

async function isOurs(place: string): Promise<boolean> {
  try {
    const features = await readJsonFile(join(place, "features.json"));
    return isRecord(features) && features.format === FEATURES_FORMAT;
  } catch {
    return false;
  }
}

async function moveIfThere(from: string, to: string): Promise<boolean> {
  try {
    await Deno.rename(from, to);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
