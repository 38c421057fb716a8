import assert from "node:assert/strict";
import { type HeldOutSplit, readSplitTable, splitByFolds, splitByPattern } from "../../../data/sets/mod.ts";
import { withFolder } from "./make_data_set.ts";

const classes = ["dog", "rain"];
/** Two classes in three folds. */
const utterances = ["dog/1-a.ogg", "dog/2-a.ogg", "dog/3-a.ogg", "rain/1-b.ogg", "rain/2-b.ogg", "rain/3-b.ogg"].map(
  (id) => ({ id, label: id.startsWith("dog") ? 0 : 1 }),
);
const lines = utterances.map(({ id }) => `${id},${id[id.length - 7]}`);

async function split(
  csv: string[],
  options: { validFold: string | number; testFold?: string | number },
  of = utterances,
): Promise<HeldOutSplit> {
  let result: HeldOutSplit | undefined;
  await withFolder({ "folds.csv": csv.join("\n") }, async (path) => {
    result = splitByFolds(of, await readSplitTable(`${path}/folds.csv`), { ...options, classes });
  });
  return result!;
}

Deno.test("split by folds: one for validation, one for testing, the others for training", async () => {
  const csv = ["file,fold", ...lines];
  assert.deepEqual(await split(csv, { validFold: 2 }), { train: [0, 2, 3, 5], valid: [1, 4], test: [] });
  assert.deepEqual(await split(csv, { validFold: "2", testFold: 3 }), { train: [0, 3], valid: [1, 4], test: [2, 5] });
});

Deno.test("split by folds: names with other endings, and with fewer or more folders in front", async () => {
  const wanted = { train: [1, 2, 4, 5], valid: [0, 3], test: [] };
  const other = lines.map((line) => line.replace(".ogg", ".wav"));
  assert.deepEqual(await split(["file,fold", ...other], { validFold: 1 }), wanted);
  const bare = lines.map((line) => line.replace(/^.*\//, ""));
  assert.deepEqual(await split(["filename,split", ...bare], { validFold: 1 }), wanted);
  const deep = lines.map((line) => `.\\audio\\${line.replace("/", "\\").replace(".ogg", "")}`);
  assert.deepEqual(await split(["x,file,fold", ...deep.map((line) => `0,${line}`)], { validFold: 1 }), wanted);
});

Deno.test("split by folds: rows of the same name in other folders are not taken", async () => {
  const swapped = lines.map((line) => line.replace("dog/", "cat/"));
  await assert.rejects(
    split(["file,fold", ...swapped], { validFold: 1 }),
    /3 of 6 utterances are not in it \("dog\/1-a\.ogg", /,
  );
});

Deno.test("split by folds: what cannot be is said", async () => {
  const cases: [string[], { validFold: string | number; testFold?: string | number }, RegExp][] = [
    [[...lines, "dog/1-a.ogg,3"], { validFold: 1 }, /: folds overlap: "dog\/1-a\.ogg" is in fold 1 \(line 2\) and in/],
    [lines.slice(1), { validFold: 1 }, /: 1 of 6 utterances are not in it \("dog\/1-a\.ogg"\)$/],
    [lines, { validFold: 6 }, /^RangeError: .*: there is no fold "6"; its folds are 1, 2, 3$/],
    [[], { validFold: 1 }, /^RangeError: .*: there is no fold "1", and no other$/],
    [lines, { validFold: 1, testFold: "valid" }, /: there is no fold "valid"; its folds are 1, 2, 3$/],
    [lines, { validFold: 1, testFold: 1 }, /^RangeError: .*: fold 1 is to be both for validation and for testing$/],
    [[...lines, "more.ogg,4"], { validFold: 4 }, /: no utterance is in fold 4$/],
    [[...lines, "more.ogg,4"], { validFold: 1, testFold: 4 }, /: no utterance is in fold 4$/],
    [
      lines.map((line) => line.replace(/\d$/, "1")),
      { validFold: 1 },
      /: all utterances are held out, none is left for/,
    ],
    [
      lines.map((line) => line.replace(/^(rain.*),\d$/, "$1,1")),
      { validFold: 1 },
      /: training never sees 1 of 2 classes \("rain"\)$/,
    ],
    [["dog/1-a.ogg,"], { validFold: 1 }, /, line 2: its fold is empty$/],
    [[",1"], { validFold: 1 }, /, line 2: its file is empty$/],
    [[...lines.slice(1), "1-a.ogg,1", "1-a.wav,2"], { validFold: 1 }, /"dog\/1-a\.ogg" can be "1-a\.ogg" in line 7 \(/],
  ];
  for (const [csv, options, message] of cases) await assert.rejects(split(["file,fold", ...csv], options), message);
  const twins = [{ id: "dog/x.ogg", label: 0 }, { id: "rain/x.ogg", label: 1 }];
  await assert.rejects(
    split(["file,fold", "x,1"], { validFold: 1 }, twins),
    /: "x" in line 2 can mean "dog\/x\.ogg", "rain\/x\.ogg"; add the folders to it$/,
  );
  await assert.rejects(
    split(["file,part", "x,1"], { validFold: 1 }),
    /: it has no column "fold" or "split"; its columns/,
  );
  await assert.rejects(
    split(["file,split", "x,train", "y,valid"], { validFold: "vald" }),
    /there is no fold "vald"; did you mean "valid"\?$/,
  );
});

Deno.test("split by folds: numbers come by size, then words; a recording twice in its own fold is none too many", async () => {
  const csv = "file,fold\na,10\nb,9\nc,train\nd,test\na,10\n";
  await withFolder({ "folds.csv": csv }, async (path) => {
    assert.deepEqual((await readSplitTable(`${path}/folds.csv`)).folds, ["9", "10", "test", "train"]);
    const byFile = await readSplitTable(`${path}/folds.csv`, { fileColumn: "fold", foldColumn: "file" });
    assert.deepEqual(byFile.folds, ["a", "b", "c", "d"]);
  });
});

Deno.test("split by pattern: the utterances that match are held out", () => {
  assert.deepEqual(splitByPattern(utterances, "/2-"), { train: [0, 2, 3, 5], valid: [1, 4], test: [] });
  assert.deepEqual(splitByPattern(utterances, /\/[13]-/g).valid, [0, 2, 3, 5]);
  const cases: [string, RegExp][] = [
    ["zero", /^Error: Cannot hold out \/zero\/u: it matches none of 6 utterances \("dog\/1-a\.ogg", /],
    [".", /^Error: Cannot hold out \/\.\/u: it matches all of 6 utterances .*, none is left for training$/],
    ["^rain", /^Error: Cannot hold out .*: training never sees 1 of 2 classes \("rain"\)$/],
    ["(", /^SyntaxError: Cannot hold out "\(": /],
  ];
  for (const [pattern, message] of cases) {
    assert.throws(() => splitByPattern(utterances, pattern, { classes }), message);
  }
  assert.throws(() => splitByPattern(utterances, "/2-", { classes: [...classes, "sea"] }), /1 of 3 classes \("sea"\)$/);
});
