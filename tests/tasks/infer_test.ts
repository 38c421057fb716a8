/** `deno task infer` as a user types it. */
import { deepStrictEqual, doesNotMatch, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { parseFacts } from "../../train/model_facts.ts";
import { readSafetensors, writeSafetensors } from "../../data/files/safetensors.ts";
import { sharedGpu } from "../devices.ts";
import { tone } from "../data/preprocess/recordings_folder.ts";
import { channels, withData, writeData } from "../train/small_run.ts";
import { type Finished, runDenoTask, runScript, withFolder } from "./run.ts";
import { smallModel } from "./small_flags.ts";

const train = (args: string[]) =>
  runScript("tasks/train.ts", [
    ...smallModel,
    "--total-steps",
    "40",
    "--valid-steps",
    "20",
    "--device",
    "cpu",
    ...args,
  ]);
const infer = (args: string[]) => runDenoTask("infer", args.includes("--device") ? args : ["--device", "cpu", ...args]);
const linesOf = async (path: string) => (await Deno.readTextFile(path)).trimEnd().split("\n");
const exists = (path: string) => Deno.stat(path).then(() => true, () => false);

function refused({ code, err }: Finished, message: RegExp) {
  match(err, message);
  doesNotMatch(err, /\n\s+at /, "no stack for a user's mistake");
  strictEqual(code, 1);
}

Deno.test("infer: the data that was trained on, in the order of testdata.json, Id as feature_path", async () => {
  await withData(async (folder, data) => {
    const [out, csv] = [join(folder, "run"), join(folder, "p.csv")];
    strictEqual((await train(["--data", data, "--out", out])).code, 0);
    const { utterances } = JSON.parse(await Deno.readTextFile(join(data, "testdata.json")));
    const ids: string[] = utterances.map(({ feature_path }: { feature_path: string }) => feature_path);
    strictEqual(ids.length, 70);
    const { code, out: said, err } = await infer(["--model", out, "--out", csv]);
    strictEqual(code, 0, err);
    match(said, /^\[Info\]: Wrote 70 predictions to .*p\.csv\n$/m);
    const [header, ...rows] = await linesOf(csv);
    strictEqual(header, "Id,Category");
    deepStrictEqual(rows.map((row) => row.split(",")[0]), ids, "longest first inside, but not in the file");
    ok(rows.filter((row) => row.endsWith(",id1")).length > 65, `speakers are told apart: ${rows.slice(0, 5)}`);

    const few = await infer([
      "--model",
      join(out, "best.safetensors"),
      "--out",
      csv,
      "--top-k",
      "2",
      "--batch-size",
      "3",
    ]);
    strictEqual(few.code, 0, few.err);
    const [wide, first] = await linesOf(csv);
    strictEqual(wide, "Id,Category,Probability,Category2,Probability2");
    const [id, name, p, name2, p2] = first.split(",");
    deepStrictEqual([id, name], rows[0].split(","), "in batches of another size as well");
    ok(name2 !== name && Number(p) >= Number(p2) && Number(p) <= 1, first);

    if (sharedGpu() !== null) {
      const other = join(folder, "gpu.csv");
      strictEqual((await infer(["--model", out, "--out", other, "--device", "webgpu"])).code, 0);
      deepStrictEqual((await linesOf(other)).slice(1), rows, "the other device says the same");
    }
    refused(
      await infer(["--model", join(out, "last", "step-00000040.safetensors")]),
      /it is a checkpoint to resume from/,
    );
    refused(
      await infer(["--model", out, "a.wav"]),
      /^error: Cannot predict recordings: .*give a data set with --data/m,
    );
    await Deno.remove(join(out, "config.json"));
    refused(
      await infer(["--model", out]),
      /^error: Cannot predict: no data are given, and ".*config\.json" does not say/m,
    );
  }, { test: 70 });
});

Deno.test("infer: a model that is none, and one cut short; nothing is written", async () => {
  await withData(async (folder, data) => {
    const csv = join(folder, "p.csv");
    const predict = (model: string) => infer(["--model", model, "--data", data, "--out", csv]);
    refused(await predict(join(folder, "no")), /^error: Cannot load model ".*no": there is no such file or folder\n$/m);
    refused(await predict(data), /^error: Cannot load model ".*data": it holds no best\.safetensors; train a while/m);
    const file = join(folder, "m.safetensors");
    writeSafetensors(file, { w: { shape: [1], data: new Float32Array(1) } }, {});
    refused(
      await predict(file),
      /^error: Cannot load ".*m\.safetensors": it is not a model that deno task train wrote\n$/m,
    );
    const out = join(folder, "run");
    await train(["--data", data, "--out", out]);
    const { arrays, metadata } = readSafetensors(join(out, "best.safetensors"));
    const { "prenet.bias": _, ...rest } = arrays;
    writeSafetensors(file, rest, metadata);
    refused(
      await predict(file),
      /^error: Cannot load ".*m\.safetensors" into SpeakerClassifier: 1 missing \(prenet\.bias\)\n$/m,
    );
    const whole = await Deno.readFile(join(out, "best.safetensors"));
    await Deno.writeFile(file, whole.subarray(0, whole.length - 100));
    refused(await predict(file), /^error: Cannot read ".*m\.safetensors": /m);
    ok(!await exists(csv));
  });
});

Deno.test("infer: data that do not fit the model", async () => {
  await withData(async (folder, data) => {
    const [out, other] = [join(folder, "run"), join(folder, "other")];
    await train(["--data", data, "--out", out]);
    await writeData(other, { width: channels + 2 });
    refused(
      await infer(["--model", out, "--data", other, "--out", join(folder, "p.csv")]),
      /^error: Cannot use ".*other": its frames have 6 channels, the model takes 4\n$/m,
    );
    refused(await infer(["--model", out, "--data", join(folder, "no")]), /^error: Cannot open the data set ".*no": /m);
    ok(!await exists(join(folder, "p.csv")));
  });
});

/** Two speakers as recordings, 6 each: two tones. */
async function writeRecordings(folder: string): Promise<void> {
  for (const [speaker, frequency] of [["ana", 300], ["bo", 1500]] as const) {
    await Deno.mkdir(join(folder, speaker), { recursive: true });
    for (let i = 0; i < 6; i++) {
      await Deno.writeFile(join(folder, speaker, `${i}.wav`), tone(0.3 + i / 50, frequency + 3 * i));
    }
  }
}

Deno.test("infer: recordings by the model's own feature settings; broken ones are named and left out", async () => {
  await withFolder(async (folder) => {
    const [data, packed, out, csv] = ["recordings", "packed", "run", "p.csv"].map((name) => join(folder, name));
    await writeRecordings(data);
    const settings = ["--sample-rate", "8000", "--n-mels", "20"];
    const made = await runScript("tasks/preprocess.ts", ["--in", data, "--out", packed, "--workers", "0", ...settings]);
    strictEqual(made.code, 0, made.err);
    strictEqual((await train(["--data", packed, "--out", out])).code, 0);
    const { metadata } = readSafetensors(join(out, "best.safetensors"));
    const { featureSettings } = parseFacts("best", metadata);
    deepStrictEqual([featureSettings?.sampleRate, featureSettings?.kind], [8000, "logMel"]);

    const files = { "text.wav": "no recording", "empty.wav": "", "cut.wav": tone(1).subarray(0, 9000) };
    for (const [name, bytes] of Object.entries(files)) {
      const whole = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
      await Deno.writeFile(join(folder, name), whole);
    }
    const broken = Object.keys(files).map((name) => join(folder, name));
    const good = [join(data, "ana", "0.wav"), join(data, "bo", "5.wav")];
    const mixed = await infer(["--model", out, "--out", csv, good[0], ...broken, good[1]]);
    strictEqual(mixed.code, 1, "done only in part");
    for (const path of broken) ok(mixed.out.includes(`Skipped: Cannot read "${path}": `), mixed.out);
    deepStrictEqual(await linesOf(csv), ["Id,Category", `${good[0]},ana`, `${good[1]},bo`]);
    match(mixed.out, /^.*0\.wav: ana 0\.\d{3}$/m);

    const before = await linesOf(csv);
    const none = await infer(["--model", out, "--out", csv, data, ...broken]);
    refused(
      none,
      /^error: Cannot predict: none of 4 recordings can be used \(a folder of them is given with --data\)\n$/m,
    );
    match(none.out, /^Skipped: Cannot read ".*recordings": it is a folder, wanted a recording$/m);
    deepStrictEqual(await linesOf(csv), before, "earlier predictions are not replaced by none");

    const folderOfThem = await infer(["--model", out, "--data", data, "--out", csv]);
    strictEqual(folderOfThem.code, 0, folderOfThem.err);
    deepStrictEqual((await linesOf(csv)).slice(1, 3), ["ana/0.wav,ana", "ana/1.wav,ana"]);

    const wider = join(folder, "wider");
    await runScript("tasks/preprocess.ts", ["--in", data, "--out", wider, "--workers", "0", "--n-mels", "20"]);
    refused(
      await infer(["--model", out, "--data", wider, "--out", csv]),
      /^error: Cannot use ".*wider": its features are not made as .*: sampleRate is 16000 instead of 8000, fMax is 8000 instead of 4000\n$/m,
    );
  });
});
