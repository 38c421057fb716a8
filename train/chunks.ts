/** Training on chunks of recordings, as a config says. @module */
import type { FeatureSettings } from "../data/features/mod.ts";
import { findTestRecordings } from "../data/preprocess/recordings.ts";
import { quoteSome } from "../data/sets/quote_some.ts";
import { type ChunkAugment, type LabelledRecording, WaveformSource } from "../data/waveforms/mod.ts";
import type { Screen } from "./progress.ts";
import { labelAtSpeed } from "./speed_classes.ts";
import type { TrainConfig } from "./train_config.ts";
import type { TrainingData } from "./training_data.ts";

/** Keys of a config that chunks depend on. */
export type ChunkConfig = Pick<
  TrainConfig,
  | "chunkSeconds"
  | "minSeconds"
  | "validChunk"
  | "noise"
  | "noiseSnr"
  | "noiseProbability"
  | "reverb"
  | "reverbProbability"
  | "speeds"
  | "speedClasses"
  | "volume"
>;

/** Options of {@linkcode openChunks}. */
interface ChunkOptions extends ChunkConfig {
  /** How features are made. */
  readonly settings: FeatureSettings;
  /** Number of classes. */
  readonly classes: number;
  /** Most memory for waveforms, in MB. */
  readonly cacheMegabytes: number;
  /** Says what was found. */
  readonly screen: Screen;
}

/**
 * Reads recordings as waveforms.
 *
 * @throws {Error} Where one cannot be used, or there is no noise or no room where a config looks for them.
 */
export async function openChunks(
  recordings: readonly LabelledRecording[],
  options: ChunkOptions,
): Promise<Omit<TrainingData, "classes" | "test" | "featureSettings">> {
  const { chunkSeconds, minSeconds, validChunk, settings, screen } = options;
  const augment = await augmentOf(options);
  using bar = screen.bar({ label: "Read", total: recordings.length, unit: "recording", transient: true });
  const source = await WaveformSource.open(recordings, {
    ...{ chunkSeconds, minSeconds, validChunk, settings, augment },
    cacheBytes: options.cacheMegabytes * 1e6,
    onProgress: (done) => bar.update(done),
  });
  const { channels, utterances, silent } = source;
  if (silent.length > 0) {
    screen.info(`${silent.length} recordings are silent from beginning to end (${quoteSome(silent)})`);
  }
  return {
    channels,
    utterances,
    read: (index) => source.read(index),
    forTraining: (indices) => source.forTraining(indices),
    [Symbol.dispose]: () => source.close(),
  };
}

async function augmentOf(config: ChunkOptions): Promise<ChunkAugment> {
  const { noiseSnr: [low, high], noiseProbability, reverbProbability, speeds, volume: [quiet, loud] } = config;
  return {
    noise: await recordingsIn(config.noise),
    noiseSnr: [low, high],
    noiseProbability,
    reverb: await recordingsIn(config.reverb),
    reverbProbability,
    speeds,
    volume: [quiet, loud],
    labelAt: labelAtSpeed(config, config.classes),
  };
}

/** Paths of the recordings in a folder; the word for made-up ones as it is. */
async function recordingsIn(folder: string): Promise<readonly string[] | "generated" | undefined> {
  if (folder === "" || folder === "generated") return folder === "" ? undefined : folder;
  return (await findTestRecordings(folder)).map(({ path }) => path);
}
