/** `deno task evaluate --verification`, `--trials` and `deno task embed` as a user types them. @module */
import { deepStrictEqual, doesNotMatch, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { encodeWav, readSafetensors } from "../../mod.ts";
import { sampleRate, tinyModelBytes, voice } from "../train/verification/tiny_model.ts";
import { type Finished, runDenoTask, withFolder } from "./run.ts";

function refused({ code, err }: Finished, message: RegExp, wanted: number): void {
  match(err, message);
  doesNotMatch(err, /\n\s+at /, "no stack for a user's mistake");
  strictEqual(code, wanted);
}

/** A model and two speakers' recordings. */
async function withSpeakers(
  use: (paths: { root: string; model: string; data: string }) => Promise<void>,
): Promise<void> {
  await withFolder(async (root) => {
    const [model, data] = [join(root, "m.safetensors"), join(root, "voices")];
    await Deno.writeFile(model, await tinyModelBytes());
    for (const [i, name] of ["dora", "emil"].entries()) {
      await Deno.mkdir(join(data, name), { recursive: true });
      for (let k = 0; k < 3; k++) {
        await Deno.writeFile(join(data, name, `${k}.wav`), encodeWav(voice(90 + 80 * i, 0.5, k + 1), sampleRate));
      }
    }
    await use({ root, model, data });
  });
}

Deno.test("evaluate --verification: writes report, pictures and calibration beside the model", async () => {
  await withSpeakers(async ({ root, model, data }) => {
    const { code, out, err } = await runDenoTask("evaluate", [
      "--model",
      model,
      "--verification",
      "--data",
      data,
      "--device",
      "cpu",
    ]);
    strictEqual(code, 0, err);
    match(out, /^15 trials, 6 of the same speaker, 9 of different ones; cosine$/m);
    const folder = join(root, "verification-voices");
    deepStrictEqual([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), [
      ...["det.png", "det.svg", "scores.csv", "scores.png", "scores.svg", "thresholds.png", "thresholds.svg"],
      ...["verification.html", "verification.json", "verification.txt"],
    ]);
    ok((await Deno.readFile(join(folder, "det.png"))).length > 5000);
    strictEqual((await Deno.readTextFile(join(folder, "verification.html"))).match(/<svg/g)?.length, 3);
    const calibration = JSON.parse(await Deno.readTextFile(join(root, "m.calibration.json")));
    match(
      out,
      new RegExp(`^\\[Info\\]: Wrote the threshold ${calibration.threshold.toFixed(4).replace(".", "\\.")} to `, "m"),
    );

    await Deno.remove(join(root, "m.calibration.json"));
    const list = join(root, "t.txt");
    await Deno.writeTextFile(list, "1 dora/0.wav dora/1.wav\n0 dora/0.wav emil/1.wav\n1 dora/2.wav dora/1.wav\n");
    await Deno.writeTextFile(join(data, "dora", "2.wav"), "broken");
    const args = ["--model", model, "--trials", list, "--root", data, "--no-calibrate", "--device", "cpu"];
    const partly = await runDenoTask("evaluate", args);
    strictEqual(partly.code, 1, "a broken recording");
    match(partly.out, /^Skipped: Cannot read ".*dora\/2\.wav"/m);
    match(partly.out, /^2 trials, 1 of the same speaker, 1 of different ones; cosine$/m);
    ok(![...Deno.readDirSync(root)].some(({ name }) => name.includes("calibration")));
    refused(await runDenoTask("evaluate", args.toSpliced(4, 2)), /3 of 4 recordings|4 of 4 recordings/, 1);
  });
});

Deno.test("evaluate --scoring plda: windows where nobody has two recordings, and verify judges by it", async () => {
  await withSpeakers(async ({ root, model, data }) => {
    const train = join(root, "train"), db = join(root, "s.db");
    for (let s = 0; s < 6; s++) {
      await Deno.mkdir(join(train, `s${s}`), { recursive: true });
      await Deno.writeFile(join(train, `s${s}`, "a.wav"), encodeWav(voice(80 + 30 * s, 1.2, s), sampleRate));
    }
    const given = ["--model", model, "--verification", "--data", data, "--device", "cpu", "--scoring", "plda"];
    const args = [...given, "--plda-train", train, "--plda-window", "0.4"];
    refused(
      await runDenoTask("evaluate", args),
      /there are 6 speakers for the 16 numbers of an embedding, .* --plda-dim N, at most 5$/m,
      1,
    );
    refused(await runDenoTask("evaluate", args.toSpliced(-2)), /each of 6 speakers has one embedding, /, 1);
    const { code, out, err } = await runDenoTask("evaluate", [...args, "--plda-dim", "3"]);
    strictEqual(code, 0, err);
    match(out, /Train PLDA on 18 windows of 0\.4 s of 6 speakers$/m);
    match(out, /; PLDA in 3 dimensions, trained on .*train$/m);
    const shared = ["--db", db, "--device", "cpu"], at = (name: string) => join(data, name);
    const enrolled = await runDenoTask("enroll", [
      "dora",
      at("dora/0.wav"),
      at("dora/1.wav"),
      "--model",
      model,
      ...shared,
    ]);
    strictEqual(enrolled.code, 0, enrolled.err);
    strictEqual((await runDenoTask("verify", ["dora", at("dora/2.wav"), ...shared])).code, 0);
    strictEqual((await runDenoTask("verify", ["dora", at("emil/2.wav"), ...shared])).code, 3);
  });
});

Deno.test("evaluate: flags that contradict each other exit with 2", async () => {
  const usage = async (args: string[], message: RegExp) =>
    refused(await runDenoTask("evaluate", ["--model", "m", ...args]), message, 2);
  await usage(["--verification"], /^error: Cannot verify: no recordings are given; /);
  await usage(["--trials", "t", "--data", "d"], /^error: Cannot verify: give either --data or --trials$/m);
  await usage(
    ["--scoring", "s-norm", "--data", "d"],
    /^error: Cannot use --scoring alone: it is for verification; give --verification/,
  );
  await usage(["--verification", "--data", "d", "--valid"], /^error: Cannot use --valid for verification: /);
  await usage(
    ["--verification", "--data", "d", "--operating-point", "best"],
    /^error: Cannot use the operating point "best": /,
  );
  await usage(
    ["--verification", "--data", "d", "--scoring", "s-norm"],
    /needs recordings of other people: --cohort DIR$/m,
  );
  await usage(["--verification", "--data", "d", "--scoring", "plda"], /to train it: --plda-train DIR$/m);
  await usage(["--verification", "--data", "d", "--plda-dim", "3"], /--plda-dim is for --scoring plda$/m);
  await usage(["--trials", "t", "--protocol", "s4"], /--protocol s4 is of all pairs of --data/);
});

Deno.test("evaluate --verification: a threshold that cannot be written is found out before the work", async () => {
  await withSpeakers(async ({ root, model, data }) => {
    await Deno.mkdir(join(root, "m.calibration.json"));
    const request = [
      "--model",
      model,
      "--verification",
      "--data",
      data,
      "--out",
      join(root, "report"),
      "--device",
      "cpu",
    ];
    const finished = await runDenoTask("evaluate", request);
    refused(finished, /^error: Cannot write ".*m\.calibration\.json": it is a folder$/m, 1);
    doesNotMatch(finished.out, /Score/);
    strictEqual((await runDenoTask("evaluate", [...request, "--no-calibrate"])).code, 0);
  });
});

Deno.test("embed: recordings, a folder, broken ones; names and lengths in the metadata", async () => {
  await withSpeakers(async ({ root, model, data }) => {
    const out = join(root, "e.safetensors"), shared = ["--model", model, "--out", out, "--device", "cpu"];
    const folder = await runDenoTask("embed", [...shared, "--data", data]);
    strictEqual(folder.code, 0, folder.err);
    const all = readSafetensors(out);
    deepStrictEqual(all.arrays.embeddings.shape, [6, 16]);
    deepStrictEqual(JSON.parse(all.metadata.names), [
      "dora/0.wav",
      "dora/1.wav",
      "dora/2.wav",
      "emil/0.wav",
      "emil/1.wav",
      "emil/2.wav",
    ]);
    deepStrictEqual(JSON.parse(all.metadata.seconds), [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]);
    match(all.metadata.model, /^[0-9a-f]{64}$/);

    const broken = join(root, "broken.wav");
    await Deno.writeTextFile(broken, "no audio");
    const partly = await runDenoTask("embed", [...shared, join(data, "emil", "1.wav"), broken]);
    strictEqual(partly.code, 1);
    match(partly.out, /^Skipped: Cannot read ".*broken\.wav"/m);
    const one = readSafetensors(out);
    deepStrictEqual(one.arrays.embeddings.shape, [1, 16]);
    const [alone, among] = [one.arrays.embeddings.data, all.arrays.embeddings.data.subarray(64, 80)];
    ok(alone.every((x, i) => Math.abs(x - among[i]) < 1e-5));

    refused(
      await runDenoTask("embed", [...shared, broken]),
      /^error: Cannot embed: none of 1 recordings can be used/m,
      1,
    );
    deepStrictEqual(readSafetensors(out).arrays.embeddings.shape, [1, 16]); // what was there stays
    const recording = join(data, "dora", "0.wav"), there = await Deno.readFile(recording);
    const over = ["--model", model, "--device", "cpu", "--out"];
    for (const file of [recording, model]) {
      refused(
        await runDenoTask("embed", [...over, file, recording]),
        /^error: Cannot write ".*": it is there already and holds no embeddings; give another file with --out$/m,
        1,
      );
    }
    deepStrictEqual(await Deno.readFile(recording), there);
    refused(await runDenoTask("embed", shared), /^error: Cannot embed: give either recordings or --data DIR$/m, 2);
    refused(
      await runDenoTask("embed", [...shared, "--out", join(root, "none", "e"), broken]),
      /^error: Cannot write /m,
      1,
    );
  });
});

Deno.test("evaluate --scores: report and pictures without a model; what needs one is refused", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [scores, out] = [join(folder, "mine.txt"), join(folder, "report")];
    await Deno.writeTextFile(scores, "target 2\ntarget 0\nnontarget 1\nnontarget -3\n");
    const done = await runDenoTask("evaluate", ["--scores", scores, "--out", out]);
    strictEqual(done.code, 0, done.err);
    match(done.out, /^EER +50\.00 %$/m);
    match(done.out, /^Cllr +0\.787 +of the scores as they are$/m);
    const files = [...Deno.readDirSync(out)].map(({ name }) => name).sort();
    deepStrictEqual(files.filter((name) => !/\.(png|svg)$/.test(name)), [
      "verification.html",
      "verification.json",
      "verification.txt",
    ]);
    strictEqual(files.length, 9);
    refused(
      await runDenoTask("evaluate", ["--scores", scores, "--scoring", "cosine"]),
      /^error: Cannot use --scoring with --scores: /,
      2,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
