import assert from "node:assert/strict";
import { encodeWav, readAudio } from "../../../data/audio/mod.ts";
import { createFeatures, resample, silenceOf } from "../../../data/features/mod.ts";
import { openSafetensors } from "../../../data/files/safetensors.ts";
import { preprocess, type PreprocessOptions } from "../../../data/preprocess/preprocess.ts";
import { describeSummary, lengthPercentiles } from "../../../data/preprocess/summary.ts";
import { openDataSet } from "../../../data/sets/data_set.ts";
import { buildWav } from "../audio/wav_builder.ts";
import { withFolder } from "../sets/make_data_set.ts";
import { tone } from "./recordings_folder.ts";

const RECORDINGS = {
  "in/9/a.wav": tone(0.5),
  "in/9/b.wav": tone(0.25, 300),
  "in/10/a.wav": tone(1, 200),
  "in/ana/a.wav": tone(0.3),
  "test/x.wav": tone(0.4),
};

function namesIn(path: string): string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name).sort();
}

for (const workers of [0, 2]) {
  Deno.test(`preprocess: class folders to a data set that opens (${workers} workers)`, async () => {
    await withFolder(RECORDINGS, async (path) => {
      const seen: number[] = [];
      const summary = await preprocess({
        ...{ input: `${path}/in`, output: `${path}/new/set`, test: `${path}/test`, workers },
        onProgress: ({ done, total }) => seen.push(done, total),
      });
      assert.deepEqual(seen, [1, 5, 2, 5, 3, 5, 4, 5, 5, 5]);
      assert.deepEqual(summary.classes, ["10", "9", "ana"]); // sorted as text
      assert.deepEqual([summary.recordings, summary.testRecordings, summary.skipped], [4, 1, []]);
      assert.ok(Math.abs(summary.seconds - 2.45) < 1e-9);
      assert.deepEqual(namesIn(`${path}/new`), ["set"]);
      using data = await openDataSet(`${path}/new/set`);
      assert.deepEqual(data.classes, ["10", "9", "ana"]);
      assert.equal(data.featureSettings?.kind, "logMel");
      assert.deepEqual(data.test?.utterances.map(({ id, label }) => [id, label]), [["x.wav", -1]]);
      const index = data.utterances.findIndex(({ id }) => id === "9/b.wav");
      const { samples } = await readAudio(`${path}/in/9/b.wav`);
      assert.equal(data.classes[data.utterances[index].label], "9");
      assert.deepEqual((await data.read(index)).data, createFeatures("hw4").apply(samples).data);
    });
  });
}

Deno.test("preprocess: shards of bounded size, with the settings inside, the same in every run", async () => {
  await withFolder(RECORDINGS, async (path) => {
    const run = (output: string, workers: number) =>
      preprocess({ input: `${path}/in`, output, features: { kind: "mfcc", nMfcc: 13 }, workers, shardBytes: 3000 });
    await run(`${path}/one`, 0);
    await run(`${path}/two`, 3);
    const shards = namesIn(`${path}/one`).filter((name) => name.endsWith(".safetensors"));
    assert.deepEqual(shards, ["features-0000.safetensors", "features-0001.safetensors", "features-0002.safetensors"]);
    for (const name of namesIn(`${path}/one`)) {
      assert.deepEqual(Deno.readFileSync(`${path}/two/${name}`), Deno.readFileSync(`${path}/one/${name}`), name);
    }
    using shard = openSafetensors(`${path}/one/${shards[0]}`);
    assert.equal(JSON.parse(shard.metadata.settings).nMfcc, 13);
    using data = await openDataSet(`${path}/one`);
    assert.equal(data.channels, 13);
    for (const i of data.utterances.keys()) await data.read(i);
  });
});

