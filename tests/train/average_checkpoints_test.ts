/** The average of a run's last checkpoints. @module */
import { deepStrictEqual, match, notDeepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { readSafetensors } from "../../data/files/mod.ts";
import { averageWeights } from "../../train/average_checkpoints.ts";
import { RunFolder } from "../../train/run_folder.ts";
import { forEachDevice } from "../devices.ts";
import { runSmall, withData } from "./small_run.ts";

const metadata = {};

Deno.test("weights are averaged, counters are the newest checkpoint's", () => {
  const checkpoint = (step: number, values: number[]) => ({
    ...{ step, path: `step-${step}`, metadata },
    arrays: {
      "model.w": { shape: [2], data: Float32Array.from(values) },
      "model.n": { shape: [], data: Int32Array.of(step) },
      "optimizer.m": { shape: [1], data: Float32Array.of(9) },
    },
  });
  const averaged = averageWeights([checkpoint(30, [1, 2]), checkpoint(20, [3, 2]), checkpoint(10, [5, -1])]);
  deepStrictEqual(averaged, {
    w: { shape: [2], data: Float32Array.of(3, 1) },
    n: { shape: [], data: Int32Array.of(30) },
  });
});

forEachDevice(
  "at its end a run tries the average of its checkpoints, keeps it if it is best, and can go on",
  async (device) => {
    await withData(async (folder, data) => {
      const out = join(folder, "run");
      // a rate at which weights jump about a minimum that their mean comes near
      const config = { data, out, averageCheckpoints: 4, saveSteps: 5, schedule: "constant", lr: 0.05 } as const;
      const run = await runSmall(device, { ...config, totalSteps: 40 });
      match(
        run.lines.join("\n"),
        /^The average of the last 4 checkpoints:\nStep 40, (best model saved|validation loss)/m,
      );
      const checkpoints = await (await RunFolder.open(out)).recentCheckpoints({ count: 10, every: 5 });
      deepStrictEqual(checkpoints.map(({ step }) => step), [40, 35, 30, 25]);
      const idle = await runSmall(device, { ...config, totalSteps: 40 }, { resume: true });
      ok(!idle.lines.some((line) => line.startsWith("The average")), "not twice");

      const more = await runSmall(device, { ...config, totalSteps: 50, averageCheckpoints: 0 }, { resume: true });
      const whole = await runSmall(device, {
        ...config,
        ...{ out: join(folder, "whole"), averageCheckpoints: 0, totalSteps: 50 },
      });
      const losses = ({ rows }: typeof run) => rows.flatMap(({ loss, step }) => Number(step) > 42 ? loss ?? [] : []);
      deepStrictEqual(losses(more), losses(whole), "training goes on from the last weights, not from their average");
      strictEqual(more.step, 50);
    });
  },
);

forEachDevice(
  "an average that is best is what is saved; a run that stopped early has ended all the same, unless stopped before",
  async (device) => {
    await withData(async (folder, data) => {
      // found by trying: the average of three checkpoints beats the best of them
      const config = { data, averageCheckpoints: 4, saveSteps: 5, validSteps: 5, patience: 1, totalSteps: 200 };
      const jumpy = { ...config, schedule: "constant", lr: 0.05, validFraction: 0.4 } as const;
      const [out, halves] = [join(folder, "run"), join(folder, "halves")];
      const run = await runSmall(device, { ...jumpy, out });
      const said = "No better validation in 1: stop early at step 15\nThe average of the last 3 checkpoints:\n";
      match(run.lines.join("\n"), new RegExp(`${said}Step 15, best model saved`));
      deepStrictEqual([run.step, run.bestStep, run.interrupted], [15, 15, false]);
      const best = readSafetensors(join(out, "best.safetensors"));
      const checkpoints = await (await RunFolder.open(out)).recentCheckpoints({ count: 4, every: 5 });
      deepStrictEqual(best.arrays, averageWeights(checkpoints));
      notDeepStrictEqual(best.arrays, averageWeights(checkpoints.slice(0, 1)));
      const idle = await runSmall(device, { ...jumpy, out }, { resume: true });
      deepStrictEqual([idle.step, idle.interrupted], [15, false]);
      ok(idle.lines.includes("[Info]: Nothing is left to do: go on with a --patience above 1"), idle.lines.join("\n"));

      const stop = new AbortController();
      const onLine = (line: string) => line.startsWith("No better") && stop.abort();
      const cut = await runSmall(device, { ...jumpy, out: halves }, { signal: stop.signal, onLine });
      deepStrictEqual([cut.step, cut.bestStep, cut.interrupted], [15, 10, true], "the average is still to come");
      const rest = await runSmall(device, { ...jumpy, out: halves }, { resume: true });
      deepStrictEqual([rest.step, rest.bestStep, rest.interrupted], [15, 15, false]);
      deepStrictEqual(readSafetensors(join(halves, "best.safetensors")), best);
    }, { noise: 2 });
  },
);

forEachDevice("the average of a run that was interrupted now and then is that of one that was not", async (device) => {
  await withData(async (folder, data) => {
    const rate = { schedule: "constant", lr: 0.05 } as const;
    const config = { ...rate, data, averageCheckpoints: 3, saveSteps: 10, totalSteps: 38 };
    const [whole, parts] = [join(folder, "whole"), join(folder, "parts")];
    await runSmall(device, { ...config, out: whole });
    for (const stopAt of [22, 33, 36]) {
      await runSmall(device, { ...config, out: parts }, { stopAt, resume: stopAt > 22 });
    }
    const run = await runSmall(device, { ...config, out: parts }, { resume: true });
    match(run.lines.join("\n"), /^The average of the last 3 checkpoints:\nStep 38, /m);
    const checkpoints = async (out: string) =>
      (await (await RunFolder.open(out)).recentCheckpoints({ count: 9, every: 10 })).map(({ step }) => step);
    deepStrictEqual(await checkpoints(parts), [38, 30, 20]);
    deepStrictEqual(await checkpoints(whole), [38, 30, 20]);
    const average = async (out: string) =>
      averageWeights(await (await RunFolder.open(out)).recentCheckpoints({ count: 3, every: 10 }));
    deepStrictEqual(await average(parts), await average(whole));
  });
});
