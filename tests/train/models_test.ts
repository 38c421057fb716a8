/** Every architecture as the trainer uses it. @module */
import { ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { openDataSet } from "../../data/sets/mod.ts";
import { describeModel, loadModel } from "../../train/model_file.ts";
import { modelKinds } from "../../train/models/mod.ts";
import { scoreUtterances } from "../../train/scoring.ts";
import type { ModelName, TrainConfig } from "../../train/train_config.ts";
import { viewingOf } from "../../train/viewing.ts";
import { forEachDevice } from "../devices.ts";
import { runSmall, smallConfig, withData } from "./small_run.ts";

/** Models small enough for a test, and what they need. */
const small: readonly (Partial<TrainConfig> & { readonly model: ModelName })[] = [
  { model: "transformer" },
  { model: "transformer", attention: "local", attentionWindow: 2, positionalEncoding: "sinusoidal" },
  { model: "conformer", attention: "relative", convKernel: 5, pooling: "self-attention", head: "linear" },
  { model: "conformer", attention: "linformer", linformerRank: 4, maxTime: 64, subsampling: "conv", convKernel: 5 },
  { model: "sound-small", head: "linear" },
];

forEachDevice("the scores of an utterance do not depend on the others in its batch", async () => {
  await withData(async (_, data) => {
    using set = await openDataSet(data);
    for (const changes of small) {
      const config = smallConfig(changes);
      const { options, viewing } = describeModel(config, set.channels, set.classes);
      const model = modelKinds[config.model].build(options).eval();
      const scores = async (batchSize: number) => {
        const all: Float32Array[] = [];
        for await (const { index, logits } of scoreUtterances(model, set, { viewing, batchSize })) all[index] = logits;
        return all;
      };
      const [alone, together] = [await scores(1), await scores(16)];
      strictEqual(together.length, set.utterances.length);
      together.forEach((logits, i) =>
        logits.forEach((value, c) => {
          const distance = Math.abs(value - alone[i][c]);
          ok(distance < 1e-4 * Math.max(1, Math.abs(value)), `${JSON.stringify(changes)}, utterance ${i}: ${distance}`);
        })
      );
    }
  }, { counts: [4, 4, 4], width: 16 });
});

forEachDevice(
  "every kind of model learns, and its file gives it back with its way of looking at recordings",
  async (device) => {
    await withData(async (folder, data) => {
      for (const [i, changes] of small.entries()) {
        const out = join(folder, `run-${i}`);
        const run = await runSmall(device, { ...changes, data, out, totalSteps: 60, lr: 0.005 });
        ok(run.bestAccuracy > 0.6, `${JSON.stringify(changes)}: ${run.bestAccuracy}`);
        const { architecture, viewing } = await loadModel(out);
        strictEqual(architecture, changes.model);
        strictEqual(viewing.mode, changes.model === "sound-small" ? "crops" : "whole");
      }
    }, { noise: 0.5, width: 16 });
  },
);

forEachDevice("crops: scores are the mean over them, and of a single one the middle's", async () => {
  await withData(async (_, data) => {
    using set = await openDataSet(data);
    const config = smallConfig({ segmentLength: 10, validCrops: 3 });
    const { options, viewing } = describeModel(config, set.channels, set.classes);
    const model = modelKinds.transformer.build(options).eval();
    const scores = async (view: typeof viewing) => {
      const all: Float32Array[] = [];
      for await (const { index, logits } of scoreUtterances(model, set, { viewing: view, batchSize: 5 })) {
        all[index] = logits;
      }
      return all;
    };
    const [three, one, whole] = [viewing, { ...viewing, crops: 1 }, viewingOf(smallConfig({}))];
    ok(viewing.mode === "crops" && whole.mode === "whole");
    const [mean, middle] = [await scores(three), await scores(one)];
    const last = mean.findIndex((_, i) => set.utterances[i].frames === 12);
    ok(last >= 0 && mean.some((logits, i) => Math.abs(logits[0] - middle[i][0]) > 1e-4), "not the middle alone");
    strictEqual(mean.length, set.utterances.length);
  });
});
