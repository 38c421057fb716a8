/**
 * The three JSON files of an HW4 folder (S0 in the course's words: metadata, mapping, testdata), checked against each other.
 *
 *     mapping.json   {"speaker2id": {"id00464": 0, …}, "id2speaker": {"0": "id00464", …}}
 *     metadata.json  {"n_mels": 40, "speakers": {"id00464": [{"feature_path": "uttr-….pt", "mel_len": 435}, …]}}
 *     testdata.json  {"n_mels": 40, "utterances": [{"feature_path": "uttr-….pt", "mel_len": 490}, …]}
 *
 * Ours add `feature_path` of the form "features-0003.safetensors#NAME", and "features.json" with the feature settings.
 */
import { type FeatureSettings, parseFeatureSettings } from "../features/settings.ts";
import { isRecord, readJsonFile } from "./json_file.ts";
import { quoteSome } from "./quote_some.ts";
import type { Utterance } from "./utterances.ts";

/** What the JSON files of a data set say. */
export interface FolderContents {
  /** Class names; the index is the label. */
  readonly classes: string[];
  /** Values a frame. */
  readonly channels: number;
  /** Training utterances in the order of metadata.json. */
  readonly utterances: Utterance[];
  /** Test utterances without labels, or null if there is no testdata.json. */
  readonly test: Utterance[] | null;
  /** How the features were made, or null if the folder does not say. */
  readonly featureSettings: FeatureSettings | null;
}

/**
 * Reads and checks the JSON files of a folder; features are not looked at.
 *
 * @param folder the folder
 * @throws {SyntaxError} a file is not JSON
 * @throws {Error} a file is missing or malformed, or they do not fit together
 */
export async function readFolderContents(folder: string): Promise<FolderContents> {
  await checkFolder(folder);
  const file = (name: string) => readJsonFile(`${folder}/${name}`);
  const metadata = await file("metadata.json"), mapping = await file("mapping.json");
  const missing = [metadata === undefined ? "metadata.json" : "", mapping === undefined ? "mapping.json" : ""];
  if (missing.some((name) => name !== "")) throw new Error(noDataSet(folder, missing.filter(Boolean)));
  const classes = parseMapping(mapping, `${folder}/mapping.json`);
  const { channels, utterances } = parseMetadata(metadata, classes, `${folder}/metadata.json`);
  const test = parseTest(await file("testdata.json"), channels, `${folder}/testdata.json`);
  const featureSettings = parseSettings(await file("features.json"), `${folder}/features.json`);
  return { classes, channels, utterances, test, featureSettings };
}

async function checkFolder(folder: string): Promise<void> {
  const what = `Cannot open the data set ${JSON.stringify(folder)}`;
  let stat: Deno.FileInfo;
  try {
    stat = await Deno.stat(folder);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new Error(`${what}: there is no such folder`, { cause: error });
    throw error;
  }
  if (!stat.isDirectory) throw new Error(`${what}: it is not a folder`);
}

function noDataSet(folder: string, missing: readonly string[]): string {
  return `Cannot open the data set ${JSON.stringify(folder)}: it has no ${missing.join(" and no ")}; ` +
    "make a data set of recordings with `deno task preprocess --in RECORDINGS --out FOLDER`";
}

/** An error about the contents of one of the files. */
function wrong(path: string, fact: string): Error {
  return new Error(`Cannot use ${JSON.stringify(path)}: ${fact}`);
}

/** Class names by label. The ids must be 0 … n − 1, and both directions must say the same. */
function parseMapping(mapping: unknown, path: string): string[] {
  const forth = isRecord(mapping) ? mapping.speaker2id : undefined;
  const back = isRecord(mapping) ? mapping.id2speaker : undefined;
  if (!isRecord(forth) || !isRecord(back)) throw wrong(path, "it has no speaker2id and id2speaker");
  const names = Object.keys(forth);
  if (names.length === 0) throw wrong(path, "it names no speakers");
  const classes: string[] = new Array(names.length).fill(undefined);
  for (const name of names) {
    const id = forth[name], quoted = JSON.stringify(name);
    if (!isIndex(id, names.length)) {
      throw wrong(
        path,
        `${quoted} has the id ${JSON.stringify(id)}, wanted a whole number from 0 to ${names.length - 1}`,
      );
    }
    if (classes[id] !== undefined) throw wrong(path, `${JSON.stringify(classes[id])} and ${quoted} share the id ${id}`);
    if (back[id] !== name) throw wrong(path, `${quoted} has the id ${id}, but id ${id} is ${JSON.stringify(back[id])}`);
    classes[id] = name;
  }
  const more = Object.keys(back).length;
  if (more !== names.length) throw wrong(path, `speaker2id has ${names.length} entries, id2speaker ${more}`);
  return classes;
}

