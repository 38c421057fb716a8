import assert from "node:assert/strict";
import { encodeSafetensors } from "../../../data/files/safetensors.ts";
import { openDataSet } from "../../../data/sets/data_set.ts";
import { hw4Files, rampFeatures, torchBytes, withFolder } from "./make_data_set.ts";

const FRAMES = [[5, 3, 9], [4, 6], [7, 2]];

Deno.test("data set: an HW4 folder is read as it is", async () => {
  const files = hw4Files(FRAMES);
  files["testdata.json"] = JSON.stringify({
    n_mels: 4,
    utterances: [{ feature_path: "more/uttr-t.pt", mel_len: 2 }],
  });
  files["more/uttr-t.pt"] = torchBytes([2, 4], rampFeatures(50, 2, 4));
  await withFolder(files, async (path) => {
    using data = await openDataSet(path);
    assert.deepEqual(data.classes, ["id00000", "id00001", "id00002"]);
    assert.equal(data.channels, 4);
    assert.equal(data.featureSettings, null);
    assert.deepEqual(data.notices, []);
    assert.deepEqual(data.utterances.map(({ frames }) => frames), FRAMES.flat());
    assert.deepEqual(data.utterances.map(({ label }) => label), [0, 0, 0, 1, 1, 2, 2]);
    assert.equal(data.utterances[3].id, "uttr-3.pt");
    assert.deepEqual(await data.read(3), { data: rampFeatures(3, 4, 4), frames: 4 });
    assert.deepEqual(data.test?.utterances, [{ id: "more/uttr-t.pt", path: "more/uttr-t.pt", frames: 2, label: -1 }]);
    assert.deepEqual((await data.test?.read(0))?.data, rampFeatures(50, 2, 4));
    await assert.rejects(data.read(7), { message: "Cannot read utterance 7: the data set has 7" });
  });
});

/** Our own layout: the same JSON, features packed. */
function packedFiles(): Record<string, string | Uint8Array | undefined> {
  const files = hw4Files(FRAMES);
  for (const name of Object.keys(files)) if (name.endsWith(".pt")) delete files[name];
  const array = (i: number) => ({ shape: [FRAMES.flat()[i], 4], data: rampFeatures(i, FRAMES.flat()[i], 4) });
  const shard = (ids: number[]) => encodeSafetensors(Object.fromEntries(ids.map((i) => [`uttr-${i}.pt`, array(i)])));
  files["features-0000.safetensors"] = shard([0, 1, 2, 3]);
  files["features-0001.safetensors"] = shard([4, 5, 6]);
  files["metadata.json"] = String(files["metadata.json"]).replace(
    /"uttr-(\d)\.pt"/g,
    (_, i) => `"features-000${i < 4 ? 0 : 1}.safetensors#uttr-${i}.pt"`,
  );
  return files;
}

Deno.test("data set: packed features, with their settings", async () => {
  const settings = { kind: "logMel", nMels: 4 };
  await withFolder({ ...packedFiles(), "features.json": JSON.stringify({ settings }) }, async (path) => {
    using data = await openDataSet(path, { cacheBytes: 0 });
    assert.equal(data.utterances[5].id, "uttr-5.pt");
    const all = await Promise.all(data.utterances.map((_, i) => data.read(i)));
    all.forEach(({ data, frames }, i) => assert.deepEqual(data, rampFeatures(i, frames, 4)));
    assert.equal(data.featureSettings?.kind, "logMel");
    assert.equal(data.featureSettings?.sampleRate, 16000);
  });
});

Deno.test("data set: the cache keeps to its bound, and what it holds is not read again", async () => {
  await withFolder(hw4Files(FRAMES), async (path) => {
    const bytes = (frames: number) => frames * 4 * 4;
    using data = await openDataSet(path, { cacheBytes: bytes(10) });
    for (let i = 0; i < 7; i++) {
      await data.read(i);
      assert.ok(data.cachedBytes <= bytes(10));
    }
    assert.equal(data.cachedBytes, bytes(7 + 2));
    const before = await data.read(5);
    await Deno.remove(`${path}/uttr-5.pt`);
    assert.equal(await data.read(5), before);
    await data.read(0);
    await data.read(2);
    await assert.rejects(data.read(5), { message: `Cannot read "${path}/uttr-5.pt": there is no such file` });
  });
});

Deno.test("data set: a class with one utterance is kept, with a notice", async () => {
  await withFolder(hw4Files([[5, 3], [4]]), async (path) => {
    using data = await openDataSet(path);
    assert.deepEqual(data.notices, ['1 class has a single utterance, which stays in training ("id00001")']);
  });
});

Deno.test("data set: a single class is told of", async () => {
  await withFolder(hw4Files([[5, 3]]), async (path) => {
    using data = await openDataSet(path);
    assert.deepEqual(data.notices, ['"id00000" is the only class: there is nothing to tell apart']);
  });
});

