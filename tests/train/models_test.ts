/** Every architecture as the trainer uses it. @module */
import { ok, strictEqual, throws } from "node:assert/strict";
import { join } from "node:path";
import { openDataSet } from "../../data/sets/mod.ts";
import { type Device, noGrad, type Tensor, tensor } from "../../tensor/mod.ts";
import { describeModel } from "../../train/model_facts.ts";
import { loadModel } from "../../train/model_file.ts";
import { modelKinds } from "../../train/models/mod.ts";
import { scoreUtterances } from "../../train/scoring.ts";
import type { ModelName, TrainConfig } from "../../train/train_config.ts";
import { viewingOf } from "../../train/viewing.ts";
import { forEachDevice } from "../devices.ts";
import { drawn } from "../gradcheck.ts";
import { runSmall, smallConfig, withData } from "./small_run.ts";

const ecapaSizes = { channels: [8, 8, 8, 24], embeddingDim: 8, attentionChannels: 4, res2netScale: 4, seChannels: 4 };

/** Models small enough for a test, and what they need. */
const small: readonly (Partial<TrainConfig> & { readonly model: ModelName })[] = [
  { model: "transformer" },
  { model: "transformer", attention: "local", attentionWindow: 2, positionalEncoding: "sinusoidal" },
  { model: "conformer", attention: "relative", convKernel: 5, pooling: "self-attention", head: "linear" },
  { model: "conformer", attention: "linformer", linformerRank: 4, maxTime: 64, subsampling: "conv", convKernel: 5 },
  { model: "sound-small", head: "linear" },
  { model: "xvector", head: "linear", channels: [8, 8, 8, 8, 12], embeddingDim: 8 },
];

/** Models of so many layers that a software adapter takes minutes to learn anything. */
const deep: typeof small = [
  { model: "ecapa", head: "linear", loss: "aam-softmax", margin: 0.2, ...ecapaSizes },
  { model: "resnet34-speaker", head: "linear", channels: [4, 6, 8, 12] },
  { model: "campplus", head: "linear", channels: [4, 8, 4, 8], modelOptions: JSON.stringify({ blocks: [1, 2, 1] }) },
];

forEachDevice("the scores of an utterance do not depend on the others in its batch", async () => {
  await withData(async (_, data) => {
    using set = await openDataSet(data);
    for (const changes of [...small, ...deep]) {
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

Deno.test("without classes a model has no head and only embeds", async () => {
  for (const changes of [...small, ...deep]) {
    const { options } = describeModel(smallConfig(changes), 16, []);
    const model = modelKinds[changes.model].build(options).eval();
    strictEqual(model.head.parameters().length, 0, changes.model);
    const x = drawn(1, [2, 64, 16]);
    const embeddings = await noGrad(() => model.embed(x)).data();
    ok(embeddings.every(Number.isFinite), changes.model);
    throws(() => model.forward(x), /Cannot score classes: the model has none/);
  }
});

/** Trains each of some models; its file has to give it back. */
async function assertLearn(models: typeof small, device?: Device): Promise<void> {
  await withData(async (folder, data) => {
    for (const [i, changes] of models.entries()) {
      const out = join(folder, `run-${i}`);
      const run = await runSmall(device, { ...changes, data, out, device: "cpu", totalSteps: 60, lr: 0.005 });
      ok(run.bestAccuracy > 0.6, `${JSON.stringify(changes)}: ${run.bestAccuracy}`);
      const { architecture, viewing } = await loadModel(out);
      strictEqual(architecture, changes.model);
      strictEqual(viewing.mode, changes.model === "sound-small" ? "crops" : "whole");
    }
  }, { noise: 0.5, width: 16 });
}

forEachDevice(
  "every kind of model learns, and its file gives it back with its way of looking at recordings",
  (device) => assertLearn(small, device),
);

Deno.test("so do deep encoders of speakers (cpu)", () => assertLearn(deep));

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
    strictEqual(mean.length, set.utterances.length);
    const index = set.utterances.findIndex(({ frames }) => frames === 21);
    const { data: values } = await set.read(index);
    const crop = async (start: number) => {
      const x = tensor(values.slice(start * set.channels, (start + 10) * set.channels), {
        shape: [1, 10, set.channels],
      });
      return [...await noGrad(() => model.forward(x)).data()];
    };
    const [first, second, last, centre] = await Promise.all([0, 6, 11, 5].map(crop)); // of 5.5 the one is rounded, the other cut
    for (const c of set.classes.keys()) {
      const wanted = (first[c] + second[c] + last[c]) / 3;
      ok(Math.abs(mean[index][c] - wanted) < 1e-5, `class ${c}: ${mean[index][c]}, wanted ${wanted}`);
      ok(Math.abs(middle[index][c] - centre[c]) < 1e-5, `class ${c}: ${middle[index][c]}, wanted ${centre[c]}`);
    }
    ok(Math.abs(mean[index][0] - middle[index][0]) > 1e-4, "not the middle alone");
  });
});

forEachDevice("what a config says of dropout and of the order of frames is what the model does", async () => {
  const frames = drawn(1, [1, 12, 8]);
  const backwards = await frames.data().then((values) => {
    const rows = Array.from({ length: 12 }, (_, i) => [...values].slice(i * 8, i * 8 + 8));
    return tensor([rows.reverse()]);
  });
  const build = (changes: Partial<TrainConfig> & { model: ModelName }) =>
    modelKinds[changes.model].build(describeModel(smallConfig(changes), 8, ["a", "b", "c"]).options);
  const distance = async (model: ReturnType<typeof build>, [a, b]: readonly [Tensor, Tensor]) => {
    const [first, second] = [await model.forward(a).data(), await model.forward(b).data()];
    return Math.max(...[...first].map((value, i) => Math.abs(value - second[i])));
  };
  for (const model of ["transformer", "conformer"] as const) {
    const again = [frames, frames] as const;
    ok(await distance(build({ model, dropout: 0.3 }), again) > 1e-3, `${model}: dropout acts in training`);
    strictEqual(await distance(build({ model, dropout: 0 }), again), 0, `${model}: no dropout where none is asked for`);
    strictEqual(await distance(build({ model, dropout: 0.3 }).eval(), again), 0, `${model}: none in evaluation`);
  }
  const both = [frames, backwards] as const;
  ok(await distance(build({ model: "transformer" }).eval(), both) < 1e-5, "blind to order, as its recipe says");
  for (const changes of [{ positionalEncoding: "sinusoidal" }, { attention: "relative" }] as const) {
    ok(await distance(build({ model: "transformer", ...changes }).eval(), both) > 1e-4, JSON.stringify(changes));
  }
});
