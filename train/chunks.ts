/** Training on chunks of recordings, as a config says. @module */
import type { FeatureSettings } from "../data/features/mod.ts";
import { quoteSome } from "../data/sets/quote_some.ts";
import { type LabelledRecording, WaveformSource } from "../data/waveforms/mod.ts";
import type { Screen } from "./progress.ts";
import type { TrainConfig } from "./train_config.ts";
import type { TrainingData } from "./training_data.ts";

/** Keys of a config that chunks depend on. */
export type ChunkConfig = Pick<TrainConfig, "chunkSeconds" | "minSeconds" | "validChunk">;

/**
 * Reads recordings as waveforms.
 *
 * @throws {Error} Where one cannot be used; the message names it.
 */
export async function openChunks(
  recordings: readonly LabelledRecording[],
  settings: FeatureSettings,
  { screen, cacheMegabytes, ...config }: ChunkConfig & { readonly screen: Screen; readonly cacheMegabytes: number },
): Promise<Omit<TrainingData, "classes" | "test" | "featureSettings">> {
  using bar = screen.bar({ label: "Read", total: recordings.length, unit: "recording", transient: true });
  const options = { ...config, settings, cacheBytes: cacheMegabytes * 1e6 };
  const source = await WaveformSource.open(recordings, { ...options, onProgress: (done) => bar.update(done) });
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
