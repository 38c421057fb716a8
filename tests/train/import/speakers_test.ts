/** Importing speaker models of SpeechBrain and WeSpeaker. @module */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { createFeatures } from "../../../data/features/mod.ts";
import { readTorchFile, writeTorchFile } from "../../../data/files/mod.ts";
import { CosineHead } from "../../../nn/mod.ts";
import { tensor } from "../../../tensor/mod.ts";
import { importModel, type ImportOptions } from "../../../train/import/mod.ts";
import { renamedToOurs, renamedToTheirs } from "../../../train/import/renames.ts";
import { wespeakerEcapaRenames } from "../../../train/import/wespeaker_kinds.ts";
import { loadModel } from "../../../train/model_file.ts";
import { forEachDevice as onEveryDevice, onCpu } from "../../devices.ts";
import { assertClose } from "../../nn/close.ts";
import { withFolder } from "../../tasks/run.ts";
import { labels, noise, speakerCases, weightsOf, writeSpeechbrain, writeWespeaker } from "./speaker_folders.ts";

interface Wanted {
  readonly what: string;
  readonly classes: readonly string[];
  readonly speedClasses?: readonly string[];
  readonly said: readonly string[];
}

const cases: Readonly<Record<string, Wanted>> = {
  "speechbrain-ecapa": {
    what: "SpeechBrain ECAPA-TDNN",
    classes: labels,
    said: ["Its scores are 30 times SpeechBrain's, which are cosines"],
  },
  "speechbrain-xvector": { what: "SpeechBrain x-vector", classes: labels, said: [] },
  "wespeaker-ecapa-glob": {
    what: "WeSpeaker ECAPA_TDNN_GLOB_c512",
    classes: ["speaker 0", "speaker 1", "speaker 2"],
    speedClasses: [0.9, 1.1].flatMap((speed) => [0, 1, 2].map((i) => `speaker ${i}@${speed}`)),
    said: [
      "Its 9 rows of projection.weight are 3 speakers at the speeds 1, 0.9, 1.1",
      'It does not name its 3 classes: they are called "speaker 0" to "speaker 2"; --labels FILE names them',
    ],
  },
  "wespeaker-ecapa": {
    what: "WeSpeaker ECAPA_TDNN_c512",
    classes: ["speaker 0", "speaker 1", "speaker 2", "speaker 3"],
    said: ['It does not name its 4 classes: they are called "speaker 0" to "speaker 3"; --labels FILE names them'],
  },
  "wespeaker-resnet18": {
    what: "WeSpeaker ResNet18",
    classes: ["speaker 0", "speaker 1"],
    speedClasses: ["speaker 0@0.9", "speaker 1@0.9", "speaker 0@1.1", "speaker 1@1.1"],
    said: [
      "Its 6 rows of projection.weight are 2 speakers at the speeds 1, 0.9, 1.1",
      'It does not name its 2 classes: they are called "speaker 0" to "speaker 1"; --labels FILE names them',
    ],
  },
  "wespeaker-resnet50": {
    what: "WeSpeaker ResNet50",
    classes: ["anna", "ben"],
    speedClasses: ["anna@0.9", "ben@0.9", "anna@1.1", "ben@1.1"],
    said: ["Its 6 rows of projection.weight are 2 speakers at the speeds 1, 0.9, 1.1"],
  },
};

/** Writes a case's folder and says what `import` is told besides. */
async function writeCase(name: string, root: string): Promise<ImportOptions> {
  if (name === "speechbrain-ecapa" || name === "speechbrain-xvector") await writeSpeechbrain(join(root, name), name);
  else await writeWespeaker(join(root, name), name);
  const out = join(root, "m.safetensors");
  if (name !== "wespeaker-resnet50") return { out };
  await Deno.writeTextFile(join(root, "labels.txt"), "anna\nben\n");
  return { out, labels: join(root, "labels.txt") };
}

