/**
 * Recordings to a data set: the library behind `deno task preprocess`.
 */
import { createFeatures } from "../features/create.ts";
import { type FeatureSettings, parseFeatureSettings } from "../features/settings.ts";
import { writeAtomic } from "../files/atomic_write.ts";
import type { RecordingFeatures } from "./feature_job.ts";
import { FeaturePool } from "./feature_pool.ts";
import { FEATURES_FORMAT, type FeaturesJson } from "./features_json.ts";
import { OutputFolder } from "./output_folder.ts";
import { findRecordings, findTestRecordings, type Recording } from "./recordings.ts";
import { ShardWriter } from "./shard_writer.ts";
import { lengthPercentiles, type PreprocessSummary, type SkippedRecording } from "./summary.ts";

const SHARD_BYTES = 64e6;

/** Why there are no data sets of waveforms. */
export const WAVEFORMS_STAY =
  "Cannot preprocess to waveforms: they are the recordings themselves, and would take two to ten times their room; " +
  "give the recordings to the training, with --features waveform";

/** Options for {@linkcode preprocess}. */
export interface PreprocessOptions {
  /**
   * Recordings: class folders, any folder with `label`, a list of lines `path⇥label`, or a CSV file with the columns `file`
   * and `class`.
   */
  readonly input: string;
  /** Folder for the data set; it must not exist or be empty. */
  readonly output: string;
  /** Recordings of the test part, a folder or a list; default none. */
  readonly test?: string;
  /** Pattern with one group, the label, for paths within the folder; default: the first folder is the label. */
  readonly label?: string;
  /** Column of a CSV file that holds the label; default "class", else "label". */
  readonly labelColumn?: string;
  /** Feature settings, or a preset's name; default "hw4". */
  readonly features?: FeatureSettings | string | Readonly<Record<string, unknown>>;
  /** Threads; 0 works on the calling one. Default: one a processor core, at most 8. */
  readonly workers?: number;
  /** Whether the first recording that cannot be used ends it with an error; default false: it is skipped. */
  readonly strict?: boolean;
  /** Whether a data set that preprocessing made at `output` before may be replaced; default false. */
  readonly overwrite?: boolean;
  /** Size from which on a packed file is written; default 64 MB. */
  readonly shardBytes?: number;
  /** Is told after every recording. */
  readonly onProgress?: (progress: PreprocessProgress) => void;
  /** Ends it; nothing is left behind then. */
  readonly signal?: AbortSignal;
}

/** How far preprocessing is. */
export interface PreprocessProgress {
  /** Recordings done, the skipped ones included. */
  readonly done: number;
  /** Recordings in all. */
  readonly total: number;
  /** Recordings skipped so far. */
  readonly skipped: number;
  /** Length of what has been processed, in seconds. */
  readonly seconds: number;
}

/** An utterance as metadata.json lists it. */
interface ListedUtterance {
  readonly feature_path: string;
  readonly mel_len: number;
}

/**
 * Turns recordings into a data set in the HW4 layout: metadata.json, mapping.json, testdata.json if there is a test part,
 * features packed into safetensors files, and their settings in features.json. Labels are numbered in sorted order.
 * The folder appears when it is complete.
 *
 * @param options where from, where to, and how
 * @returns what was done; `skipped` names recordings that could not be used
 * @throws {TypeError | RangeError} the feature settings are wrong, or of waveforms, which are the recordings themselves
 * @throws {Error} nothing was found, the output folder holds something, `strict` and a recording cannot be used, or all
 *   of them cannot
 */
export async function preprocess(options: PreprocessOptions): Promise<PreprocessSummary> {
  const settings = parseFeatureSettings(options.features ?? "hw4");
  if (settings.kind === "waveform") throw new TypeError(WAVEFORMS_STAY);
  const { recordings, unlabelled } = await findRecordings(options.input, options);
  const test = options.test === undefined ? null : await findTestRecordings(options.test);
  const folder = await OutputFolder.start(options.output, options.overwrite ?? false);
  try {
    const work = new Preprocessing(options, {
      settings,
      folder: folder.staging,
      total: recordings.length + (test?.length ?? 0),
    });
    const summary = await work.run(recordings, test);
    await folder.finish();
    return { ...summary, unlabelled };
  } catch (error) {
    throw await folder.abandon(error);
  }
}

/** One run: what it has counted so far, and the steps. */
class Preprocessing {
  readonly #options: PreprocessOptions;
  readonly #settings: FeatureSettings;
  readonly #channels: number;
  readonly #folder: string;
  readonly #total: number;
  readonly #skipped: SkippedRecording[] = [];
  readonly #silent: string[] = [];
  readonly #short: string[] = [];
  readonly #lengths: number[] = [];
  #seconds = 0;
  #frames = 0;

