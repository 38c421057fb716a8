/**
 * Which recordings there are and what each is labelled: class folders, a folder whose file names hold the label, or a list.
 */
import { join, sep } from "node:path";
import { quoteSome } from "../sets/quote_some.ts";
import { readRecordingList } from "./recording_lists.ts";

/** Endings of files that are taken for recordings; some of them only to say that they have to be converted. */
const AUDIO_ENDINGS = /\.(wav|wave|flac|mp3|ogg|oga|opus|m4a|aac|wma|aif|aiff|amr|mp4|webm)$/i;

/** One recording to be processed. */
export interface Recording {
  /** Where it is. */
  readonly path: string;
  /** Its path within the folder, or as the list has it: unique, and the same in every run. */
  readonly name: string;
  /** Its class; "" in a test part. */
  readonly label: string;
}

/** What was found. */
export interface FoundRecordings {
  /** Sorted by label, then by name. */
  readonly recordings: Recording[];
  /** Names of recordings that were left out because they have no label. */
  readonly unlabelled: string[];
}

/** Where labels come from, if not from class folders. */
export interface LabelSource {
  /** A pattern with one group, which holds the label, for the path within the folder. */
  readonly label?: string;
  /** Column of a CSV file that holds the label; default "class", else "label". */
  readonly labelColumn?: string;
}

/**
 * Finds labelled recordings.
 *
 * @param input a folder with a folder for each class; with `label`, any folder; a text file with lines `path⇥label`; or a
 *   CSV file with the columns `file` (or `filename`) and `class` (or `label`). Paths count from the file's own folder
 * @param options where labels come from
 * @throws {SyntaxError} the pattern or a line of the list is malformed
 * @throws {Error} there is no such folder or file, or it holds no labelled recordings
 */
export async function findRecordings(input: string, options: LabelSource = {}): Promise<FoundRecordings> {
  const { label, labelColumn } = options;
  const what = `Cannot find recordings in ${JSON.stringify(input)}`;
  const pattern = label === undefined ? undefined : parsePattern(label);
  const isFolder = await looksLikeFolder(input);
  if (!isFolder && pattern !== undefined) throw new Error(`${what}: a label pattern is for folders, and it is a file`);
  if (isFolder && labelColumn !== undefined) {
    throw new Error(`${what}: a label column is for CSV files, and it is a folder`);
  }
  const found: FoundRecordings = isFolder
    ? await labelFiles(input, pattern)
    : { recordings: await readRecordingList(input, { labelled: true, labelColumn }), unlabelled: [] };
  const { recordings, unlabelled } = found;
  if (recordings.length === 0 && unlabelled.length === 0) throw new Error(`${what}: there are none`);
  if (recordings.length === 0) throw new Error(`${what}: ${noLabels(unlabelled, pattern)}`);
  return { recordings: recordings.sort(byLabelAndName), unlabelled };
}

/**
 * Finds recordings without labels, for a test part: all in a folder, or those of a list (what follows a tab is passed over).
 *
 * @throws {Error} there is no such folder or file, or it holds no recordings
 */
export async function findTestRecordings(input: string): Promise<Recording[]> {
  const recordings = await looksLikeFolder(input)
    ? (await listAudio(input)).map((name) => ({ path: join(input, name), name, label: "" }))
    : await readRecordingList(input, { labelled: false });
  if (recordings.length === 0) throw new Error(`Cannot find recordings in ${JSON.stringify(input)}: there are none`);
  return recordings.sort(byLabelAndName);
}

/** By code units, so that the order does not depend on the machine's language. */
function byLabelAndName(a: Recording, b: Recording): number {
  return compare(a.label, b.label) || compare(a.name, b.name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function noLabels(unlabelled: readonly string[], pattern: RegExp | undefined): string {
  const some = `${unlabelled.length} recordings (${quoteSome(unlabelled)})`;
  return pattern === undefined
    ? `${some} lie in no class folder; tell deno task preprocess the part of their names that is the label: --label '^([a-z]+)'`
    : `the pattern ${pattern} matches none of ${some}`;
}

/** The label is what the pattern's one group matches. */
function parsePattern(text: string): RegExp {
  let pattern: RegExp;
  try {
    pattern = new RegExp(text, "u");
  } catch (cause) {
    throw new SyntaxError(`Cannot use the label pattern "${text}": ${(cause as Error).message}`, { cause });
  }
  const groups = (new RegExp(`${text}|`, "u").exec("")?.length ?? 1) - 1;
  if (groups !== 1) {
    throw new SyntaxError(
      `Cannot use the label pattern "${text}": it has ${groups} groups, wanted one around the label`,
    );
  }
  return pattern;
}

async function looksLikeFolder(input: string): Promise<boolean> {
  try {
    return (await Deno.stat(input)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      const what = `Cannot find recordings in ${JSON.stringify(input)}`;
      throw new Error(`${what}: there is no such folder or file`, { cause: error });
    }
    throw error;
  }
}

async function labelFiles(folder: string, pattern: RegExp | undefined): Promise<FoundRecordings> {
  const recordings: Recording[] = [], unlabelled: string[] = [];
  for (const name of await listAudio(folder)) {
    const label = pattern === undefined ? classFolder(name) : pattern.exec(name)?.[1];
    if (label) recordings.push({ path: join(folder, name), name, label });
    else unlabelled.push(name);
  }
  return { recordings, unlabelled };
}

function classFolder(name: string): string | undefined {
  const slash = name.indexOf("/");
  return slash < 0 ? undefined : name.slice(0, slash);
}

/**
 * Paths of all recordings below a folder, with slashes, sorted. Hidden files and folders are passed over, and links back
 * to a folder that leads to them: their recordings would come again and again, under labels that are not theirs.
 */
async function listAudio(folder: string): Promise<string[]> {
  const names: string[] = [];
  const visit = async (below: string, trail: readonly string[]) => {
    for await (const entry of Deno.readDir(join(folder, below))) {
      if (entry.name.startsWith(".")) continue;
      const name = below === "" ? entry.name : `${below}/${entry.name}`;
      const isDirectory = entry.isSymlink ? await isFolderLink(join(folder, name)) : entry.isDirectory;
      if (isDirectory) {
        const real = entry.isSymlink ? await Deno.realPath(join(folder, name)) : join(trail[0], entry.name);
        if (!entry.isSymlink || !trail.some((path) => isWithin(path, real))) await visit(name, [real, ...trail]);
      } else if (AUDIO_ENDINGS.test(entry.name)) {
        names.push(name);
      }
    }
  };
  await visit("", [await Deno.realPath(folder)]);
  return names.sort(compare);
}

/** Whether a path is a folder or lies in it; both are real paths. */
function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

async function isFolderLink(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    return false; // a link to nowhere counts as a file, so that it is reported when it cannot be read
  }
}