/** Changes one of the JSON files. */
function edited(name: string, edit: (json: string) => string, files = hw4Files(FRAMES)) {
  return { ...files, [name]: edit(String(files[name])) };
}

const REMEDY = "make a data set of recordings with `deno task preprocess --in RECORDINGS --out FOLDER`";

/** Wrong folders, and what is said about them after `Cannot … "<folder><file>": `. */
const WRONG: [string, Record<string, string | Uint8Array | undefined>, string, string][] = [
  ["empty folder", {}, "", `it has no metadata.json and no mapping.json; ${REMEDY}`],
  ["no mapping", { ...hw4Files(FRAMES), "mapping.json": undefined }, "", `it has no mapping.json; ${REMEDY}`],
  ["not JSON", edited("metadata.json", (s) => s.slice(0, -5)), "/metadata.json", "it is not JSON ("],
  ["empty JSON", edited("mapping.json", () => ""), "/mapping.json", "it is empty"],
  ["another JSON", edited("metadata.json", () => "[]"), "/metadata.json", "it has no speakers"],
  ["another mapping", edited("mapping.json", () => "{}"), "/mapping.json", "it has no speaker2id and id2speaker"],
  [
    "no speakers",
    edited("mapping.json", () => '{"speaker2id":{},"id2speaker":{}}'),
    "/mapping.json",
    "it names no speakers",
  ],
  ["n_mels", edited("metadata.json", (s) => s.replace('"n_mels":4', '"n_mels":0')), "/metadata.json", "n_mels is 0"],
  [
    "unknown speaker",
    edited("metadata.json", (s) => s.replace("id00001", "id99999")),
    "/metadata.json",
    '1 of its speakers are not in mapping.json ("id99999")',
  ],
  [
    "speaker without data",
    edited("metadata.json", (s) => s.replace(/,"id00002":\[.*?\]/, "")),
    "/metadata.json",
    '1 speakers of mapping.json are not in it ("id00002")',
  ],
  [
    "speaker with an empty list",
    edited("metadata.json", (s) => s.replace(/("id00002":)\[.*?\]/, "$1[]")),
    "/metadata.json",
    '"id00002" has no utterances',
  ],
  [
    "id out of range",
    edited("mapping.json", (s) => s.replace('"id00002":2', '"id00002":3')),
    "/mapping.json",
    '"id00002" has the id 3, wanted a whole number from 0 to 2',
  ],
  [
    "id twice",
    edited("mapping.json", (s) => s.replace('"id00002":2', '"id00002":1')),
    "/mapping.json",
    '"id00001" and "id00002" share the id 1',
  ],
  [
    "directions disagree",
    edited("mapping.json", (s) => s.replace('"2":"id00002"', '"2":"id00001"')),
    "/mapping.json",
    '"id00002" has the id 2, but id 2 is "id00001"',
  ],
  [
    "more ids than speakers",
    edited("mapping.json", (s) => s.replace('"2":"id00002"', '"2":"id00002","3":"id7"')),
    "/mapping.json",
    "speaker2id has 3 entries, id2speaker 4",
  ],
  [
    "utterance twice",
    edited("metadata.json", (s) => s.replace("uttr-6.pt", "uttr-0.pt")),
    "/metadata.json",
    'it lists "uttr-0.pt" twice',
  ],
  [
    "mel_len",
    edited("metadata.json", (s) => s.replace('"mel_len":9', '"mel_len":0')),
    "/metadata.json",
    '"uttr-2.pt" has the mel_len 0, wanted at least 1',
  ],
  [
    "path upwards",
    edited("metadata.json", (s) => s.replace("uttr-6.pt", "x/../../uttr-6.pt")),
    "/metadata.json",
    '"x/../../uttr-6.pt" leads out of the folder',
  ],
  [
    "absolute path",
    edited("metadata.json", (s) => s.replace("uttr-6.pt", "/etc/passwd")),
    "/metadata.json",
    '"/etc/passwd" leads out of the folder',
  ],
  [
    "missing file",
    { ...hw4Files(FRAMES), "uttr-1.pt": undefined, "uttr-4.pt": undefined },
    "",
    '2 feature files that its metadata names are missing ("uttr-1.pt", "uttr-4.pt")',
  ],
  [
    "test width",
    { ...hw4Files(FRAMES), "testdata.json": '{"n_mels":5,"utterances":[]}' },
    "/testdata.json",
    "n_mels is 5, in metadata.json it is 4",
  ],
  ["settings", { ...hw4Files(FRAMES), "features.json": '{"settings":{"kind":"x"}}' }, "/features.json", "Cannot use"],
  [
    "missing shard",
    { ...packedFiles(), "features-0001.safetensors": undefined },
    "",
    '1 feature files that its metadata names are missing ("features-0001.safetensors")',
  ],
  [
    "not in the shard",
    edited("metadata.json", (s) => s.replace("#uttr-5.pt", "#uttr-9.pt"), packedFiles()),
    "/features-0001.safetensors#uttr-9.pt",
    "there is no such array in this file",
  ],
  [
    "length in the shard",
    edited("metadata.json", (s) => s.replace('"mel_len":9', '"mel_len":8'), packedFiles()),
    "/features-0000.safetensors#uttr-2.pt",
    "it has 9 frames, but its mel_len is 8",
  ],
  [
    "shard cut short",
    { ...packedFiles(), "features-0000.safetensors": encodeSafetensors({}).slice(0, 9) },
    "/features-0000.safetensors",
    "its header of 8 bytes ends after the file of 9 bytes",
  ],
];

