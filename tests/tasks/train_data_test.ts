/** What `deno task train` answers to data that cannot be trained on: one line, exit code 1, and nothing left behind. */
import { doesNotMatch, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tone } from "../data/preprocess/recordings_folder.ts";
import { torchBytes } from "../data/sets/make_data_set.ts";
import { channels, writeData } from "../train/small_run.ts";
import { type Finished, runDenoTask, withFolder } from "./run.ts";

const small = ["--batch-size", "8", "--segment-length", "16", "--d-model", "8", "--dim-feedforward", "16"];
const short = ["--total-steps", "10", "--valid-steps", "5", "--device", "cpu"];
const exists = (path: string) => Deno.stat(path).then(() => true, () => false);
const evil = fileURLToPath(new URL("../fixtures/torch/evil.pt", import.meta.url));

async function trainOn(data: string, out: string, more: string[] = []): Promise<Finished> {
  return await runDenoTask("train", ["--data", data, "--out", out, ...small, ...short, ...more]);
}

/** Makes good data, spoils it, trains, and checks the message and that no run folder was made. */
async function refused(spoil: (data: string) => Promise<unknown> | void, message: RegExp, more?: string[]) {
  await withFolder(async (folder) => {
    const [data, out] = [join(folder, "data"), join(folder, "run")];
    await writeData(data);
    await spoil(data);
    const { code, err } = await trainOn(data, out, more);
    match(err, message);
    doesNotMatch(err, /\n\s+at /, "no stack for a user's mistake");
    strictEqual(code, 1);
    ok(!await exists(out), "nothing is left behind");
  });
}

/** Changes a JSON file of the data set. */
async function edit(path: string, change: (text: string) => string): Promise<void> {
  await Deno.writeTextFile(path, change(await Deno.readTextFile(path)));
}

Deno.test("train: no such folder, and a folder that is no data set", async () => {
  const gone = (data: string) => Deno.remove(data, { recursive: true });
  await refused(gone, /^error: Cannot open the data set ".*data": there is no such folder\n$/m);
  const noJson = (data: string) => Deno.remove(join(data, "metadata.json"));
  await refused(
    noJson,
    /^error: Cannot open the data set ".*data": it has no metadata\.json; make a data set .*preprocess/m,
  );
});

Deno.test("train: a missing feature file is named before anything starts", async () => {
  const remove = (data: string) => Deno.remove(join(data, "uttr-007.pt"));
  await refused(remove, /^error: Cannot open the data set ".*": 1 feature files .* are missing \("uttr-007\.pt"\)\n$/m);
});

Deno.test("train: mapping and metadata that disagree", async () => {
  const rename = (data: string) => edit(join(data, "mapping.json"), (text) => text.replaceAll("id3", "id9"));
  await refused(
    rename,
    /^error: Cannot use ".*metadata\.json": 1 of its speakers are not in mapping\.json \("id3"\)\n$/m,
  );
});

Deno.test("train: more utterances a batch than there are", async () => {
  await refused(
    () => {},
    /^error: Cannot make training batches of 64: there are only 36 utterances to train on; set the batch size to 36/m,
    ["--batch-size", "64"],
  );
});

/** Spoils a file that comes in the first batches, as every batch holds every utterance. */
async function refusedInRun(bytes: Uint8Array | ((data: string) => Promise<Uint8Array>), message: RegExp) {
  await withFolder(async (folder) => {
    const [data, out] = [join(folder, "data"), join(folder, "run")];
    await writeData(data);
    await Deno.writeFile(join(data, "uttr-007.pt"), typeof bytes === "function" ? await bytes(data) : bytes);
    const { code, err } = await trainOn(data, out);
    match(err, message);
    doesNotMatch(err, /\n\s+at /, "no stack for a user's mistake");
    strictEqual(code, 1);
    ok(!await exists(out), "a run with nothing to show leaves no folder");
  });
}

Deno.test("train: a truncated, foreign or malicious feature file is named, and nothing in it runs", async () => {
  const half = async (data: string) => (await Deno.readFile(join(data, "uttr-007.pt"))).subarray(0, 300);
  await refusedInRun(half, /^error: Cannot read ".*uttr-007\.pt": it is a zip archive cut short/m);
  const text = new TextEncoder().encode("These are not the features you are looking for");
  await refusedInRun(text, /^error: Cannot read ".*uttr-007\.pt": /m);
  await refusedInRun(() => Deno.readFile(evil), /^error: Cannot read ".*uttr-007\.pt": it asks for posix\.system/m);
  ok(!await exists("/tmp/voxgrad_was_here"));
});

Deno.test("train: a feature width unlike n_mels, and NaN in a feature file", async () => {
  const frames = 12 + (7 * 5) % 13;
  const wide = torchBytes([frames, channels + 1], new Float32Array(frames * (channels + 1)));
  await refusedInRun(wide, /^error: Cannot use ".*uttr-007\.pt": its frames have 5 values, but n_mels is 4\n$/m);
  const values = new Float32Array(frames * channels);
  values[2 * channels] = NaN;
  await refusedInRun(
    torchBytes([frames, channels], values),
    /^error: Cannot use ".*uttr-007\.pt": frame 2 holds NaN\n$/m,
  );
});

