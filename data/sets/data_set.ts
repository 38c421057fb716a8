/**
 * Opening a data set: an HW4 folder as it is, or what `deno task preprocess` writes.
 */
import type { FeatureSettings } from "../features/settings.ts";
import { FeatureCache } from "./feature_cache.ts";
import { FeatureFiles } from "./feature_files.ts";
import { type FolderContents, readFolderContents } from "./hw4_folder.ts";
import { quoteSome } from "./quote_some.ts";
import type { Utterance, UtteranceFeatures, UtteranceSource } from "./utterances.ts";

const DEFAULT_CACHE_BYTES = 1 << 30;

/** Options for opening a data set. */
export interface DataSetOptions {
  /** Most bytes of features to keep in memory; default 1 GiB. */
  readonly cacheBytes?: number;
}

/** An open data set: its training utterances, and the test part if there is one. */
export class DataSet implements UtteranceSource, Disposable {
  /** The folder it was opened from. */
  readonly folder: string;
  /** Class names; an utterance's label is an index into them. */
  readonly classes: readonly string[];
  /** Values a frame (`n_mels`). */
  readonly channels: number;
  /** The labelled utterances, in the order of metadata.json. */
  readonly utterances: readonly Utterance[];
  /** The test part, whose labels are −1, or null if there is none. It shares cache and files with the whole. */
  readonly test: UtteranceSource | null;
  /** How the features were made, or null if the folder does not say (HW4's does not). */
  readonly featureSettings: FeatureSettings | null;
  /** What a user should know about the data, in sentences. */
  readonly notices: readonly string[];
  readonly #files: FeatureFiles;
  readonly #cache: FeatureCache;

  /** Use {@linkcode openDataSet}. */
  constructor(folder: string, contents: FolderContents, parts: { files: FeatureFiles; cache: FeatureCache }) {
    const { classes, channels, utterances, test, featureSettings } = contents;
    this.folder = folder;
    this.classes = classes;
    this.channels = channels;
    this.utterances = utterances;
    this.featureSettings = featureSettings;
    this.notices = findNotices(contents);
    this.#files = parts.files;
    this.#cache = parts.cache;
    this.test = test && { channels, utterances: test, read: (index) => this.#read(test, index) };
  }

  /** Bytes of features in memory now; at most `cacheBytes`. */
  get cachedBytes(): number {
    return this.#cache.bytes;
  }

  /**
   * Reads the features of a training utterance, from memory if they are still there.
   *
   * @param index place in `utterances`
   * @returns the features, shared with the cache: do not write into them
   * @throws {Error} the file is missing, damaged or hostile, has another size than the metadata says, or holds NaN
   */
  read(index: number): Promise<UtteranceFeatures> {
    return this.#read(this.utterances, index);
  }

  /** Closes files and forgets cached features. */
  close(): void {
    this.#files.close();
    this.#cache.clear();
  }

  /** Closes at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  async #read(utterances: readonly Utterance[], index: number): Promise<UtteranceFeatures> {
    const utterance = utterances[index];
    if (utterance === undefined) {
      throw new RangeError(`Cannot read utterance ${index}: the data set has ${utterances.length}`);
    }
    const cached = this.#cache.get(utterance.path);
    if (cached !== undefined) return cached;
    const features = await this.#files.read(utterance);
    this.#cache.put(utterance.path, features);
    return features;
  }
}

/**
 * Opens a data set: a folder with metadata.json, mapping.json, maybe testdata.json, and the features as `uttr-*.pt` files
 * or packed into safetensors files. The JSON files, and that every feature file is there, are checked at once; features are
 * read and checked when asked for.
 *
 * @example
 * ```ts ignore
 * import { openDataSet } from "./data_set.ts";
 *
 * using data = await openDataSet("Dataset", { cacheBytes: 4e9 });
 * const { data: values, frames } = await data.read(0);
 * console.log(data.classes[data.utterances[0].label], frames, values.length / data.channels);
 * ```
 *
 * @param folder the folder
 * @param options how much may be kept in memory
 * @throws {SyntaxError} a JSON file does not parse
 * @throws {Error} there is no such folder, it is not a data set, or its parts do not fit together; the message says which
 */
export async function openDataSet(folder: string, options: DataSetOptions = {}): Promise<DataSet> {
  const contents = await readFolderContents(folder);
  const files = new FeatureFiles(folder, contents.channels);
  try {
    await files.check([...contents.utterances, ...contents.test ?? []]);
    const cache = new FeatureCache(options.cacheBytes ?? DEFAULT_CACHE_BYTES);
    return new DataSet(folder, contents, { files, cache });
  } catch (error) {
    files.close();
    throw error;
  }
}

function findNotices({ classes, utterances }: FolderContents): string[] {
  const counts = new Array<number>(classes.length).fill(0);
  for (const { label } of utterances) counts[label]++;
  const notices: string[] = [];
  if (classes.length === 1) notices.push(`${quoteSome(classes)} is the only class: there is nothing to tell apart`);
  const lonely = classes.filter((_, label) => counts[label] === 1);
  const who = lonely.length === 1 ? "1 class has" : `${lonely.length} classes have`;
  if (lonely.length > 0) notices.push(`${who} a single utterance, which stays in training (${quoteSome(lonely)})`);
  return notices;
}
