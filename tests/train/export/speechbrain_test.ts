/** Models written for SpeechBrain. @module */
import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { readSafetensors, readTorchFile, writeSafetensors } from "../../../data/files/mod.ts";
import { noGrad } from "../../../tensor/mod.ts";
import { exportModel } from "../../../train/export/mod.ts";
import { importModel } from "../../../train/import/mod.ts";
import { loadModel } from "../../../train/model_file.ts";
import { assertClose } from "../../close.ts";
import { forEachDevice } from "../../devices.ts";
import { drawn } from "../../gradcheck.ts";
import { withFolder } from "../../tasks/run.ts";
import { labels, writeSpeechbrain } from "../import/speaker_folders.ts";

for (const [name, what] of [["speechbrain-ecapa", "ECAPA-TDNN"], ["speechbrain-xvector", "x-vector"]] as const) {
  forEachDevice(`${what}: a folder comes back with its names, shapes and values, and is the same model`, async () => {
    await withFolder(async (folder) => {
      const [theirs, model, out, again] = ["theirs", "model", "out", "again"].map((part) => join(folder, part));
      await writeSpeechbrain(theirs, name);
      const { facts } = await importModel(theirs, { out: model });
      const { what: written, files } = await exportModel(model, { to: "speechbrain", out });
      strictEqual(written, `SpeechBrain ${what}`);
      const names = ["embedding_model.ckpt", "hyperparams.yaml", "classifier.ckpt", "label_encoder.ckpt"];
      deepStrictEqual(files, names.map((file) => join(out, file)));
      for (const file of ["embedding_model.ckpt", "classifier.ckpt"]) {
        const [found, wanted] = [out, theirs].map((place) => readTorchFile(join(place, file)));
        deepStrictEqual(Object.keys(found).sort(), Object.keys(wanted).sort());
        for (const [key, array] of Object.entries(wanted)) deepStrictEqual(found[key], array, key);
      }
      strictEqual(
        await Deno.readTextFile(join(out, "label_encoder.ckpt")),
        "'id7' => 0\n'Zoë\\'s' => 1\n'id9' => 2\n================\n'starting_index' => 0\n",
      );
      const back = await importModel(out, { out: again });
      deepStrictEqual([back.facts, back.facts.classes], [facts, labels]);
      const x = drawn(1, [2, 40, facts.channels]), [first, second] = [await loadModel(model), await loadModel(again)];
      await assertClose(noGrad(() => second.model.embed(x)), await noGrad(() => first.model.embed(x)).data());
    });
  });
}

Deno.test("features other than Fbank's usual ones, windows and a missing classifier are in hyperparams.yaml (cpu)", async () => {
  await withFolder(async (folder) => {
    const [theirs, model, out, again] = ["theirs", "model", "out", "again"].map((part) => join(folder, part));
    await writeSpeechbrain(theirs, "speechbrain-ecapa");
    const { facts } = await importModel(theirs, { out: model });
    const changed = join(folder, "changed.safetensors"),
      { arrays, metadata } = readSafetensors(join(model, "best.safetensors"));
    const featureSettings = {
      ...facts.featureSettings,
      sampleRate: 8000,
      winLength: 240,
      hopLength: 80,
      fMin: 30,
      fMax: 3000,
    };
    const options = { ...facts.options, classes: 0 };
    const bare = Object.fromEntries(Object.entries(arrays).filter(([name]) => !name.startsWith("head.")));
    const text = JSON.stringify({ ...facts, options, featureSettings, classes: [], step: 1, accuracy: null });
    await writeSafetensors(changed, bare, { ...metadata, facts: text });
    const { said } = await exportModel(changed, { to: "speechbrain", out });
    match(said.join("\n"), /It has no classes: EncoderClassifier asks for a classifier/);
    deepStrictEqual([...Deno.readDirSync(out)].map(({ name }) => name).sort(), [
      "embedding_model.ckpt",
      "hyperparams.yaml",
    ]);
    const back = await importModel(out, { out: again });
    deepStrictEqual([back.facts.featureSettings, back.facts.classes], [featureSettings, []]);
  });
});

Deno.test("what SpeechBrain cannot hold is refused by name (cpu)", async () => {
  await withFolder(async (folder) => {
    const [theirs, model, out, file] = ["theirs", "model", "out", "m.safetensors"].map((part) => join(folder, part));
    await writeSpeechbrain(theirs, "speechbrain-ecapa");
    const { facts } = await importModel(theirs, { out: model });
    const { arrays, metadata } = readSafetensors(join(model, "best.safetensors"));
    const features = (changes: object) => ({ featureSettings: { ...facts.featureSettings, ...changes } });
    const options = (changes: object) => ({ options: { ...facts.options, ...changes } });
    for (
      const [changes, message] of [
        [{ featureSettings: null }, /it does not say which features it takes$/],
        [
          { featureSettings: { kind: "logMel" } },
          /it takes features of kind "logMel", and SpeechBrain's are "speechbrainFbank"$/,
        ],
        [features({ topDb: 60 }), /its features have topDb 60 and logFloor 1e-10, and Fbank has 80 and 1e-10$/],
        [features({ normalize: "layer" }), /its features are normalised by "layer"/],
        [options({ embeddingNorm: true }), /it normalises embeddings \(embeddingNorm\), and SpeechBrain does not$/],
        [
          options({ variant: "wespeaker" }),
          /its variant is "wespeaker", which computes otherwise than SpeechBrain's ecapa$/,
        ],
        [
          options({ head: "two-layer" }),
          /it has a cosine head of kind "two-layer", and SpeechBrain's classifier is a linear one of cosines$/,
        ],
        [
          options({ cosineHead: false }),
          /it has a head of kind "linear", and SpeechBrain's classifier is a linear one of cosines$/,
        ],
      ] as const
    ) {
      const text = JSON.stringify({ ...facts, ...changes, step: 1, accuracy: null });
      await writeSafetensors(file, arrays, { ...metadata, facts: text });
      await rejects(exportModel(file, { to: "speechbrain", out }), message);
    }
    await rejects(Deno.stat(out), Deno.errors.NotFound);
  });
});
