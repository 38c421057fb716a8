/** The average of a run's last checkpoints. @module */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { readSafetensors } from "../../data/files/mod.ts";
import { averageWeights } from "../../train/average_checkpoints.ts";
import { weightsOf } from "../../train/checkpoint.ts";
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
      const checkpoints = await (await RunFolder.open(out)).recentCheckpoints(10);
      deepStrictEqual(checkpoints.map(({ step }) => step), [40, 35, 30, 25]);
      if (run.lines.some((line) => line.startsWith("Step 40, best model saved"))) {
        const best = readSafetensors(join(out, "best.safetensors")).arrays;
        const mean = averageWeights(checkpoints);
        const isMean = Object.keys(mean).every((name) => String(mean[name].data) === String(best[name].data));
        const isLast = String(best["prenet.bias"].data) === String(weightsOf(checkpoints[0])["prenet.bias"].data);
        ok(isMean !== isLast, "either the average or the last weights");
      }
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