/** One residual network is enough for a software adapter. */
for (const [name, wanted] of Object.entries(cases)) {
  const forEachDevice = name === "wespeaker-resnet50" ? onCpu : onEveryDevice;

  forEachDevice(`${name}: embedding and scores of a recording are PyTorch's`, async () => {
    await withFolder(async (root) => {
      const options = await writeCase(name, root), { what, facts, said } = await importModel(join(root, name), options);
      strictEqual(what, wanted.what);
      deepStrictEqual(said, wanted.said);
      deepStrictEqual(facts.classes, wanted.classes);
      deepStrictEqual(facts.speedClasses, wanted.speedClasses);
      const { model, featureSettings } = await loadModel(options.out!), expected = speakerCases.get(name)!;
      const { data, frames, channels } = createFeatures(featureSettings!).apply(noise);
      const embedding = model.embed(tensor(data, { shape: [1, frames, channels] }));
      const norm = Math.hypot(...expected.embedding), { head } = model;
      await assertClose(embedding.div(norm), expected.embedding.map((v) => v / norm), 2e-5, "embedding");
      const scores = name === "speechbrain-ecapa"
        ? (head as CosineHead).cosine(embedding)
        : name === "speechbrain-xvector"
        ? head.forward(embedding).logSoftmax(-1)
        : head.forward(embedding);
      await assertClose(scores, [...expected.logits], 1e-3, "scores");
      if (head instanceof CosineHead) strictEqual(head.scale, name.startsWith("speechbrain") ? 30 : 24);
    });
  });
}

Deno.test("folders as trainings and loaders leave them: other places and names of the files", async () => {
  await withFolder(async (root) => {
    const folder = join(root, "exp"), out = join(root, "m");
    await writeWespeaker(folder, "wespeaker-ecapa");
    await Deno.mkdir(join(folder, "models"));
    const theirs = readTorchFile(join(folder, "avg_model.pt"));
    await Deno.remove(join(folder, "avg_model.pt"));
    const wrapped = Object.entries(theirs).map(([name, array]) => [`state_dict.${name}`, array]);
    wrapped.push(["optimizer.momentum", theirs["bn.bias"]]);
    for (const n of [9, 10]) {
      await writeTorchFile(join(folder, `models/model_${n}.pt`), n === 9 ? {} : Object.fromEntries(wrapped));
    }
    strictEqual((await importModel(folder, { out })).facts.classes.length, 4);
    await writeSpeechbrain(join(root, "savedir"), "speechbrain-xvector");
    await Deno.rename(join(root, "savedir/label_encoder.txt"), join(root, "savedir/label_encoder.ckpt"));
    const { facts } = await importModel(join(root, "savedir"), { out, overwrite: true });
    deepStrictEqual(facts.classes, labels);
  });
});

Deno.test("an ECAPA-TDNN with the x-vectors' classifier, as SpeechBrain's language model has", async () => {
  await withFolder(async (root) => {
    const folder = join(root, "m"), out = join(root, "out"), path = join(folder, "hyperparams.yaml");
    await writeSpeechbrain(folder, "speechbrain-ecapa");
    const text = await Deno.readTextFile(path);
    const classifier = "Xvector.Classifier\n    input_shape: [null, null, 6]\n    lin_neurons: 4\n";
    await Deno.writeTextFile(path, text.replace("ECAPA_TDNN.Classifier\n    input_size: 6\n", classifier));
    const [linear, last] = ["DNN.block_0.linear.w", "out.w"];
    const theirs = weightsOf({
      norms: { "norm.norm": 6, "DNN.block_0.norm.norm": 4 },
      weights: {
        [`${linear}.weight`]: [4, 6],
        [`${linear}.bias`]: [4],
        [`${last}.weight`]: [3, 4],
        [`${last}.bias`]: [3],
      },
    });
    await writeTorchFile(join(folder, "classifier.ckpt"), theirs);
    const { facts } = await importModel(folder, { out });
    deepStrictEqual([facts.architecture, facts.options.head, facts.options.headWidth], ["ecapa", "xvector", 4]);
    const { model } = await loadModel(out), ours = await model.stateArrays();
    deepStrictEqual(ours["head.5.weight"].data, theirs[`${last}.weight`].data);
    strictEqual((await model.forward(tensor([Array(30).fill(Array(12).fill(1))])).data()).length, 3);
  });
});

Deno.test("WeSpeaker's names and channels come back as they were", () => {
  const theirs = weightsOf(speakerCases.get("wespeaker-ecapa")!.encoder),
    table = wespeakerEcapaRenames({
      ...{ blocks: 3, scale: 4 },
    });
  const { arrays, names } = renamedToOurs(theirs, table);
  ok(names.get("encoder.blocks.2.res2net_block.blocks.1.norm.norm.bias") === "layer3.se_res2block.1.bns.1.bias");
  ok(String(arrays["encoder.fc.conv.weight"].shape) === "6,24,1");
  deepStrictEqual(renamedToTheirs(arrays, table).arrays, theirs);
});
