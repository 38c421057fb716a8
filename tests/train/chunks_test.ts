/** Training on chunks of waveforms, as the trainer does it. @module */
import { deepStrictEqual, match, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { join } from "node:path";
import { evaluate } from "../../train/evaluate.ts";
import { infer } from "../../train/infer.ts";
import { checkTrainConfig } from "../../train/check_config.ts";
import { loadModel } from "../../train/model_file.ts";
import { Screen } from "../../train/progress.ts";
import type { TrainConfig } from "../../train/train_config.ts";
import { swell, writeRecordings } from "../data/waveforms/recordings.ts";
import { forEachDevice } from "../devices.ts";
import { withFolder } from "../tasks/run.ts";
import { runSmall, smallConfig, type SmallRun, writeData } from "./small_run.ts";

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

const augmented: Partial<TrainConfig> = {
  ...{ noise: "generated", noiseProbability: 0.5, reverb: "generated", reverbProbability: 0.5 },
  ...{ speeds: [0.9, 1, 1.1], speedClasses: true, volume: [-6, 6] },
  ...{ specAugment: true, freqMaskWidth: 6, timeMaskWidth: 5 },
};

forEachDevice(
  "augmented chunks train; the run goes on as if it had not stopped; speeds are classes of training only",
  async (device) => {
    await withFolder(async (folder) => {
      const data = await speakers(folder), [whole, halves] = ["whole", "halves"].map((name) => join(folder, name));
      const config: Partial<TrainConfig> = { ...chunks, ...steps, ...augmented, totalSteps: 12, data };
      const unbroken = await runSmall(device, { ...config, out: whole });
      await runSmall(device, { ...config, out: halves }, { stopAt: 5 });
      const resumed = await runSmall(device, { ...config, out: halves }, { resume: true });
      const losses = ({ rows }: SmallRun) => rows.filter(({ loss }) => loss !== undefined);
      deepStrictEqual(losses(resumed), losses(unbroken)); // stopping validates once more, in the middle of an epoch
      const { classes, speedClasses } = await loadModel(whole);
      deepStrictEqual([classes, speedClasses], [["high", "low"], ["high@0.9", "low@0.9", "high@1.1", "low@1.1"]]);
      const quiet = { screen: new Screen({ writeOut: () => {}, writeErr: () => {}, isTerminal: false }) };
      const request = { model: whole, data, recordings: [], topK: 6, batchSize: 8, device: "cpu" } as const;
      const { predictions } = await infer(request, quiet);
      ok(predictions.every(({ classes }) => classes.length === 2 && classes.every(({ name }) => !name.includes("@"))));
      const { report } = await evaluate(
        { model: whole, data, part: "all", topK: 5, batchSize: 8, device: "cpu" },
        quiet,
      );
      deepStrictEqual(report.classes.map(({ name }) => name), ["high", "low"]);
    });
  },
);

Deno.test("augmentation that cannot be is refused, with the remedy", async () => {
  const refused = (changes: Partial<TrainConfig>, message: string) =>
    throws(() => checkTrainConfig(smallConfig(changes)), { name: "RangeError", message });
  refused(
    { noise: "generated" },
    'Cannot augment waveforms by noise "generated": chunkSeconds is 0, so training sees features; set it to 3',
  );
  refused(
    { volume: [0, 1] },
    "Cannot augment waveforms by volume 0,1: chunkSeconds is 0, so training sees features; set it to 3",
  );
  refused({ ...chunks, noiseSnr: [5, 0] }, "Cannot draw noiseSnr from 5 to 0 dB: the first is above the second");
  refused({ ...chunks, speeds: [1, 1] }, "Cannot draw speeds from 1,1: one is there twice");
  for (const [speeds, found] of [[[], "none"], [[0.9, 1.1], "0.9,1.1"], [[1], "1"]] as const) {
    refused(
      { ...chunks, speeds, speedClasses: true },
      `Cannot make speeds classes of their own: speeds are ${found}, wanted 1 and others, as 0.9,1,1.1`,
    );
  }
  await withFolder(async (folder) => {
    const data = await speakers(folder), noise = join(folder, "noises"), out = join(folder, "run");
    const start = () => runSmall(undefined, { ...chunks, ...steps, data, noise, out, device: "cpu" });
    await rejects(start(), /^Error: Cannot find recordings in ".*noises": there is no such folder or file/);
    await Deno.mkdir(noise);
    await rejects(start(), /^Error: Cannot find recordings in ".*noises": there are none/);
  });
});
