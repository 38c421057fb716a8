/** Importing WavLM folders of Hugging Face. @module */
import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import type { ArrayDict } from "../../../data/files/mod.ts";
import { writeSafetensors } from "../../../data/files/mod.ts";
import { importModel, ImportRefusal } from "../../../train/import/mod.ts";
import { loadModel } from "../../../train/model_file.ts";
import { drawn } from "../../gradcheck.ts";
import { forEachDevice } from "../../devices.ts";
import { withFolder } from "../../tasks/run.ts";
import { type FolderParts, tinyConfig, tinyModel, writeFolder } from "./huggingface_folder.ts";

/** The tiny model's weights, with the positional convolution as PyTorch 2 spells it. */
async function weightsOf(model = tinyModel()): Promise<ArrayDict> {
  const spelled = (name: string) =>
    name.replace("conv.weight_g", "conv.parametrizations.weight.original0")
      .replace("conv.weight_v", "conv.parametrizations.weight.original1");
  return Object.fromEntries(Object.entries(await model.stateArrays()).map(([name, array]) => [spelled(name), array]));
}

forEachDevice("a WavLM of Hugging Face embeds as it did", async () => {
  await withFolder(async (root) => {
    const model = tinyModel(), folder = join(root, "tiny-sv"), out = join(root, "m.safetensors");
    await writeFolder(folder, { arrays: await weightsOf(model) });
    const { what, facts, said } = await importModel(folder, { out });
    strictEqual(what, "Hugging Face WavLMForXVector, 2 layers of 16");
    deepStrictEqual(facts.classes, ["id1", "id2", "id3"]);
    deepStrictEqual(facts.featureSettings, { kind: "waveform", sampleRate: 16000, normalize: "layer" });
    deepStrictEqual(said, []);
    const loaded = await loadModel(out), x = drawn(1, [2, 4000, 1]);
    deepStrictEqual(await loaded.model.embed(x).data(), await model.embed(x).data());
  });
});