function isIndex(value: unknown, count: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < count;
}

function parseMetadata(
  metadata: unknown,
  classes: readonly string[],
  path: string,
): { channels: number; utterances: Utterance[] } {
  const speakers = isRecord(metadata) ? metadata.speakers : undefined;
  if (!isRecord(metadata) || !isRecord(speakers)) throw wrong(path, "it has no speakers");
  const channels = parseChannels(metadata.n_mels, path);
  checkSpeakers(Object.keys(speakers), classes, path);
  const labels = new Map(classes.map((name, label) => [name, label]));
  const utterances: Utterance[] = [];
  for (const [name, list] of Object.entries(speakers)) {
    if (!Array.isArray(list) || list.length === 0) throw wrong(path, `${JSON.stringify(name)} has no utterances`);
    for (const item of list) utterances.push(parseUtterance(item, labels.get(name) ?? -1, path));
  }
  refuseTwins(utterances, path);
  return { channels, utterances };
}

function parseChannels(value: unknown, path: string): number {
  if (!isIndex(value, 1 << 16) || value === 0) {
    throw wrong(path, `n_mels is ${JSON.stringify(value)}, wanted a whole number of at least 1`);
  }
  return value;
}

function checkSpeakers(speakers: readonly string[], classes: readonly string[], path: string): void {
  const mapped = new Set(classes), listed = new Set(speakers);
  const unmapped = speakers.filter((name) => !mapped.has(name));
  if (unmapped.length > 0) {
    throw wrong(path, `${unmapped.length} of its speakers are not in mapping.json (${quoteSome(unmapped)})`);
  }
  const unlisted = classes.filter((name) => !listed.has(name));
  if (unlisted.length > 0) {
    throw wrong(path, `${unlisted.length} speakers of mapping.json are not in it (${quoteSome(unlisted)})`);
  }
}

function parseUtterance(item: unknown, label: number, path: string): Utterance {
  const { feature_path: feature, mel_len: frames } = isRecord(item) ? item : {};
  if (typeof feature !== "string" || feature === "") throw wrong(path, "an utterance has no feature_path");
  if (!isIndex(frames, 2 ** 31) || frames === 0) {
    throw wrong(path, `${JSON.stringify(feature)} has the mel_len ${JSON.stringify(frames)}, wanted at least 1`);
  }
  checkInside(feature, path);
  const hash = feature.indexOf("#");
  return { id: hash < 0 ? feature : feature.slice(hash + 1), path: feature, frames, label };
}

/** A path from a downloaded file must not lead to the rest of the disk. */
function checkInside(feature: string, path: string): void {
  const [file] = feature.split("#", 1);
  const leaves = /^([/\\]|[A-Za-z]:)/.test(file) || file.split(/[/\\]/).includes("..") || file.includes("\0");
  if (leaves || file === "") throw wrong(path, `${JSON.stringify(feature)} leads out of the folder`);
}

function refuseTwins(utterances: readonly Utterance[], path: string): void {
  const seen = new Set<string>();
  for (const { path: feature } of utterances) {
    if (seen.has(feature)) throw wrong(path, `it lists ${JSON.stringify(feature)} twice`);
    seen.add(feature);
  }
}

function parseTest(test: unknown, channels: number, path: string): Utterance[] | null {
  if (test === undefined) return null;
  if (!isRecord(test) || !Array.isArray(test.utterances)) throw wrong(path, "it has no utterances");
  const width = parseChannels(test.n_mels, path);
  if (width !== channels) throw wrong(path, `n_mels is ${width}, in metadata.json it is ${channels}`);
  const utterances = test.utterances.map((item) => parseUtterance(item, -1, path));
  refuseTwins(utterances, path);
  return utterances;
}

function parseSettings(value: unknown, path: string): FeatureSettings | null {
  if (value === undefined) return null;
  if (!isRecord(value) || value.settings === undefined) throw wrong(path, "it has no settings");
  try {
    return parseFeatureSettings(value.settings);
  } catch (error) {
    throw wrong(path, (error as Error).message);
  }
}