Deno.test("preprocess: broken recordings are skipped and named; strict stops at the first", async () => {
  const broken = {
    ...RECORDINGS,
    "in/9/cut.wav": tone(1).slice(0, 8000),
    "in/9/empty.wav": "",
    "in/text/t.wav": "hello, this is no recording",
    "in/loose.wav": tone(0.1),
  };
  await withFolder(broken, async (path) => {
    const options: PreprocessOptions = { input: `${path}/in`, output: `${path}/out`, workers: 1 };
    const summary = await preprocess(options);
    assert.deepEqual(summary.skipped.map(({ name }) => name), ["9/cut.wav", "9/empty.wav", "text/t.wav"]);
    for (const { name, reason } of summary.skipped) assert.ok(reason.includes(`in/${name}`), reason);
    assert.deepEqual([summary.recordings, summary.lostClasses, summary.unlabelled], [4, ["text"], ["loose.wav"]]);
    assert.match(describeSummary(summary).join("\n"), /4 recordings of 3 classes, 0\.0 min, .*Left out 1 recordings/s);
    await assert.rejects(preprocess({ ...options, output: `${path}/strict`, strict: true }), /9\/cut\.wav".*truncated/);
    assert.deepEqual(namesIn(path), ["in", "out", "test"]);
  });
});

Deno.test("preprocess: nothing usable is an error, and nothing is left behind", async () => {
  await withFolder({ "in/a/x.wav": "text", "in/b/y.wav": "more" }, async (path) => {
    await assert.rejects(
      preprocess({ input: `${path}/in`, output: `${path}/out`, workers: 0 }),
      /^Error: Cannot use any of 2 recordings: the last says: Cannot read ".*y\.wav": /,
    );
    assert.deepEqual(namesIn(path), ["in"]);
  });
});

Deno.test("preprocess: the output folder must be free, or a data set of ours to be overwritten", async () => {
  await withFolder({ ...RECORDINGS, "full/thesis.txt": "", "file": "" }, async (path) => {
    const run = (output: string, overwrite = false) =>
      preprocess({ input: `${path}/in`, output: `${path}/${output}`, workers: 0, overwrite });
    for (const overwrite of [false, true]) {
      await assert.rejects(run("full", overwrite), {
        message: `Cannot write "${path}/full": it holds something else; give another folder`,
      });
      await assert.rejects(run("file", overwrite), {
        message: `Cannot write "${path}/file": there is a file of this name`,
      });
    }
    await Deno.mkdir(`${path}/empty`);
    await run("empty/");
    await assert.rejects(run("empty"), {
      message: `Cannot write "${path}/empty": it holds a data set; replace it with --overwrite or give another folder`,
    });
    await Deno.remove(`${path}/in/ana`, { recursive: true });
    assert.deepEqual((await run("empty", true)).classes, ["10", "9"]);
    using data = await openDataSet(`${path}/empty`);
    assert.equal(data.utterances.length, 3);
    assert.deepEqual(namesIn(path), ["empty", "file", "full", "in", "test"]);
    await assert.rejects(run("file/below"), /^Error: Cannot write ".*file\/below": /);
  });
});

Deno.test("preprocess: a signal ends it and leaves nothing behind", async () => {
  await withFolder(RECORDINGS, async (path) => {
    const stop = new AbortController();
    await assert.rejects(
      preprocess({
        ...{ input: `${path}/in`, output: `${path}/out`, workers: 1, signal: stop.signal },
        onProgress: () => stop.abort(),
      }),
      { name: "AbortError" },
    );
    assert.deepEqual(namesIn(path), ["in", "test"]);
  });
});

Deno.test("preprocess: percentiles by nearest rank", () => {
  const lengths = Array.from({ length: 20 }, (_, i) => 20 - i);
  assert.deepEqual(lengthPercentiles(lengths), { shortest: 1, p10: 2, median: 10, p80: 16, p90: 18, longest: 20 });
  assert.deepEqual(lengthPercentiles([3]), { shortest: 3, p10: 3, median: 3, p80: 3, p90: 3, longest: 3 });
  assert.equal(lengthPercentiles([]).median, 0);
});

Deno.test("preprocess: when the disk fails half-way, the message names the folder and the earlier data set is whole", async () => {
  await withFolder(RECORDINGS, async (path) => {
    const options = { input: `${path}/in`, output: `${path}/new/set`, workers: 0 };
    await preprocess(options);
    const before = namesIn(options.output);
    const takeAway = () => { // what is being written goes, as on a disk that is pulled out
      const staging = namesIn(`${path}/new`).find((name) => name.endsWith(".part"));
      if (staging) Deno.removeSync(`${path}/new/${staging}`, { recursive: true });
    };
    await assert.rejects(preprocess({ ...options, overwrite: true, onProgress: takeAway }), {
      name: "Error",
      message: `Cannot write "${path}/new/set": No such file or directory`,
    });
    assert.deepEqual(namesIn(`${path}/new`), ["set"]);
    assert.deepEqual(namesIn(options.output), before);
  });
});

Deno.test("preprocess: what has come to the output folder meanwhile is not replaced", async () => {
  await withFolder(RECORDINGS, async (path) => {
    const output = `${path}/set`;
    const put = () => {
      Deno.mkdirSync(output, { recursive: true });
      Deno.writeTextFileSync(`${output}/notes.txt`, "mine");
    };
    await assert.rejects(preprocess({ input: `${path}/in`, output, workers: 0, onProgress: put }), {
      message: `Cannot write "${output}": it holds something else; give another folder`,
    });
    assert.deepEqual(namesIn(output), ["notes.txt"]);
    assert.deepEqual(namesIn(path), ["in", "set", "test"]);
  });
});

Deno.test("preprocess: silence, clips shorter than a window and a single class are said, and usable", async () => {
  const odd = {
    "in/a/short.wav": tone(0.02),
    "in/a/silent.wav": encodeWav(new Float32Array(16000), 16000),
    "in/a/faint.wav": encodeWav(new Float32Array(800).fill(1 / 32768), 16000),
    "in/a/tone.wav": tone(1),
  };
  await withFolder(odd, async (path) => {
    const summary = await preprocess({ input: `${path}/in`, output: `${path}/out`, workers: 1 });
    assert.deepEqual(summary.silent, ["a/faint.wav", "a/silent.wav"]);
    assert.deepEqual(summary.short, ["a/short.wav"]);
    assert.deepEqual(describeSummary(summary).slice(2), [
      '"a" is the only class: there is nothing to tell apart',
      'Silent from beginning to end: 2 recordings ("a/faint.wav", "a/silent.wav")',
      'Shorter than a window: 1 recordings ("a/short.wav")',
    ]);
    using data = await openDataSet(`${path}/out`);
    for (const [i, { id, frames }] of data.utterances.entries()) {
      const { data: values } = await data.read(i);
      assert.ok(values.every(Number.isFinite));
      if (id === "a/silent.wav") assert.ok(values.every((x) => x === silenceOf(data.featureSettings)));
      if (id === "a/short.wav") assert.equal(frames, 1 + 2); // 320 samples at a hop of 160
    }
  });
});

Deno.test("preprocess: the recordings of a CSV file, labelled by one of its columns", async () => {
  const csv = "file,speaker,word\nin/9/a.wav,bo,yes\nin/10/a.wav,ana,yes\nin/9/b.wav,bo,no\n";
  await withFolder({ ...RECORDINGS, "clips.csv": csv }, async (path) => {
    const options = { input: `${path}/clips.csv`, output: `${path}/out`, workers: 0 };
    const { classes } = await preprocess({ ...options, labelColumn: "speaker" });
    assert.deepEqual(classes, ["ana", "bo"]);
    using data = await openDataSet(`${path}/out`);
    assert.deepEqual(data.utterances.map(({ id }) => id), ["in/10/a.wav", "in/9/a.wav", "in/9/b.wav"]);
  });
});

Deno.test("preprocess: stereo is mixed to mono and other rates are brought to the settings'", async () => {
  const samples = Float32Array.from({ length: 2205 }, (_, i) => Math.sin(i * 0.1) / 2);
  const stereo = new Float32Array(2 * samples.length);
  samples.forEach((x, i) => stereo[2 * i] = 2 * x); // the right channel is silent
  const data = new Uint8Array(stereo.buffer), stored = { code: 3, bits: 32, channels: 2, sampleRate: 22050, data };
  const files = { "in/a/s.wav": buildWav(stored), "in/b/t.wav": tone(0.1) };
  await withFolder(files, async (path) => {
    await preprocess({ input: `${path}/in`, output: `${path}/out`, features: "sound64", workers: 0 });
    using set = await openDataSet(`${path}/out`);
    const mono = resample(samples, 22050, 44100), wanted = createFeatures("sound64").apply(mono);
    const found = await set.read(0);
    assert.equal(found.frames, 1 + Math.floor(4410 / 441));
    assert.deepEqual(found.data, wanted.data);
  });
});