Deno.test("a model of Hugging Face in several files", async () => {
  await withFolder(async (root) => {
    const folder = join(root, "m"), arrays = await weightsOf(), names = Object.keys(arrays);
    const index = (shards: readonly string[]) => ({
      weight_map: Object.fromEntries(names.map((name, i) => [name, shards[i % shards.length]])),
    });
    const shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    await writeFolder(folder, { arrays });
    await Deno.remove(join(folder, "model.safetensors"));
    for (const [k, shard] of shards.entries()) {
      const part = names.filter((_, i) => i % 2 === k).map((name) => [name, arrays[name]]);
      await writeSafetensors(join(folder, shard), Object.fromEntries(part));
    }
    const write = (value: object) =>
      Deno.writeTextFile(join(folder, "model.safetensors.index.json"), JSON.stringify(value));
    const importing = () => importModel(folder, { out: join(root, "out"), overwrite: true });
    await write(index(shards));
    await importing();
    await write(index([shards[0], "../m/" + shards[1]]));
    await rejects(importing(), /index\.json": it names "\.\.\/m\/.*", which is no file of the folder/);
    await write(index([shards[0], "model-00003-of-00002.safetensors"]));
    await rejects(importing(), /names "model-00003-of-00002.safetensors", which is no file/);
    await write(index([shards[1], shards[0]]));
    await rejects(importing(), /it has no .*, which ".*" looks for there/);
    await write({});
    await rejects(importing(), /weight_map is missing/);
  });
});

/** What each mistake in a folder is answered by. */
const mistakes: readonly (readonly [string, Partial<FolderParts> | ((arrays: ArrayDict) => ArrayDict), RegExp])[] = [
  [
    "hidden size",
    { config: { hidden_size: 32 } },
    /hidden_size is 32, but .*layer_norm.weight of ".*model.safetensors" is \[16\]/,
  ],
  ["100 GB", { config: { intermediate_size: 1e9 } }, /intermediate_size is 1000000000, but/],
  ["layers", { config: { num_hidden_layers: 900000 } }, /num_hidden_layers is 900000, but the weights have 2/],
  ["heads", { config: { num_attention_heads: 4 } }, /num_attention_heads is 4, but/],
  ["a text", { config: { hidden_size: "16" } }, /hidden_size is "16", expected a number/],
  ["a list", { config: { conv_dim: [8, -0.5] } }, /conv_dim is \[8,-0.5\], expected a list of whole numbers/],
  ["strides", { config: { conv_stride: [5] } }, /its sizes make no model: .*1\s*convStride/],
  ["negative", { config: { conv_stride: [5, -4] } }, /its sizes make no model: .*convStride/],
  ["activation", { config: { hidden_act: "relu" } }, /hidden_act is "relu", and voxgrad has "gelu" only/],
  ["adapter", { config: { add_adapter: true } }, /add_adapter is true, and voxgrad has false only/],
  [
    "weighted sum",
    { config: { use_weighted_layer_sum: false } },
    /use_weighted_layer_sum is false, but .* has layer_weights/,
  ],
  [
    "labels",
    { config: { id2label: { "0": "id1" } } },
    /id2label names 1 classes, but objective.weight of .* has places for 3/,
  ],
  ["label keys", { config: { id2label: { "0": "a", "1": "b", "3": "c" } } }, /id2label has no name for class 2/],
  ["same labels", { config: { id2label: { "0": "a", "1": "b", "2": "a" } } }, /classes 0 and 2 are both called "a"/],
  ["no preprocessor", { preprocessor: null }, /holds no preprocessor_config.json.*--features waveform/],
  ["do_normalize", { preprocessor: { do_normalize: "yes" } }, /do_normalize is "yes", expected true or false/],
  ["architecture", { config: { architectures: ["WavLMForMasks"] } }, /its architecture is WavLMForMasks/],
  ["missing", (all) => without(all, "projector.bias"), /model.safetensors" as .*: 1 missing \(projector.bias\)/],
  ["extra", (all) => ({ ...all, "extra.bias": all["projector.bias"] }), /1 not known \(extra.bias\)/],
  [
    "shape",
    (all) => ({ ...all, "classifier.bias": all["projector.bias"] }),
    /classifier.bias is \[12\], wanted \[10\]/,
  ],
  [
    "spelling",
    (all) => without(all, "wavlm.encoder.pos_conv_embed.conv.parametrizations.weight.original0"),
    /1 missing/,
  ],
];

function without(arrays: ArrayDict, left: string): ArrayDict {
  return Object.fromEntries(Object.entries(arrays).filter(([name]) => name !== left));
}

Deno.test("mistakes in a folder of Hugging Face are named, and leave nothing behind", async (t) => {
  const arrays = await weightsOf();
  for (const [name, mistake, message] of mistakes) {
    await t.step(name, () =>
      withFolder(async (root) => {
        const parts = typeof mistake === "function" ? { arrays: mistake({ ...arrays }) } : { arrays, ...mistake };
        await writeFolder(join(root, "m"), parts);
        await rejects(importModel(join(root, "m"), { out: join(root, "out") }), (error: Error) => {
          match(error.message, message);
          match(error.message, /^Cannot /);
          return !(error instanceof ImportRefusal);
        });
        deepStrictEqual([...Deno.readDirSync(root)].map(({ name }) => name), ["m"]);
      }));
  }
});

Deno.test("labels and features that the user gives", async () => {
  await withFolder(async (root) => {
    const folder = join(root, "m"), out = join(root, "out"), labels = join(root, "labels.txt");
    await writeFolder(folder, { arrays: await weightsOf(), preprocessor: null, config: { id2label: undefined } });
    const { facts, said } = await importModel(folder, { out, features: "waveform" });
    deepStrictEqual(facts.classes, ["speaker 0", "speaker 1", "speaker 2"]);
    match(said.join(), /does not name its 3 classes/);
    await Deno.writeTextFile(labels, "ada\nbob\r\ncyd\n");
    const named = await importModel(folder, { out, features: "waveform-normalized", labels, overwrite: true });
    deepStrictEqual(named.facts.classes, ["ada", "bob", "cyd"]);
    await Deno.writeTextFile(labels, "ada\nbob\n");
    const again = { out, features: "waveform", labels, overwrite: true };
    await rejects(importModel(folder, again), /labels ".*": it has 2 lines, and the model has 3 classes/);
    await rejects(
      importModel(folder, { ...again, labels: undefined, features: "hw4" }),
      /--features "hw4": this model listens to waveforms/,
    );
    deepStrictEqual((await loadModel(out)).classes, ["ada", "bob", "cyd"], "the model before stays");
  });
});

Deno.test("what is refused before anything is read", async () => {
  await withFolder(async (root) => {
    const folder = join(root, "m");
    await Deno.mkdir(folder);
    await rejects(
      importModel(folder),
      (error: Error) => error instanceof ImportRefusal && /no model that voxgrad knows/.test(error.message),
    );
    await rejects(importModel(join(root, "none")), /Cannot import ".*none": no such file or folder/);
    await writeFolder(folder, { arrays: await weightsOf() });
    await rejects(importModel(folder, { from: "speechbrain" }), /no model of speechbrain/);
    const out = join(root, "out.safetensors");
    await importModel(folder, { out });
    const before = await Deno.readFile(out);
    await rejects(
      importModel(folder, { out }),
      (error: Error) => error instanceof ImportRefusal && /it exists; give --overwrite/.test(error.message),
    );
    await Deno.writeTextFile(join(folder, "model.safetensors"), "cut");
    await rejects(importModel(folder, { out, overwrite: true }), /model.safetensors/);
    deepStrictEqual(await Deno.readFile(out), before, "a failure leaves the old model");
    await Deno.writeTextFile(join(folder, "config.json"), JSON.stringify({ ...tinyConfig, model_type: "bert" }));
    await rejects(importModel(folder), ImportRefusal);
  });
});