for (const [what, files, file, fact] of WRONG) {
  Deno.test(`data set: refused: ${what}`, async () => {
    await withFolder(files, async (path) => {
      await assert.rejects(openDataSet(path), (error: Error) => {
        const quoted = JSON.stringify(path + file);
        assert.match(error.message, /^Cannot (open the data set|use|read) "/);
        assert.ok(error.message.includes(`${quoted}: ${fact}`), error.message);
        return true;
      });
    });
  });
}

Deno.test("data set: no such folder, or a file in its place", async () => {
  await withFolder({ "a.txt": "" }, async (path) => {
    await assert.rejects(openDataSet(`${path}/none`), {
      message: `Cannot open the data set "${path}/none": there is no such folder`,
    });
    await assert.rejects(openDataSet(`${path}/a.txt`), {
      message: `Cannot open the data set "${path}/a.txt": it is not a folder`,
    });
  });
});

/** A feature file in the place of a good one, and what is said about it. */
const BAD_FEATURES: [string, () => Uint8Array, RegExp][] = [
  ["truncated", () => torchBytes([9, 4], rampFeatures(2, 9, 4)).slice(0, -30), /: it is a zip archive cut short/],
  ["foreign", () => new TextEncoder().encode("hello"), /: it is not a PyTorch file$/],
  ["malicious", () => fixture("evil_os"), /: it asks for os\.system, which is not on the list/],
  ["another object", () => fixture("state"), /: it holds something else than one tensor$/],
  ["width", () => torchBytes([9, 5], rampFeatures(2, 9, 5)), /: its frames have 5 values, but n_mels is 4$/],
  ["length", () => torchBytes([8, 4], rampFeatures(2, 8, 4)), /: it has 8 frames, but its mel_len is 9$/],
  ["rank", () => torchBytes([36], rampFeatures(2, 9, 4)), /: its shape is \[36\], wanted \[frames, 4\]$/],
  ["NaN", () => torchBytes([9, 4], rampFeatures(2, 9, 4).with(22, NaN)), /: frame 5 holds NaN$/],
  ["infinity", () => torchBytes([9, 4], rampFeatures(2, 9, 4).with(35, -Infinity)), /: frame 8 holds -Infinity$/],
];

function fixture(name: string): Uint8Array {
  return Deno.readFileSync(new URL(`../../fixtures/torch/${name}.pt`, import.meta.url));
}

for (const [what, bytes, message] of BAD_FEATURES) {
  Deno.test(`data set: a feature file is refused: ${what}`, async () => {
    await withFolder({ ...hw4Files(FRAMES), "uttr-2.pt": bytes() }, async (path) => {
      using data = await openDataSet(path);
      await assert.rejects(data.read(2), (error: Error) => {
        assert.ok(error.message.includes(JSON.stringify(`${path}/uttr-2.pt`)), error.message);
        assert.match(error.message, message);
        return true;
      });
      assert.equal((await data.read(1)).frames, 3);
    });
  });
}

Deno.test("data set: overlapping reads of packed features do not mix", async () => {
  const count = 300, frames = 1200; // more than 1 MiB, so that the file is read in pieces
  const files = hw4Files([Array(count).fill(frames)], 1);
  const array = (i: number) => ({ shape: [frames, 1], data: rampFeatures(i, frames, 1) });
  for (let i = 0; i < count; i++) files[`uttr-${i}.pt`] = undefined;
  const names = Array.from({ length: count }, (_, i) => `u${i}`);
  files["all.safetensors"] = encodeSafetensors(Object.fromEntries(names.map((name, i) => [name, array(i)])));
  files["metadata.json"] = String(files["metadata.json"]).replace(/uttr-(\d+)\.pt/g, "all.safetensors#u$1");
  await withFolder(files, async (path) => {
    using data = await openDataSet(path, { cacheBytes: 0 });
    const all = await Promise.all(names.map((_, i) => data.read(i)));
    all.forEach(({ data }, i) => assert.deepEqual([data[0], data[frames - 1]], [i * 1000, i * 1000 + frames - 1]));
  });
});
