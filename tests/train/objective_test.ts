/** Losses of training: margins, their rise, and what is logged beside them. @module */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { CosineHead, SpeakerClassifier } from "../../nn/mod.ts";
import { amSoftmax, crossEntropy, tensor } from "../../tensor/mod.ts";
import { loadModel } from "../../train/model_file.ts";
import { marginAt, Objective, type ObjectiveConfig } from "../../train/objective.ts";
import { forEachDevice } from "../devices.ts";
import { drawn } from "../gradcheck.ts";
import { runSmall, withData } from "./small_run.ts";

const config: ObjectiveConfig = { loss: "am-softmax", labelSmoothing: 0, margin: 0.35, scale: 10, marginSteps: 100 };

Deno.test("a margin rises evenly to its full size, or is there at once", () => {
  const at = (step: number, marginSteps = 100) => marginAt(step, { ...config, marginSteps });
  deepStrictEqual([at(1), at(50), at(100), at(5000)].map((m) => m.toFixed(4)), [
    "0.0035",
    "0.1750",
    "0.3500",
    "0.3500",
  ]);
  strictEqual(at(1, 0), 0.35);
});

forEachDevice("an objective takes cosines for a margin, and the margin of the step at hand", async () => {
  const model = new SpeakerClassifier({ numSpeakers: 3, nMels: 4, dModel: 8, dimFeedforward: 8, cosineHead: true });
  model.eval();
  const [x, labels] = [drawn(1, [2, 5, 4]), tensor(Int32Array.of(0, 2))];
  const objective = new Objective(config);
  const scores = objective.scores(model, x, null);
  ok((await scores.data()).every((c) => Math.abs(c) <= 1.00001), "cosines");
  for (const [step, margin] of [[1, 0.0035], [50, 0.175], [200, 0.35]]) {
    objective.startStep(step);
    const [ours, wanted] = [objective.loss(scores, labels), amSoftmax(scores, labels, { margin, scale: 10 })];
    ok(Math.abs(await ours.item() - await wanted.item()) < 1e-5, `step ${step}`);
  }
  const plain = new Objective({ ...config, loss: "cross-entropy", labelSmoothing: 0.1 });
  const logits = plain.scores(model, x, null);
  const wanted = crossEntropy(logits, labels, { labelSmoothing: 0.1 });
  strictEqual(await plain.loss(logits, labels).item(), await wanted.item());
});

forEachDevice("the angular margin in training has no jump where cos(θ + m) would rise again", async () => {
  const margin = 0.35, edge = -Math.cos(margin), labels = tensor(Int32Array.of(0));
  const objective = new Objective({ ...config, loss: "aam-softmax", margin, scale: 1, marginSteps: 0 });
  objective.startStep(1);
  const lossAt = async (c: number) => await objective.loss(tensor([[c, 0]]), labels).item();
  const wanted = (moved: number) => Math.log(1 + Math.exp(-moved));
  const [before, after] = [edge + 1e-4, edge - 1e-4];
  ok(Math.abs(await lossAt(before) - wanted(Math.cos(Math.acos(before) + margin))) < 1e-4);
  ok(Math.abs(await lossAt(after) - wanted(after - 1 + Math.cos(margin))) < 1e-4);
  ok(Math.abs(await lossAt(before) - await lossAt(after)) < 1e-3);
});

forEachDevice("a run with a margin learns, logs accuracy without it, and saves a model of cosines", async (device) => {
  await withData(async (folder, data) => {
    for (const loss of ["am-softmax", "aam-softmax"] as const) {
      const out = join(folder, loss);
      const run = await runSmall(device, { data, out, loss, margin: 0.2, scale: 10, marginSteps: 20, totalSteps: 60 });
      const last = run.rows.filter((row) => row.accuracy !== undefined).at(-1);
      ok(Number(last?.accuracy) > 0.9 && run.bestAccuracy > 0.7, `${loss}: ${JSON.stringify(last)}`);
      const { model } = await loadModel(out);
      ok(model.head instanceof CosineHead && model.head.scale === 10);
    }
  });
});

forEachDevice("a run with a rising margin goes on exactly where it was stopped", async (device) => {
  await withData(async (folder, data) => {
    const config = { data, loss: "aam-softmax", marginSteps: 30, totalSteps: 30, logSteps: 1, saveSteps: 10 } as const;
    const whole = await runSmall(device, { ...config, out: join(folder, "whole") });
    const out = join(folder, "parts");
    await runSmall(device, { ...config, out }, { stopAt: 13 });
    const parts = await runSmall(device, { ...config, out }, { resume: true });
    const losses = ({ rows }: typeof whole) => rows.flatMap(({ loss }) => loss ?? []);
    deepStrictEqual(losses(parts), losses(whole));
  });
});
