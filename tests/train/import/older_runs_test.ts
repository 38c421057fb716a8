/** Models that earlier versions of voxgrad wrote. @module */
import { deepStrictEqual, match, rejects } from "node:assert/strict";
import { join } from "node:path";
import { writeSafetensors } from "../../../data/files/mod.ts";
import { SpeakerClassifier, type SpeakerClassifierOptions } from "../../../nn/mod.ts";
import { manualSeed, noGrad } from "../../../tensor/mod.ts";
import { importModel, ImportRefusal } from "../../../train/import/mod.ts";
import { loadModel } from "../../../train/model_file.ts";
import { assertClose } from "../../close.ts";
import { forEachDevice } from "../../devices.ts";
import { drawn } from "../../gradcheck.ts";
import { withFolder } from "../../tasks/run.ts";

/** What the first version wrote of its options. */
const options: SpeakerClassifierOptions = {
  ...{ nMels: 4, numSpeakers: 3, dModel: 8, nHead: 2, numLayers: 2, dimFeedforward: 12, dropout: 0.1 },
  ...{ activation: "gelu", normFirst: true, positionalEncoding: true, pooling: "mean", head: "linear" },
};
const featureSettings = { kind: "logMel", sampleRate: 8000, nMels: 4 };
const facts = { options, classes: ["a", "b", "c"], featureSettings, step: 5, accuracy: 0.5 };

async function writeRun(
  folder: string,
  { text = JSON.stringify(facts), format = "voxgrad speaker classifier 1" } = {},
) {
  manualSeed(1);
  const model = new SpeakerClassifier(options).eval();
  await Deno.mkdir(folder, { recursive: true });
  await writeSafetensors(join(folder, "best.safetensors"), await model.stateArrays(), { format, facts: text });
  return model;
}

forEachDevice("a run of the first version is a model of this one", async () => {
  await withFolder(async (folder) => {
    const run = join(folder, "run"), out = join(folder, "model"), model = await writeRun(run);
    await rejects(
      loadModel(run),
      /it is a voxgrad run of an earlier version; run deno task import /,
    );
    const { what, said } = await importModel(run, { out });
    deepStrictEqual([what, said], ["voxgrad run of an earlier version", []]);
    const loaded = await loadModel(out), x = drawn(1, [2, 9, 4]);
    deepStrictEqual([loaded.classes, loaded.featureSettings?.sampleRate], [["a", "b", "c"], 8000]);
    await assertClose(noGrad(() => loaded.model.forward(x)), await noGrad(() => model.forward(x)).data());
    await importModel(join(run, "best.safetensors"), { out, overwrite: true });
  });
});

Deno.test("a run of this version needs no import, and damaged ones are named (cpu)", async () => {
  await withFolder(async (folder) => {
    const run = join(folder, "run"), out = join(folder, "model");
    await writeRun(run, { format: "voxgrad classifier 2" });
    await rejects(importModel(run, { out }), ImportRefusal);
    for (const text of ["{", "null", "[]", '{"options":{}}']) {
      await writeRun(run, { text });
      await rejects(importModel(run, { out }), ({ message }: Error) => {
        match(message, /^Cannot import ".*best.safetensors": its description is (damaged|not JSON)$/);
        return true;
      });
    }
    await writeRun(run, { text: JSON.stringify({ ...facts, options: { ...options, dModel: 12 } }) });
    await rejects(importModel(run, { out }), /of another shape/);
    await rejects(Deno.stat(out), Deno.errors.NotFound);
  });
});
