/** The recipes of verifiers, as far as a test has time for them: narrow models on tones. @module */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { createFeatures } from "../../data/features/mod.ts";
import { EmbeddingClassifier } from "../../nn/mod.ts";
import { loadModel } from "../../train/model_file.ts";
import { recipeNamed } from "../../train/recipes/mod.ts";
import { scheduleOf } from "../../train/schedules/from_config.ts";
import type { TrainConfig } from "../../train/train_config.ts";
import { swell, writeRecordings } from "../data/waveforms/recordings.ts";
import { withFolder } from "../tasks/run.ts";
import { runSmall } from "./small_run.ts";

const narrow: Partial<TrainConfig> = {
  ...{ channels: [8, 8, 8, 24], embeddingDim: 8, attentionChannels: 4, res2netScale: 4, seChannels: 4 },
  ...{ device: "cpu", chunkSeconds: 0.5, batchSize: 8, logSteps: 1 },
};

/** A recipe's config with a narrow model, in a folder of its own. */
const narrowed = (recipe: string, folder: string): TrainConfig => ({
  ...recipeNamed(recipe).config,
  ...narrow,
  data: join(folder, "data"),
  out: join(folder, "run"),
});

/** Three speakers that differ in pitch, `count` recordings of each. */
async function writeSpeakers(folder: string, count: number): Promise<void> {
  const entries = [200, 700, 2000].flatMap((pitch, i) =>
    Array.from({ length: count }, (_, k) => [`s${i}/${k}`, swell(0.6 + k / 10, pitch + 3 * k)] as const)
  );
  await writeRecordings(join(folder, "data"), Object.fromEntries(entries));
}

Deno.test("ecapa is the write-up's: 30 epochs under a cosine that moves once an epoch, an end after five bad ones", () => {
  const { config } = recipeNamed("ecapa");
  const schedule = scheduleOf(config, 100);
  const rates = [0, 99, 100, 2999].map((step) => schedule.lrAt(step));
  deepStrictEqual(rates, [0, 0, 1, 29].map((epoch) => 1e-3 * 0.5 * (1 + Math.cos(Math.PI * epoch / 30))));
  deepStrictEqual([config.epochs, config.validSteps, config.patience], [30, 1, 5]);
  deepStrictEqual([config.loss, config.margin, config.scale, config.dropout], ["aam-softmax", 0.2, 30, 0.1]);
});

Deno.test("ecapa trains a narrow model on chunks and validates on the first one of each recording (cpu)", async () => {
  await withFolder(async (folder) => {
    await writeSpeakers(folder, 10);
    const run = await runSmall(undefined, { ...narrowed("ecapa", folder), epochs: 12, lr: 0.01 });
    ok(run.bestAccuracy > 0.6, `${run.bestAccuracy}`);
    const { model, featureSettings } = await loadModel(join(folder, "run"));
    ok(model instanceof EmbeddingClassifier && model.encoder.embeddingDim === 8);
    strictEqual(featureSettings?.normalize, "mean");
  });
});

for (const features of ["s4-mel", "s4-spectrogram", "s4-mfcc"]) {
  Deno.test(`ecapa takes the write-up's own features, ${features}, and is as wide as they are (cpu)`, async () => {
    await withFolder(async (folder) => {
      await writeSpeakers(folder, 4);
      const run = await runSmall(undefined, { ...narrowed("ecapa", folder), features, epochs: 1 });
      ok(run.rows.some(({ loss }) => typeof loss === "number" && Number.isFinite(loss)));
      const { channels, featureSettings } = await loadModel(join(folder, "run"));
      deepStrictEqual([channels, featureSettings?.normalize], [createFeatures(features).channels, "layer"]);
    });
  });
}

Deno.test("ecapa-small takes one recording a speaker, none for validation, and goes on as if never stopped (cpu)", async () => {
  await withFolder(async (folder) => {
    await writeSpeakers(folder, 1);
    const config = {
      ...narrowed("ecapa-small", folder),
      validFraction: 0,
      totalSteps: 6,
      warmupSteps: 2,
      batchSize: 3,
    };
    const whole = await runSmall(undefined, { ...config, out: join(folder, "whole") });
    await runSmall(undefined, config, { stopAt: 3 });
    const parts = await runSmall(undefined, config, { resume: true });
    deepStrictEqual(parts.rows, whole.rows);
    strictEqual(parts.rows.length, 6);
    deepStrictEqual((await loadModel(config.out)).classes, ["s0", "s1", "s2"]);
  });
});