  constructor(options: PreprocessOptions, about: { settings: FeatureSettings; folder: string; total: number }) {
    this.#options = options;
    this.#settings = about.settings;
    this.#channels = createFeatures(about.settings).channels;
    this.#folder = about.folder;
    this.#total = about.total;
  }

  async run(recordings: readonly Recording[], test: readonly Recording[] | null): Promise<PreprocessSummary> {
    const workers = this.#options.workers ?? Math.min(8, navigator.hardwareConcurrency);
    using pool = new FeaturePool(this.#settings, Math.min(workers, this.#total));
    const train = await this.#computePart(pool, recordings, "features");
    const tested = test && await this.#computePart(pool, test, "test");
    const speakers = groupByLabel(recordings, train);
    const classes = [...speakers.keys()];
    await this.#writeJson("metadata", { n_mels: this.#channels, speakers: Object.fromEntries(speakers) });
    await this.#writeJson("mapping", mappingOf(classes));
    if (tested) await this.#writeJson("testdata", { n_mels: this.#channels, utterances: tested.filter(isListed) });
    const features: FeaturesJson = { format: FEATURES_FORMAT, settings: this.#settings };
    await this.#writeJson("features", features);
    return this.#summarize({ classes, train, tested, labels: recordings.map(({ label }) => label) });
  }

  /** Where each recording's features are; undefined where it was skipped. */
  async #computePart(
    pool: FeaturePool,
    recordings: readonly Recording[],
    prefix: string,
  ): Promise<(ListedUtterance | undefined)[]> {
    const metadata = { settings: JSON.stringify(this.#settings) };
    const shardBytes = this.#options.shardBytes ?? SHARD_BYTES;
    const shards = new ShardWriter(this.#folder, prefix, { channels: this.#channels, shardBytes, metadata });
    const listed: (ListedUtterance | undefined)[] = [];
    for await (const reply of pool.map(recordings.map(({ path }) => path))) {
      this.#options.signal?.throwIfAborted();
      const { name } = recordings[listed.length];
      if ("reason" in reply) {
        listed.push(this.#skip(name, reply.reason));
      } else {
        this.#count(name, reply);
        listed.push({ feature_path: await shards.add(name, reply), mel_len: reply.frames });
      }
      this.#report();
    }
    await shards.flush();
    if (!listed.some(isListed)) {
      throw new Error(`Cannot use any of ${listed.length} recordings: the last says: ${this.#skipped.at(-1)?.reason}`);
    }
    return listed;
  }

  #count(name: string, { seconds, frames, isSilent, isShort }: RecordingFeatures): void {
    if (isSilent) this.#silent.push(name);
    if (isShort) this.#short.push(name);
    this.#lengths.push(seconds);
    this.#seconds += seconds;
    this.#frames += frames;
  }

  #skip(name: string, reason: string): undefined {
    if (this.#options.strict) throw new Error(reason);
    this.#skipped.push({ name, reason });
  }

  #report(): void {
    const skipped = this.#skipped.length, done = this.#lengths.length + skipped;
    this.#options.onProgress?.({ done, total: this.#total, skipped, seconds: this.#seconds });
  }

  #writeJson(name: string, value: unknown): Promise<void> {
    return writeAtomic(`${this.#folder}/${name}.json`, JSON.stringify(value, null, 1) + "\n");
  }

  #summarize(
    { classes, train, tested, labels }: {
      classes: readonly string[];
      train: readonly (ListedUtterance | undefined)[];
      tested: readonly (ListedUtterance | undefined)[] | null;
      labels: readonly string[];
    },
  ): PreprocessSummary {
    return {
      output: this.#options.output,
      classes,
      recordings: train.filter(isListed).length,
      testRecordings: tested?.filter(isListed).length ?? 0,
      seconds: this.#seconds,
      frames: this.#frames,
      lengths: lengthPercentiles(this.#lengths),
      silent: this.#silent,
      short: this.#short,
      skipped: this.#skipped,
      unlabelled: [],
      lostClasses: [...new Set(labels).difference(new Set(classes))],
    };
  }
}

function isListed(utterance: ListedUtterance | undefined): utterance is ListedUtterance {
  return utterance !== undefined;
}

/** Recordings come sorted by label, so the groups do too. (A plain object would put labels like "103" in another order.) */
function groupByLabel(
  recordings: readonly Recording[],
  listed: readonly (ListedUtterance | undefined)[],
): Map<string, ListedUtterance[]> {
  const groups = new Map<string, ListedUtterance[]>();
  recordings.forEach(({ label }, i) => {
    const utterance = listed[i], group = groups.get(label);
    if (utterance === undefined) return;
    if (group === undefined) groups.set(label, [utterance]);
    else group.push(utterance);
  });
  return groups;
}

function mappingOf(classes: readonly string[]) {
  return {
    speaker2id: Object.fromEntries(classes.map((name, id) => [name, id])),
    id2speaker: Object.fromEntries(classes.map((name, id) => [id, name])),
  };
}
