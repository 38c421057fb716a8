/** `deno task import` as a user types it. @module */
import { doesNotMatch, match, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { encodeWav } from "../../mod.ts";
import { tinyModel, writeFolder } from "../train/import/huggingface_folder.ts";
import { voice } from "../train/verification/tiny_model.ts";
import { type Finished, runDenoTask, withFolder } from "./run.ts";

function refused({ code, err }: Finished, message: RegExp, wanted: number): void {
  match(err, message);
  doesNotMatch(err, /\n\s+at /, "no stack for a user's mistake");
  strictEqual(code, wanted);
}

Deno.test("a folder of Hugging Face is imported and embeds recordings", async () => {
  await withFolder(async (root) => {
    const [folder, model, wave] = ["tiny-sv", "m.safetensors", "a.wav"].map((name) => join(root, name));
    await writeFolder(folder, { arrays: await tinyModel().stateArrays() });
    const { code, out, err } = await runDenoTask("import", [folder, "--out", model]);
    strictEqual(code, 0, err);
    match(out, /Found Hugging Face WavLMForXVector, 2 layers of 16, 3 classes/);
    match(out, /Wrote .*m\.safetensors \(\d+ kB\)/);
    await Deno.writeFile(wave, encodeWav(voice(120, 1, 1), 16000));
    const embedded = await runDenoTask("embed", ["--model", model, wave, "--out", join(root, "e.safetensors")]);
    strictEqual(embedded.code, 0, embedded.err);
    const check = ["--check", folder, "--reference", join(root, "e.safetensors")];
    const same = await runDenoTask("import", check);
    match(same.out, /All 1 embeddings are equal/);
    strictEqual(same.code, 0, same.err);
    const another = join(root, "b.wav");
    await Deno.writeFile(another, encodeWav(voice(210, 1, 2), 16000));
    const other = await runDenoTask("import", [...check, another]);
    match(other.out, /1 of 1 differ; the first difference is in: features, encoder or pooling/);
    strictEqual(other.code, 1, other.err);
    refused(await runDenoTask("import", [folder, "--check"]), /give both --check and --reference FILE/, 2);
    refused(await runDenoTask("import", [folder, folder]), /one model is imported at a time/, 2);
    refused(await runDenoTask("import", [model]), /m\.safetensors": it is a model of voxgrad already/, 2);
    refused(await runDenoTask("import", [folder, "--out", model]), /m\.safetensors": it exists; give --overwrite/, 2);
    const told =
      /it is a model of another toolkit \(Hugging Face WavLMForXVector, .*\); run deno task import .*tiny-sv first/;
    for (const given of [folder, join(folder, "model.safetensors")]) {
      refused(await runDenoTask("embed", ["--model", given, wave]), told, 1);
    }
    refused(await runDenoTask("enroll", ["ana", wave, "--model", folder, "--db", join(root, "s.db")]), told, 1);
    refused(await runDenoTask("train", ["wavlm", "--init", folder, "--data", root, "--out", join(root, "r")]), told, 2);
    const alone = /without the files beside it: it is a model of another toolkit .*; run deno task import .*tiny-sv\n/;
    refused(await runDenoTask("import", [join(folder, "model.safetensors")]), alone, 2);
    await Deno.writeTextFile(join(folder, "model.safetensors"), "cut short");
    refused(await runDenoTask("import", [folder, "--out", join(root, "n")]), /tiny-sv\/model\.safetensors/, 1);
    await Deno.remove(join(folder, "config.json"));
    refused(await runDenoTask("import", [folder]), /tiny-sv": it is no model that voxgrad knows/, 2);
    refused(await runDenoTask("import", []), /FOLDER\|FILE/, 2);
  });
});

Deno.test("a bare encoder has no classes: it embeds, verifies and starts trainings, and predicts nothing", async () => {
  await withFolder(async (root) => {
    const [folder, model, wave, db] = ["tiny", "m.safetensors", "a.wav", "s.db"].map((name) => join(root, name));
    const all = Object.entries(await tinyModel().stateArrays());
    const encoder = all.filter(([name]) => name.startsWith("wavlm.")).map(([name, array]) => [name.slice(6), array]);
    const config = { architectures: ["WavLMModel"], use_weighted_layer_sum: undefined, id2label: undefined };
    await writeFolder(folder, { arrays: Object.fromEntries(encoder), config });
    const { code, out, err } = await runDenoTask("import", [folder, "--out", model]);
    strictEqual(code, 0, err);
    match(out, /Found Hugging Face WavLMModel.*\n.*It has no classes/);
    await Deno.writeFile(wave, encodeWav(voice(120, 1, 1), 16000));
    strictEqual((await runDenoTask("enroll", ["ana", wave, "--model", model, "--db", db])).code, 0);
    match((await runDenoTask("verify", ["ana", wave, "--db", db, "--threshold", "0.5"])).out, /1\.000/);
    const why = /m\.safetensors": it has no classes, only embeddings/;
    refused(await runDenoTask("infer", ["--model", model, wave]), why, 1);
    refused(await runDenoTask("evaluate", ["--model", model, "--data", root]), why, 1);
  });
});
