/** What a config says about the split, about epochs, and about the metric that a plateau is seen by. @module */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { openDataSet } from "../../data/sets/mod.ts";
import { inSteps } from "../../train/in_steps.ts";
import { scheduleOf } from "../../train/schedules/from_config.ts";
import { watchesMetric } from "../../train/schedules/schedule.ts";
import { splitOf } from "../../train/split_of.ts";
import { forEachDevice } from "../devices.ts";
import { runSmall, smallConfig, withData } from "./small_run.ts";

/** A CSV with a fold for each utterance of a data set: its place modulo `folds`, plus 1. */
async function writeFolds(path: string, ids: readonly string[], folds: number): Promise<void> {
  const lines = ids.map((id, i) => `${id},${1 + i % folds}\n`);
  await Deno.writeTextFile(path, "file,fold\n" + lines.join(""));
}

Deno.test("a split by folds, by a pattern, or at random; a test fold is left out", async () => {
  await withData(async (folder, data) => {
    using set = await openDataSet(data);
    const source = { ...set, utterances: set.utterances, classes: set.classes, test: null } as never;
    const folds = join(folder, "folds.csv");
    await writeFolds(folds, set.utterances.map(({ id }) => id), 5);
    const split = (changes: Parameters<typeof smallConfig>[0]) => splitOf(smallConfig(changes), source);
    const byFolds = await split({ folds, validFold: "2", testFold: "3" });
    deepStrictEqual([byFolds.train.length, byFolds.valid.length], [24, 8]);
    deepStrictEqual(byFolds.valid, set.utterances.flatMap((_, i) => i % 5 === 1 ? i : []));
    ok(byFolds.train.every((i) => i % 5 !== 1 && i % 5 !== 2));
    const byName = await split({ holdOut: "uttr-00[05]" });
    deepStrictEqual(byName.valid.map((i) => set.utterances[i].id), ["uttr-000.pt", "uttr-005.pt"]);
    strictEqual((await split({ validFraction: 0.2 })).valid.length, 8);
    await rejects(split({ folds, validFold: "7" }), /there is no fold "7"; its folds are 1, 2, 3, 4, 5/);
    await rejects(split({ holdOut: "uttr-00" }), /training never sees 1 of 4 classes \("?id0/);
    await rejects(split({ folds: join(folder, "none.csv"), validFold: "1" }), /none\.csv/);
  });
});

Deno.test("with epochs all counts but logSteps are numbers of epochs", () => {
  const given = { validSteps: 1, saveSteps: 5, warmupSteps: 2, marginSteps: 3, lrStepSize: 15, logSteps: 7 };
  const config = smallConfig({ ...given, epochs: 50, totalSteps: 1, lrMilestones: [10, 20] });
  const { totalSteps, validSteps, saveSteps, warmupSteps, marginSteps, lrStepSize, lrMilestones, logSteps } = inSteps(
    config,
    40,
  );
  deepStrictEqual([totalSteps, validSteps, saveSteps, warmupSteps], [2000, 40, 200, 80]);
  deepStrictEqual([marginSteps, lrStepSize, lrMilestones, logSteps], [120, 600, [400, 800], 7]);
  const steps = smallConfig({ totalSteps: 100 });
  strictEqual(inSteps(steps, 40), steps);
});

forEachDevice("a run of epochs validates after each; its saved config has epochs, and it resumes", async (device) => {
  await withData(async (folder, data) => {
    const config = { data, out: join(folder, "run"), validSteps: 1, saveSteps: 1, warmupSteps: 1 };
    const run = await runSmall(device, { ...config, epochs: 3 });
    strictEqual(run.step, 12); // 32 utterances, batches of 8
    deepStrictEqual(run.rows.flatMap(({ validAccuracy, step }) => validAccuracy === undefined ? [] : step), [4, 8, 12]);
    const saved = JSON.parse(await Deno.readTextFile(join(folder, "run", "config.json")));
    deepStrictEqual([saved.epochs, saved.validSteps], [3, 1]);
    const again = await runSmall(device, { ...config, epochs: 3 }, { resume: true });
    strictEqual(again.step, 12);
    ok(again.lines.includes("[Info]: Nothing is left to do: go on with a number of --epochs above 3"));
    strictEqual((await runSmall(device, { ...config, epochs: 5 }, { resume: true })).step, 20);
    const part = await runSmall(device, { ...config, out: join(folder, "part"), epochs: 3 }, { stopAt: 2 });
    deepStrictEqual([part.step, part.interrupted], [8, false], "where epochs are counted it stops after an epoch");
  });
});

Deno.test("the learning rate moves with every step or once an epoch", () => {
  const rates = (scheduleUnit: "step" | "epoch") => {
    const schedule = scheduleOf(smallConfig({ schedule: "cosine", scheduleUnit, epochs: 4, lr: 1 }), 5);
    return Array.from({ length: 20 }, (_, step) => schedule.lrAt(step));
  };
  const cosine = (at: number, end: number) => 0.5 * (1 + Math.cos(Math.PI * at / end));
  deepStrictEqual(rates("step"), Array.from({ length: 20 }, (_, step) => cosine(step, 20)));
  deepStrictEqual(rates("epoch"), Array.from({ length: 20 }, (_, step) => cosine(Math.floor(step / 5), 4)));
  const plateau = scheduleOf(smallConfig({ schedule: "plateau", scheduleUnit: "epoch", epochs: 4, lrPatience: 0 }), 5);
  ok(watchesMetric(plateau), "what watches validations is told of them");
});

forEachDevice("a rate that moves once an epoch goes on, in a resumed run, as in one never stopped", async (device) => {
  await withData(async (folder, data) => {
    const config = { data, epochs: 4, validSteps: 1, saveSteps: 1, logSteps: 2, warmupSteps: 0 } as const;
    const annealed = { ...config, schedule: "cosine", scheduleUnit: "epoch" } as const;
    const whole = await runSmall(device, { ...annealed, out: join(folder, "whole") });
    await runSmall(device, { ...annealed, out: join(folder, "parts") }, { stopAt: 2 });
    const parts = await runSmall(device, { ...annealed, out: join(folder, "parts") }, { resume: true });
    deepStrictEqual(parts.rows, whole.rows);
    const rates = whole.rows.flatMap(({ lr }) => lr === undefined ? [] : Number(lr));
    strictEqual(new Set(rates).size, 4);
    strictEqual(rates.length, 8);
  });
});

forEachDevice("a run of epochs stops after five without a better validation", async (device) => {
  await withData(async (folder, data) => {
    const config = { data, out: join(folder, "run"), epochs: 30, validSteps: 1, patience: 5, warmupSteps: 0 } as const;
    const run = await runSmall(device, { ...config, schedule: "constant", lr: 1e-12 });
    const stepsPerEpoch = 4;
    deepStrictEqual([run.bestStep, run.step], [stepsPerEpoch, 6 * stepsPerEpoch]);
    ok(run.lines.some((line) => line.endsWith(`No better validation in 5: stop early at step ${run.step}`)));
  });
});

forEachDevice("a plateau of the loss is no plateau of the accuracy", async (device) => {
  await withData(async (folder, data) => {
    const config = { data, schedule: "plateau", lrPatience: 0, lrGamma: 0.5, lr: 0.003, validSteps: 5 } as const;
    const rates = async (lrMetric: "loss" | "accuracy") => {
      const out = join(folder, lrMetric);
      const { rows } = await runSmall(device, { ...config, lrMetric, out, logSteps: 5, totalSteps: 40 });
      return {
        rates: rows.flatMap(({ lr }) => lr === undefined ? [] : Number(lr)),
        valid: rows.filter((row) => row.validLoss !== undefined),
      };
    };
    const falls = (values: number[]) => values.filter((rate, i) => i > 0 && rate < values[i - 1]).length;
    const [loss, accuracy] = [await rates("loss"), await rates("accuracy")];
    const worse = (valid: typeof loss.valid) => {
      let [best, count] = [Infinity, 0];
      for (const { validLoss } of valid.slice(0, -1)) {
        if (Number(validLoss) < best * (1 - 1e-4)) best = Number(validLoss);
        else count++;
      }
      return count;
    };
    strictEqual(falls(loss.rates), worse(loss.valid), "it falls exactly when the loss does not improve");
    ok(falls(accuracy.rates) > falls(loss.rates), "a saturated accuracy does not improve, the loss still does");
  });
});
