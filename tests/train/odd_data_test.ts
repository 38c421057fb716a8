/** Data at the edge of what can be learnt from, through the trainer and back. @module */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { encodeWav } from "../../data/audio/mod.ts";
import { evaluate } from "../../train/evaluate.ts";
import { infer } from "../../train/infer.ts";
import { loadModel } from "../../train/model_file.ts";
import { Screen } from "../../train/progress.ts";
import type { TrainConfig } from "../../train/train_config.ts";
import { tone } from "../data/preprocess/recordings_folder.ts";
import { forEachDevice } from "../devices.ts";
import { withFolder } from "../tasks/run.ts";
import { runSmall, type SmallRun, withData } from "./small_run.ts";

const quiet = { screen: new Screen({ writeOut: () => {}, writeErr: () => {}, isTerminal: false }) };

/** Two models with BatchNorm: one that masks what is padding, one that looks at clips of one length. */
const models: readonly Partial<TrainConfig>[] = [
  { model: "conformer", convKernel: 5, pooling: "attentive-statistics", head: "linear" },
  { model: "sound-small", head: "linear" },
];

const losses = ({ rows }: SmallRun) => rows.flatMap(({ loss }) => loss === undefined ? [] : loss);

/** Every loss of a run, which must all be numbers. */
function finiteLosses(run: SmallRun): number[] {
  const all = losses(run).map(Number);
  ok(all.length > 0 && all.every(Number.isFinite), all.join(" "));
  return all;
}

forEachDevice("clips shorter than a window and digital silence train, validate and predict", async (device) => {
  await withFolder(async (folder) => {
    const [data, samples] = [join(folder, "data"), (n: number) => encodeWav(new Float32Array(n), 16000)];
    const clips: Record<string, Uint8Array> = {};
    for (let i = 0; i < 6; i++) {
      clips[`silence/${i}.wav`] = samples(2000 + 3000 * i);
      clips[`short/${i}.wav`] = tone(0.001 + 0.004 * i, 700); // the window has 25 ms
      clips[`tone/${i}.wav`] = tone(0.2 + 0.1 * i, 300);
    }
    clips["short/one.wav"] = encodeWav(Float32Array.of(0.5), 16000);
    for (const [name, bytes] of Object.entries(clips)) {
      await Deno.mkdir(join(data, name, ".."), { recursive: true });
      await Deno.writeFile(join(data, name), bytes);
    }
    for (const changes of models) {
      const out = join(folder, changes.model!);
      const run = await runSmall(device, { ...changes, data, out, totalSteps: 30, validSteps: 30, logSteps: 1 });
      finiteLosses(run);
      ok(run.bestAccuracy >= 0.5 && Number.isFinite(run.bestLoss), `${changes.model}: ${run.bestAccuracy}`);
      const { predictions } = await infer(
        { model: out, data, recordings: [], topK: 3, batchSize: 4, device: "cpu" },
        quiet,
      );
      strictEqual(predictions.length, 19);
      ok(predictions.every(({ classes }) => classes.every(({ probability }) => probability >= 0)));
    }
  });
});

forEachDevice("of one class only there is nothing to learn, with any loss, and nothing breaks", async (device) => {
  await withData(async (folder, data) => {
    for (const loss of ["cross-entropy", "am-softmax", "aam-softmax"] as const) {
      const out = join(folder, loss);
      const run = await runSmall(device, { data, out, loss, totalSteps: 12, validSteps: 12, logSteps: 1 });
      deepStrictEqual(finiteLosses(run), new Array(12).fill(0));
      deepStrictEqual([run.bestAccuracy, run.bestLoss], [1, 0]);
      ok(run.lines.includes('[Info]: "id0" is the only class: there is nothing to tell apart'));
      const { report } = await evaluate({ model: out, part: "all", topK: 5, batchSize: 8, device: "cpu" }, quiet);
      deepStrictEqual([report.accuracy.value, report.topK.length, report.worstPairs.length], [1, 1, 0]);
    }
  }, { counts: [12] });
});

forEachDevice(
  "a batch of one trains models with BatchNorm; a single frame of a single utterance cannot",
  async (device) => {
    await withData(async (folder, data) => {
      for (const changes of models) {
        const steps = { totalSteps: 20, validSteps: 20, logSteps: 1 };
        const config = { ...changes, ...steps, data, batchSize: 1, segmentLength: 64 };
        const run = await runSmall(device, { ...config, out: join(folder, changes.model!) });
        finiteLosses(run);
        ok(Number.isFinite(run.bestLoss));
      }
      const one = { ...models[0], data, batchSize: 1, segmentLength: 1, out: join(folder, "one") };
      await rejects(
        runSmall(device, one),
        /^RangeError: Cannot batchNorm \[1, \d+, 1\] in training: one value a channel has no variance; use a larger batch/,
      );
      await rejects(Deno.stat(one.out), Deno.errors.NotFound, "a run that did no step leaves nothing");
    }, { width: 16 });
  },
);

forEachDevice(
  "runs with BatchNorm, a plateau and all augmentation go on exactly where they were stopped",
  async (device) => {
    await withData(async (folder, data) => {
      for (const changes of models) {
        const augmented = changes.model === "conformer"
          ? { specAugment: true, freqMaskWidth: 2, timeMaskWidth: 4, mixup: 0.4 }
          : { specAugment: true, freqMaskWidth: 2, timeMaskWidth: 4, mixup: 0.4, timeShift: 3 };
        const steps = { totalSteps: 24, validSteps: 4, saveSteps: 6, logSteps: 1 };
        const plateau = { schedule: "plateau", lrPatience: 0, lrGamma: 0.5 } as const;
        const config = { ...changes, ...augmented, ...steps, ...plateau, data };
        const [whole, halves] = [`${changes.model}-whole`, `${changes.model}-halves`].map((name) => join(folder, name));
        const unbroken = await runSmall(device, { ...config, out: whole });
        const stop = new AbortController();
        const onLine = (line: string) => line.startsWith("Step 12") && stop.abort();
        strictEqual((await runSmall(device, { ...config, out: halves }, { signal: stop.signal, onLine })).step, 12);
        const resumed = await runSmall(device, { ...config, out: halves }, { resume: true });
        deepStrictEqual(resumed.rows, unbroken.rows);
        ok(new Set(resumed.rows.map(({ lr }) => lr)).size > 2, "the rate has fallen");
        const weights = async (out: string) => (await loadModel(out)).model.stateArrays();
        deepStrictEqual(await weights(halves), await weights(whole));
      }
    }, { width: 16 });
  },
);
