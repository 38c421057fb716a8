/** Hidden states of a frozen encoder that are computed once: the same numbers where they can be, and what does not go with it. */
import { deepStrictEqual, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { join } from "node:path";
import { checkTrainConfig } from "../../train/check_config.ts";
import { loadModel } from "../../train/model_file.ts";
import type { ModelName, TrainConfig } from "../../train/train_config.ts";
import { swell, writeRecordings } from "../data/waveforms/recordings.ts";
import { forEachDevice } from "../devices.ts";
import { withFolder } from "../tasks/run.ts";
import { runSmall, smallConfig, type SmallRun } from "./small_run.ts";

const sizes = { convDim: [8, 8, 8], convKernel: [10, 8, 4], convStride: [5, 8, 4] };
const positions = { numConvPosEmbeddings: 8, numConvPosEmbeddingGroups: 4 };
const narrow: Partial<TrainConfig> = {
  ...{
    features: "waveform",
    chunkSeconds: 0.4,
    minSeconds: 0.3,
    device: "cpu",
    batchSize: 8,
    logSteps: 1,
    head: "linear",
  },
  ...{ dModel: 16, nHead: 2, numLayers: 2, dimFeedforward: 32, loss: "cross-entropy", freeze: ["encoder.*"] },
  ...{ totalSteps: 6, validSteps: 3, saveSteps: 6, lr: 0.02, warmupSteps: 1, embeddingDim: 6 },
  ...{ model: "wavlm-encoder", modelOptions: JSON.stringify({ ...sizes, ...positions }) },
};

/** Two speakers that differ in pitch, of lengths in seconds. */
async function speakers(folder: string, seconds: (i: number) => number): Promise<string> {
  const waves: Record<string, Float32Array> = {};
  for (let i = 0; i < 8; i++) {
    waves[`low/${i}`] = swell(seconds(i), 200 + i);
    waves[`high/${i}`] = swell(seconds(i), 2000 + i);
  }
  await writeRecordings(join(folder, "data"), waves);
  return join(folder, "data");
}

/** Runs with and without cache. */
async function both(folder: string, config: Partial<TrainConfig>, device?: Parameters<typeof runSmall>[0]) {
  const run = (cacheStates: boolean) =>
    runSmall(device, { ...narrow, ...config, cacheStates, out: join(folder, cacheStates ? "cached" : "plain") });
  return [await run(false), await run(true)];
}

function assertSame(
  [plain, cached]: readonly SmallRun[],
  keys: readonly ("loss" | "validLoss" | "validAccuracy")[],
): void {
  strictEqual(cached.rows.length, plain.rows.length);
  let compared = 0;
  for (const [i, row] of plain.rows.entries()) {
    for (const key of keys) {
      const [a, b] = [row[key], cached.rows[i][key]];
      strictEqual(typeof a, typeof b);
      if (typeof a !== "number" || typeof b !== "number") continue;
      ok(Math.abs(a - b) < 1e-4 * Math.max(1, a), `${key} of row ${i}: ${a} and ${b}`);
      compared++;
    }
  }
  ok(compared >= 2, JSON.stringify(plain.rows[0]));
}

forEachDevice("with chunks as long as the recordings a run with cached states is the same run", async (device) => {
  await withFolder(async (folder) => {
    const data = await speakers(folder, () => 0.4);
    const runs = await both(folder, { data }, device);
    assertSame(runs, ["loss", "validLoss", "validAccuracy"]);
    ok(runs[1].lines.some((line) => /Hidden states are cached: \d+\.\d MB on disk, 48 numbers a frame/.test(line)));
    const [plain, cached] = await Promise.all(["plain", "cached"].map((name) => loadModel(join(folder, name))));
    deepStrictEqual(cached.options, plain.options);
    const [a, b] = await Promise.all([plain, cached].map(({ model }) => model.stateArrays()));
    for (const [name, { data }] of Object.entries(a)) {
      data.forEach((value, i) => ok(Math.abs(value - b[name].data[i]) < 1e-3, `${name}[${i}]`));
    }
  });
});

Deno.test("longer recordings are validated as without cache; the last state alone is enough where no others count (cpu)", async () => {
  await withFolder(async (folder) => {
    const data = await speakers(folder, (i) => 0.45 + i / 10);
    const modelOptions = JSON.stringify({ ...sizes, ...positions, useWeightedLayerSum: false });
    const runs = await both(folder, { data, modelOptions, lr: 1e-9 });
    assertSame(runs, ["validLoss", "validAccuracy"]);
    ok(runs[1].lines.some((line) => line.includes("16 numbers a frame")));
  });
});

Deno.test("WavLM's x-vector head is trained on cached states too, with the encoder frozen (cpu)", async () => {
  await withFolder(async (folder) => {
    const data = await speakers(folder, () => 0.4), channels = [16, 16, 16, 16, 24];
    const margin = { loss: "am-softmax", margin: 0.1, channels, embeddingDim: 12 } as const;
    const runs = await both(folder, { data, model: "wavlm", freeze: ["wavlm.*"], ...margin });
    assertSame(runs, ["loss", "validLoss", "validAccuracy"]);
    ok(runs[1].lines.some((line) => line.includes("48 numbers a frame")));
  });
});

Deno.test("what changes hidden states in training, or hides them from validation, is refused", async () => {
  const refuse = (changes: Partial<TrainConfig>, message: RegExp) =>
    throws(() => checkTrainConfig(smallConfig({ ...narrow, cacheStates: true, ...changes })), message);
  refuse({ noise: "generated" }, /Cannot cache hidden states with noise "generated": it changes the waveforms/);
  refuse({ volume: [-6, 6] }, /with volume -6,6/);
  refuse({ mixup: 0.2 }, /with mixup 0.2/);
  refuse({ validChunk: "first" }, /set validChunk and validSegment to whole, validCrops to 1/);
  checkTrainConfig(smallConfig({ ...narrow, cacheStates: true }));
  await withFolder(async (folder) => {
    const data = await speakers(folder, () => 0.4), out = join(folder, "run");
    const train = (changes: Partial<TrainConfig>) =>
      runSmall(undefined, { ...narrow, cacheStates: true, data, out, ...changes });
    await rejects(train({ freeze: [] }), /while the encoder is trained; freeze "encoder\.\*" as well/);
    await rejects(train({ freeze: ["encoder.feature_extractor.*"] }), /freeze "encoder\.\*" as well/);
    const model: ModelName = "xvector";
    const other = { model, modelOptions: "", freeze: ["encoder.*"], channels: [8, 8, 8, 8, 12], features: "speaker80" };
    await rejects(train(other), /Cannot cache hidden states: "xvector" has no encoder of speech/);
    await rejects(Deno.stat(out), Deno.errors.NotFound);
  });
});
