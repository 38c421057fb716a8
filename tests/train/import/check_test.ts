/** Comparing an imported model with what its toolkit gave. @module */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { encodeWav, type NamedArray, readAudio, writeSafetensors } from "../../../mod.ts";
import { noGrad, tensor } from "../../../tensor/mod.ts";
import { checkImport } from "../../../train/import/mod.ts";
import { forEachDevice } from "../../devices.ts";
import { withFolder } from "../../tasks/run.ts";
import { voice } from "../verification/tiny_model.ts";
import { tinyModel, writeFolder } from "./huggingface_folder.ts";

/** What the tiny model makes of a recording: samples, last hidden state, embedding. */
async function theirs(model: ReturnType<typeof tinyModel>, path: string): Promise<NamedArray[]> {
  const { samples } = await readAudio(path, { sampleRate: 16000 });
  const mean = samples.reduce((a, b) => a + b, 0) / samples.length;
  const variance = samples.reduce((a, b) => a + (b - mean) ** 2, 0) / samples.length;
  const normalized = samples.map((x) => (x - mean) / Math.sqrt(variance + 1e-7));
  const { hiddenStates, embeddings } = noGrad(() => model.outputs(tensor(normalized).unsqueeze(0)));
  const last = hiddenStates.at(-1)!;
  return [
    { shape: [samples.length, 1], data: normalized },
    { shape: last.shape.slice(1), data: await last.data() },
    { shape: embeddings.shape.slice(1), data: await embeddings.data() },
  ];
}

forEachDevice("embeddings that are equal, and the first stage that is not", async () => {
  await withFolder(async (root) => {
    const model = tinyModel(), folder = join(root, "m"), reference = join(root, "theirs.safetensors");
    await writeFolder(folder, { arrays: await model.stateArrays() });
    const recordings = ["a.wav", "b.wav"].map((name) => join(root, name));
    for (const [i, path] of recordings.entries()) {
      await Deno.writeFile(path, encodeWav(voice(110 + 50 * i, 0.4, i), 16000));
    }
    const [a, b] = [await theirs(model, recordings[0]), await theirs(model, recordings[1])];
    const rows = Float32Array.of(...a[2].data, ...b[2].data);
    const wrong = ({ shape, data }: NamedArray, by: number): NamedArray => ({
      shape,
      data: data.map((x) => x + by) as Float32Array,
    });
    const check = async (arrays: Record<string, NamedArray>) => {
      await writeSafetensors(reference, { embeddings: { shape: [2, 10], data: rows }, ...arrays }, {
        names: JSON.stringify(recordings),
      });
      return await checkImport(folder, { reference });
    };
    const all = await check({ features_0: a[0], last_hidden_state_0: a[1] });
    strictEqual(all.differs, "");
    deepStrictEqual(all.recordings.map(({ stages }) => stages.map(({ stage }) => stage)), [[
      "features",
      "encoder",
      "embedding",
    ], ["embedding"]]);
    ok(all.recordings.every(({ stages }) => stages.every(({ difference }) => difference < 1e-5)));
    const other = { embeddings: wrong({ shape: [2, 10], data: rows }, 0.1) };
    strictEqual((await check(other)).differs, "features, encoder or pooling");
    strictEqual((await check({ ...other, features_0: a[0] })).differs, "encoder or pooling");
    strictEqual((await check({ ...other, features_0: a[0], last_hidden_state_0: a[1] })).differs, "pooling");
    strictEqual(
      (await check({ ...other, features_0: a[0], last_hidden_state_0: wrong(a[1], 0.1) })).differs,
      "encoder",
    );
    strictEqual((await check({ ...other, last_hidden_state_1: wrong(b[1], 0.1) })).differs, "features or encoder");
    strictEqual((await check({ ...other, features_1: a[0] })).differs, "features");
    const lengths = [a[2], b[2]].flatMap(({ data }) => [...data].map((x) => x / Math.hypot(...data)));
    strictEqual(
      (await check({ embeddings: { shape: [2, 10], data: Float32Array.from(lengths) } })).differs,
      "",
      "of length 1",
    );
    await rejects(check({ embeddings: a[2] }), /theirs.safetensors": it has embeddings \[10\], expected \[2, dim\]/);
    await writeSafetensors(reference, { other: a[2] });
    await rejects(checkImport(folder, { reference }), /does not name its recordings; give them after the model/);
    await rejects(checkImport(folder, { reference, recordings }), /it has no embeddings/);
  });
});
