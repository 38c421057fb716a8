/** Runs that take a second: a data set that can be learnt, and a model of a few hundred weights. @module */
import { join } from "node:path";
import type { Device } from "../../tensor/mod.ts";
import { recipes } from "../../train/recipes/mod.ts";
import { type MetricRow, readMetrics } from "../../train/metrics_file.ts";
import { Screen } from "../../train/progress.ts";
import { train, type TrainOptions, type TrainResult } from "../../train/train.ts";
import type { TrainConfig } from "../../train/train_config.ts";
import { torchBytes } from "../data/sets/make_data_set.ts";
import { withFolder } from "../tasks/run.ts";

/** Channels of the data set that {@linkcode writeData} makes. */
export const channels = 4;

/** Options of {@linkcode writeData}. */
export interface DataOptions {
  /** Utterances of each speaker. */
  readonly counts?: readonly number[];
  /** How loud the noise is over which the speakers differ by 1. */
  readonly noise?: number;
  /** Utterances of the test part, all of the second speaker; in testdata.json they stand last first. */
  readonly test?: number;
  /** Channels; default {@linkcode channels}. */
  readonly width?: number;
}

/** Writes an HW4 folder whose speakers differ in the channel that is loud. */
export async function writeData(folder: string, options: DataOptions = {}): Promise<void> {
  const { counts = [10, 10, 10, 10], noise = 1, test = 3, width = channels } = options;
  await Deno.mkdir(folder, { recursive: true });
  let serial = 0;
  const write = async (speaker: number) => {
    const [frames, feature_path] = [12 + (serial * 5) % 13, `uttr-${String(serial).padStart(3, "0")}.pt`];
    const value = (i: number) => (i % width === speaker % width ? 1 : 0) + noise * Math.sin(serial * 131 + i * 7.3);
    const values = Float32Array.from({ length: frames * width }, (_, i) => value(i));
    await Deno.writeFile(join(folder, feature_path), torchBytes([frames, width], values));
    serial++;
    return { feature_path, mel_len: frames };
  };
  const many = async (count: number, speaker: number) => {
    const list = [];
    for (let i = 0; i < count; i++) list.push(await write(speaker));
    return list;
  };
  const names = counts.map((_, i) => `id${i}`);
  const speakers: Record<string, unknown> = {};
  for (const [i, count] of counts.entries()) speakers[names[i]] = await many(count, i);
  const text = (name: string, value: unknown) => Deno.writeTextFile(join(folder, name), JSON.stringify(value));
  await text("metadata.json", { n_mels: width, speakers });
  const forth = Object.fromEntries(names.map((name, i) => [name, i]));
  await text("mapping.json", { speaker2id: forth, id2speaker: { ...names } });
  await text("testdata.json", { n_mels: width, utterances: (await many(test, 1)).reverse() });
}

/** A config for it. */
export function smallConfig(changes: Partial<TrainConfig>): TrainConfig {
  return {
    ...recipes[0].config,
    ...{ batchSize: 8, segmentLength: 16, validFraction: 0.2, dModel: 8, nHead: 2, dimFeedforward: 16 },
    ...{ lr: 0.01, warmupSteps: 5, totalSteps: 40, validSteps: 10, saveSteps: 15, logSteps: 7 },
    ...changes,
  };
}

/** What a run said, and how it ended. */
export interface SmallRun extends TrainResult {
  readonly lines: string[];
  readonly rows: MetricRow[];
}

/** Trains on a device; `onLine` sees what the run says at once, `onBar` what its bars show. */
export async function runSmall(
  device: Device | undefined,
  config: Partial<TrainConfig>,
  { onLine, onBar, ...options }: Partial<TrainOptions> & {
    onLine?: (line: string) => void;
    onBar?: (text: string) => void;
  } = {},
): Promise<SmallRun> {
  const lines: string[] = [];
  const writeOut = (text: string) => {
    lines.push(text.trimEnd());
    onLine?.(text);
  };
  const writeErr = onBar ?? (() => {});
  const screen = new Screen({ writeOut, writeErr, isTerminal: onBar !== undefined, columns: () => 80 });
  const full = smallConfig(config);
  const result = await train(full, { screen, device, ...options });
  return { ...result, lines, rows: await readMetrics(join(full.out, "metrics.jsonl")) };
}

/** A folder with a data set in `data`, gone afterwards. */
export async function withData(
  use: (folder: string, data: string) => Promise<void>,
  options?: DataOptions,
): Promise<void> {
  await withFolder(async (folder) => {
    await writeData(join(folder, "data"), options);
    await use(folder, join(folder, "data"));
  });
}
