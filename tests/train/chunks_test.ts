/** Training on chunks of waveforms, as the trainer does it. @module */
import { deepStrictEqual, match, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { join } from "node:path";
import { checkTrainConfig } from "../../train/check_config.ts";
import { loadModel } from "../../train/model_file.ts";
import type { TrainConfig } from "../../train/train_config.ts";
import { swell, writeRecordings } from "../data/waveforms/recordings.ts";
import { forEachDevice } from "../devices.ts";
import { withFolder } from "../tasks/run.ts";
import { runSmall, smallConfig, writeData } from "./small_run.ts";

const chunks = { features: "speaker80", chunkSeconds: 0.5 } as const;
const steps = { totalSteps: 18, validSteps: 6, saveSteps: 6, logSteps: 1 };

/** A folder of class folders: two speakers that differ in pitch. */
async function speakers(folder: string): Promise<string> {
  const waves: Record<string, Float32Array> = {};
  for (let i = 0; i < 10; i++) {
    waves[`low/${i}`] = swell(0.6 + i / 10, 200 + i);
    waves[`high/${i}`] = swell(0.6 + i / 10, 900 + i);
  }
  await writeRecordings(join(folder, "data"), waves);
  return join(folder, "data");
}

forEachDevice("chunks of recordings train, and a run that was stopped goes on with the same chunks", async (device) => {
  await withFolder(async (folder) => {
    const data = await speakers(folder), [whole, halves] = ["whole", "halves"].map((name) => join(folder, name));
    const config: Partial<TrainConfig> = { ...chunks, ...steps, data };
    const unbroken = await runSmall(device, { ...config, out: whole });
    strictEqual((await runSmall(device, { ...config, out: halves }, { stopAt: 6 })).step, 6);
    const resumed = await runSmall(device, { ...config, out: halves }, { resume: true });
    deepStrictEqual(resumed.rows, unbroken.rows);
    ok(unbroken.bestAccuracy === 1, `${unbroken.bestAccuracy}`);
    const { viewing, featureSettings, classes } = await loadModel(whole);
    deepStrictEqual(viewing, { mode: "whole", frames: 51, crops: 1, fixed: false });
    deepStrictEqual([featureSettings?.normalize, classes], ["mean", ["high", "low"]]);
  });
});

forEachDevice("models of clips train on chunks and see clips of that length", async (device) => {
  await withFolder(async (folder) => {
    const [data, out] = [await speakers(folder), join(folder, "run")];
    const config: Partial<TrainConfig> = { ...chunks, ...steps, model: "sound-small", head: "linear", data, out };
    await runSmall(device, { ...config, validChunk: "first" });
    deepStrictEqual((await loadModel(out)).viewing, { mode: "crops", frames: 51, crops: 1, fixed: true });
  });
});

Deno.test("chunks: data sets of features, short recordings and bad lengths are refused, silent ones said", async () => {
  await withFolder(async (folder) => {
    const set = join(folder, "set"), data = await speakers(folder), out = join(folder, "run");
    await writeData(set);
    await rejects(
      runSmall(undefined, { ...chunks, data: set, out }),
      /^Error: Cannot draw chunks of 0\.5 s from the data set ".*set": it holds features; give the recordings themselves/,
    );
    await writeRecordings(data, { "low/short": swell(0.1), "low/silent": new Float32Array(16000) });
    const bad = { ...chunks, ...steps, data, out, device: "cpu" } as const;
    const lines: string[] = [];
    await rejects(
      runSmall(undefined, { ...bad, validFraction: 0.01 }, { onLine: (line) => lines.push(line) }),
      /^RangeError: Cannot train on ".*low\/short\.wav": it has 0\.100 s, minSeconds is 0\.5/,
    );
    match(lines.join(""), /^\[Info\]: 1 recordings are silent from beginning to end \("low\/silent\.wav"\)$/m);
    throws(() => checkTrainConfig(smallConfig({ ...chunks, chunkSeconds: 1e-5 })), {
      name: "RangeError",
      message: "Cannot train on chunks of 0.00001 s: that is no sample at 16000 Hz",
    });
    throws(() => checkTrainConfig(smallConfig({ ...chunks, specAugment: true, timeWarp: 26 })), {
      name: "RangeError",
      message: "Cannot warp time by 26 frames: chunkSeconds 0.5 has 51 frames, wanted more than twice as many",
    });
  });
});
