/** `deno task evaluate` as a user types it. */
import { deepStrictEqual, doesNotMatch, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { sharedGpu } from "../devices.ts";
import { tone } from "../data/preprocess/recordings_folder.ts";
import { withData, writeData } from "../train/small_run.ts";
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
const evaluate = (...args: string[]) =>
  runDenoTask("evaluate", args.includes("--device") ? args : ["--device", "cpu", ...args]);

function refused({ code, err }: Finished, message: RegExp, wanted = 1) {
  match(err, message);
  doesNotMatch(err, /\n\s+at /, "no stack for a user's mistake");
  strictEqual(code, wanted);
}

/** The four files of an evaluation. */
async function filesOf(folder: string) {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  deepStrictEqual(names, ["evaluation.html", "evaluation.json", "evaluation.txt", "predictions.csv"]);
  const read = (name: string) => Deno.readTextFile(join(folder, name));
  const csv = (await read("predictions.csv")).trimEnd().split("\n").map((line) => line.split(","));
  return { report: JSON.parse(await read("evaluation.json")), text: await read("evaluation.txt"), csv };
}

Deno.test("evaluate: the validation split of the run gives the accuracy that training had", async () => {
  await withData(async (folder, data) => {
    const out = join(folder, "run");
    const trained = await train(["--data", data, "--out", out]);
    strictEqual(trained.code, 0, trained.err);
    const [, best] = /^Best validation accuracy (\d\.\d{4})/m.exec(trained.out) ?? [];
    const { code, out: said, err } = await evaluate("--model", out);
    strictEqual(code, 0, err);
    match(said, /^\[Info\]: Evaluate .*data: validation split of the run, 8 of 40 utterances$/m);
    const { report, text, csv } = await filesOf(join(out, "evaluation-valid"));
    strictEqual(report.accuracy.value.toFixed(4), best);
    ok(said.includes(text), "the text as printed");
    deepStrictEqual([report.utterances, report.classes.length, report.topK.length], [8, 4, 4]);
    deepStrictEqual(csv[0].slice(0, 7), [
      "Id",
      "Label",
      "Rank",
      "Category",
      "Probability",
      "Category2",
      "Probability2",
    ]);
    strictEqual(csv.length, 9);
    for (const [, label, rank, category] of csv.slice(1)) strictEqual(label === category, rank === "0");
    const hits = csv.slice(1).filter(([, , rank]) => rank === "0").length;
    strictEqual(hits, report.accuracy.hits);

    const all = join(folder, "all");
    const whole = await evaluate("--model", join(out, "best.safetensors"), "--all", "--top-k", "1", "--out", all);
    strictEqual(whole.code, 0, whole.err);
    match(whole.out, /all 40 utterances, 32 of them trained on$/m);
    const everything = await filesOf(all);
    deepStrictEqual(everything.csv[0], ["Id", "Label", "Rank", "Category", "Probability"]);
    const own = new Map(everything.csv.map((row) => [row[0], row[3]]));
    for (const row of csv.slice(1)) strictEqual(own.get(row[0]), row[3], "the same in batches of another size");

    const cropped = await evaluate("--model", out, "--crops", "3", "--batch-size", "5");
    strictEqual(cropped.code, 0, cropped.err);
    match(cropped.out, /, up to 3 crops of 16 frames each$/m);
    refused(await evaluate("--model", out, "--test"), /^error: Cannot evaluate the run's test fold: it kept none; /m);
    await writeData(data, { counts: [12, 10, 10, 10] });
    refused(
      await evaluate("--model", out),
      /^error: Cannot evaluate a part of the run's split: the data have changed/m,
    );
    await writeData(data);
    if (sharedGpu() !== null) {
      const gpu = join(folder, "gpu");
      strictEqual((await evaluate("--model", out, "--out", gpu, "--device", "webgpu")).code, 0);
      deepStrictEqual((await filesOf(gpu)).report.confusion, report.confusion, "the other device says the same");
    }
  });
});

Deno.test("evaluate: other data, classes that training never saw, and none that it did", async () => {
  await withData(async (folder, data) => {
    const [run, other, wide] = [join(folder, "run"), join(folder, "other"), join(folder, "wide")];
    await train(["--data", data, "--out", run]);
    await writeData(other, { counts: [3, 4, 2, 2, 5, 1] });
    const found = await evaluate("--model", run, "--data", other);
    strictEqual(found.code, 0, found.err);
    match(found.out, /^\[Info\]: Evaluate .*other: all 17 utterances$/m);
    match(found.out, /^\[Info\]: Unknown classes: 6 utterances of 2 classes that training never saw are in none/m);
    const { report, text } = await filesOf(join(run, "evaluation-all-other"));
    strictEqual(report.utterances, 11);
    deepStrictEqual(report.unknownClasses, [{ name: "id4", count: 5 }, { name: "id5", count: 1 }]);
    match(text, /^ {2}id4 \(5\)$/m);
    refused(
      await evaluate("--model", run, "--data", other, "--valid"),
      /^error: Cannot evaluate the run's validation split: these are not the data of the run; give --all\n$/m,
    );
    await Deno.remove(join(run, "config.json"));
    refused(
      await evaluate("--model", run),
      /^error: Cannot evaluate: no config\.json beside the model says what it was/m,
    );
    await writeData(wide, { width: 6 });
    refused(
      await evaluate("--model", run, "--data", wide),
      /^error: Cannot use ".*wide": its frames have 6 channels, the model takes 4\n$/m,
    );
    const metadata = await Deno.readTextFile(join(other, "metadata.json"));
    await Deno.writeTextFile(join(other, "metadata.json"), metadata.replaceAll(/"id(\d)"/g, '"no$1"'));
    const mapping = await Deno.readTextFile(join(other, "mapping.json"));
    await Deno.writeTextFile(join(other, "mapping.json"), mapping.replaceAll(/"id(\d)"/g, '"no$1"'));
    refused(
      await evaluate("--model", run, "--data", other),
      /^error: Cannot evaluate: none of 17 utterances is of a class that the model knows \(theirs are such as "no0", /m,
    );
  });
});

/** Speakers as recordings of a tone each, in class folders. */
async function writeRecordings(folder: string, speakers: readonly (readonly [string, number])[]): Promise<void> {
  for (const [speaker, frequency] of speakers) {
    await Deno.mkdir(join(folder, speaker), { recursive: true });
    for (let i = 0; i < 6; i++) {
      await Deno.writeFile(join(folder, speaker, `${i}.wav`), tone(0.3 + i / 50, frequency + 3 * i));
    }
  }
}

Deno.test("evaluate: recordings in folders and lists; a broken one is named, the others count", async () => {
  await withFolder(async (folder) => {
    const [data, run, out] = ["recordings", "run", "out"].map((name) => join(folder, name));
    await writeRecordings(data, [["ana", 300], ["<script>alert(1)", 1500]]);
    const trained = await train(["--data", data, "--out", run]);
    strictEqual(trained.code, 0, trained.err);
    const own = await evaluate("--model", run, "--out", out);
    strictEqual(own.code, 0, own.err);
    match(own.out, /validation split of the run, 2 of 12 utterances$/m);
    const page = await Deno.readTextFile(join(out, "evaluation.html"));
    ok(page.includes("&lt;script&gt;alert(1)") && !page.includes("<script"), "names are text");

    const broken = join(data, "ana", "broken.wav");
    await Deno.writeTextFile(broken, "no recording");
    const partly = await evaluate("--model", run, "--data", data, "--all", "--out", out);
    strictEqual(partly.code, 1, "done only in part");
    ok(partly.out.includes(`Skipped: Cannot read "${broken}": `), partly.out);
    const { report } = await filesOf(out);
    deepStrictEqual([report.utterances, report.skipped.length, report.skipped[0].name], [12, 1, "ana/broken.wav"]);

    const list = join(folder, "list.csv");
    const rows = [0, 1, 2, 3].map((i) => `recordings/ana/${i}.wav,x,ana,${i < 2 ? "train" : "test"}`);
    await Deno.writeTextFile(list, ["file,label,who,split", ...rows].join("\n"));
    const listed = await evaluate("--model", run, "--data", list, "--label-column", "who", "--out", out);
    strictEqual(listed.code, 0, listed.err);
    const one = await filesOf(out);
    deepStrictEqual(one.report.classes.map(({ support }: { support: number }) => support), [0, 4], "one class only");
    const folded = await evaluate(
      ...["--model", run, "--data", list, "--label-column", "who", "--folds", list, "--fold", "test", "--out", out],
    );
    strictEqual(folded.code, 0, folded.err);
    strictEqual((await filesOf(out)).report.utterances, 2);

    const before = await Deno.readTextFile(join(out, "evaluation.json"));
    const empty = join(folder, "empty");
    await Deno.mkdir(empty);
    refused(
      await evaluate("--model", run, "--data", empty, "--out", out),
      /^error: Cannot find recordings in .* none\n$/m,
    );
    refused(
      await evaluate("--model", run, "--data", join(data, "ana"), "--out", out),
      /^error: Cannot find recordings in ".*ana": 7 recordings .* lie in no class folder/m,
    );
    strictEqual(await Deno.readTextFile(join(out, "evaluation.json")), before, "earlier results stay");
  });
});

Deno.test("evaluate: wrong flags, no model, no data, no place to write", async () => {
  await withFolder(async (folder) => {
    refused(await evaluate(), /^error: Cannot go without --model: /, 2);
    refused(await evaluate("--model", "m", "--topk", "3"), /^error: Cannot use --topk: .*did you mean --top-k\?/, 2);
    refused(await evaluate("--model", "m", "--valid", "--all"), /^error: Cannot evaluate two parts at once: /, 2);
    refused(await evaluate("--model", "m", "--fold", "1"), /^error: Cannot use --fold alone: --folds is missing\n$/, 2);
    refused(await evaluate("--model", join(folder, "no")), /^error: Cannot load model ".*no": there is no such file/m);
    const file = join(folder, "file");
    await Deno.writeTextFile(file, "");
    refused(
      await evaluate("--model", "m", "--out", join(file, "x")),
      /^error: Cannot write .*: a part of the path is a/,
    );
    const help = await evaluate("--help");
    strictEqual(help.code, 0);
    match(help.out, /^Usage: deno task evaluate \[options\]/);
    match(help.out, /Examples:\n {2}deno task evaluate --model runs\/quickstart\n/);
  });
});