Deno.test("train: a speaker with one utterance is said, and trained on", async () => {
  await withFolder(async (folder) => {
    const [data, out] = [join(folder, "data"), join(folder, "run")];
    await writeData(data, { counts: [10, 10, 1, 10] });
    const { code, out: said, err } = await trainOn(data, out);
    strictEqual(code, 0, err);
    match(said, /^\[Info\]: 1 class has a single utterance, which stays in training \("id2"\)$/m);
  });
});

Deno.test("train: too few utterances to keep any for validation still gives a model", async () => {
  await withFolder(async (folder) => {
    const [data, out] = [join(folder, "data"), join(folder, "run")];
    await writeData(data, { counts: [2, 2] });
    const { code, out: said, err } = await trainOn(data, out, ["--batch-size", "2"]);
    strictEqual(code, 0, err);
    match(
      said,
      /^\[Info\]: No utterance is kept for validation \(0\.\d+ of 4\): the newest model counts as the best$/m,
    );
    const inferred = await runDenoTask("infer", ["--model", out, "--out", join(folder, "p.csv"), "--device", "cpu"]);
    strictEqual(inferred.code, 0, inferred.err);
  });
});

Deno.test("train: recordings that are none", async () => {
  await withFolder(async (folder) => {
    const speaker = join(folder, "data", "ana");
    await Deno.mkdir(speaker, { recursive: true });
    await Deno.writeTextFile(join(speaker, "a.wav"), "no recording");
    const { code, err } = await trainOn(join(folder, "data"), join(folder, "run"));
    match(err, /^error: Cannot read ".*a\.wav": .*; remove it, or let deno task preprocess skip it\n$/m);
    strictEqual(code, 1);
    ok(!await exists(join(folder, "run")));
  });
});

Deno.test("train: recordings in linked folders, loose ones, and a single class are said", async () => {
  await withFolder(async (folder) => {
    const [data, ana, bo] = ["data", "ana", "bo"].map((name) => join(folder, name));
    for (const path of [data, ana, bo]) await Deno.mkdir(path);
    for (let i = 0; i < 8; i++) {
      for (const path of [ana, bo]) await Deno.writeFile(join(path, `${i}.wav`), tone(0.2, 300));
    }
    await Deno.writeFile(join(data, "loose.wav"), tone(0.2, 300));
    const flat = await trainOn(data, join(folder, "run"));
    match(
      flat.err,
      /^error: Cannot find recordings in ".*data": 1 recordings \("loose\.wav"\) lie in no class folder; tell /m,
    );
    strictEqual(flat.code, 1);
    await Deno.symlink(ana, join(data, "ana"));
    const one = await trainOn(data, join(folder, "one"), ["--batch-size", "4"]);
    match(one.out, /^\[Info\]: 1 recordings have no label and are left out$/m, one.err);
    match(one.out, /^\[Info\]: "ana" is the only class: wanted is a folder with one for each class$/m);
    await Deno.symlink(bo, join(data, "bo"));
    const two = await trainOn(data, join(folder, "two"), ["--batch-size", "4"]);
    match(two.out, /^\[Info\]: Finish loading data! 16 utterances of 2 classes$/m, two.err);
  });
});

Deno.test("train: a list of recordings in chunks, and what is wrong with it", async () => {
  await withFolder(async (folder) => {
    const list = join(folder, "list.txt"), lines: string[] = [];
    for (const [speaker, pitch] of [["ana", 300], ["bo", 900]] as const) {
      for (let i = 0; i < 8; i++) {
        await Deno.writeFile(join(folder, `${speaker}${i}.wav`), tone(0.6, pitch + i));
        lines.push(`${speaker}${i}.wav\t${speaker}`);
      }
    }
    const chunks = ["--features", "speaker80", "--chunk-seconds", "1", "--noise", "generated", "--volume=-6,6"];
    const start = async (text: string, more: string[] = []) => {
      await Deno.writeTextFile(list, text);
      return await trainOn(list, join(folder, "run"), ["--batch-size", "4", ...chunks, ...more]);
    };
    const refused = async (text: string, message: RegExp, code = 1, more: string[] = []) => {
      const found = await start(text, more);
      match(found.err, message);
      doesNotMatch(found.err, /\n\s+at /, "no stack for a user's mistake");
      strictEqual(found.code, code);
      ok(!await exists(join(folder, "run")));
    };
    await Deno.writeFile(join(folder, "short.wav"), tone(0.3));
    await Deno.writeTextFile(join(folder, "broken.wav"), "no recording");
    const all = lines.join("\n");
    await refused(
      `${all}\nshort.wav\tana`,
      /^error: Cannot train on ".*short\.wav": it has 0\.300 s, minSeconds is 0\.5/m,
      1,
      [
        "--valid-fraction",
        "0.01",
      ],
    );
    await refused(`${all}\nbroken.wav\tana`, /^error: Cannot read ".*broken\.wav": it is text, not a recording$/m);
    await refused(
      `${all}\nbo9.wav bo`,
      /^error: Cannot read ".*list\.txt", line 17: wanted a path, a tab and a label$/m,
    );
    await refused("", /^error: Cannot find recordings in ".*list\.txt": there are none$/m);
    await refused(all, /^error: Cannot augment waveforms by noise "generated": chunkSeconds is 0/m, 2, [
      "--chunk-seconds",
      "0",
    ]);
    const { code, out, err } = await start(all);
    strictEqual(code, 0, err);
    match(out, /^\[Info\]: Finish loading data! 16 utterances of 2 classes$/m);
  });
});
