import assert from "node:assert/strict";
import { findRecordings, findTestRecordings } from "../../../data/preprocess/recordings.ts";
import { withFolder } from "../sets/make_data_set.ts";

const LABELLED = ({ name, label }: { name: string; label: string }) => [name, label];

Deno.test("recordings: class folders, sorted by label and name, other files passed over", async () => {
  const files = {
    "b/2.wav": "",
    "b/1.FLAC": "",
    "b/deep/0.ogg": "",
    "a/x.mp3": "",
    "a/notes.txt": "",
    ".git/h.wav": "",
  };
  await withFolder({ ...files, "loose.wav": "" }, async (path) => {
    const { recordings, unlabelled } = await findRecordings(path);
    assert.deepEqual(recordings.map(LABELLED), [
      ["a/x.mp3", "a"],
      ["b/1.FLAC", "b"],
      ["b/2.wav", "b"],
      ["b/deep/0.ogg", "b"],
    ]);
    assert.deepEqual(unlabelled, ["loose.wav"]);
    assert.equal(recordings[0].path, `${path}/a/x.mp3`);
  });
});

Deno.test("recordings: links to other folders are followed, links back to where they are found are not", async () => {
  await withFolder({ "in/a/1.wav": "", "in/b/2.wav": "", "elsewhere/3.wav": "" }, async (path) => {
    await Deno.symlink("..", `${path}/in/a/up`); // once held b's recordings under the label a
    await Deno.symlink(`${path}/in/b`, `${path}/in/b/here`);
    await Deno.symlink(`${path}/elsewhere`, `${path}/in/c`);
    await Deno.symlink(`${path}/in`, `${path}/elsewhere/ring`);
    const { recordings } = await findRecordings(`${path}/in/`);
    assert.deepEqual(recordings.map(LABELLED), [["a/1.wav", "a"], ["b/2.wav", "b"], ["c/3.wav", "c"]]);
  });
});

Deno.test("recordings: a pattern's group is the label", async () => {
  await withFolder({ "0_theo_1.wav": "", "1_ana_0.wav": "", "x/2_ana_9.wav": "", "other.wav": "" }, async (path) => {
    const { recordings, unlabelled } = await findRecordings(path, { label: "^\\d_(\\w+)_\\d+" });
    assert.deepEqual(recordings.map(LABELLED), [["1_ana_0.wav", "ana"], ["0_theo_1.wav", "theo"]]);
    assert.deepEqual(unlabelled, ["other.wav", "x/2_ana_9.wav"]);
    await assert.rejects(findRecordings(path, { label: "^(z)" }), {
      message: `Cannot find recordings in "${path}": the pattern /^(z)/u matches none of ` +
        '4 recordings ("0_theo_1.wav", "1_ana_0.wav", "other.wav", …)',
    });
    await assert.rejects(findRecordings(path, { label: "^\\w+" }), {
      name: "SyntaxError",
      message: 'Cannot use the label pattern "^\\w+": it has 0 groups, wanted one around the label',
    });
    await assert.rejects(findRecordings(path, { label: "(" }), /^SyntaxError: Cannot use the label pattern "\(": /);
  });
});

Deno.test("recordings: a flat folder without a pattern", async () => {
  await withFolder({ "0_theo_1.wav": "" }, async (path) => {
    await assert.rejects(findRecordings(path), {
      message: `Cannot find recordings in "${path}": 1 recordings ("0_theo_1.wav") lie in no class folder; ` +
        "tell deno task preprocess the part of their names that is the label: --label '^([a-z]+)'",
    });
  });
});

Deno.test("recordings: a list, with comments, empty lines and Windows line ends", async () => {
  const list = "\ufeff# speakers\r\nsub/a.wav\tzoe\r\n\r\n/abs/b.wav\tadam smith\r\n";
  await withFolder({ "list.txt": list }, async (path) => {
    const { recordings } = await findRecordings(`${path}/list.txt`);
    assert.deepEqual(recordings, [
      { path: "/abs/b.wav", name: "/abs/b.wav", label: "adam smith" },
      { path: `${path}/sub/a.wav`, name: "sub/a.wav", label: "zoe" },
    ]);
    assert.deepEqual((await findTestRecordings(`${path}/list.txt`)).map(LABELLED), [["/abs/b.wav", ""], [
      "sub/a.wav",
      "",
    ]]);
    await assert.rejects(
      findRecordings(`${path}/list.txt`, { label: "(a)" }),
      /a label pattern is for folders, and it is a file$/,
    );
  });
});

Deno.test("recordings: lines that are wrong are named", async () => {
  const cases = [
    ["a.wav\tx\nb.wav", "line 2: wanted a path, a tab and a label"],
    ["a.wav\tx\ty", "line 1: wanted a path, a tab and a label"],
    ["\tx", "line 1: there is no path"],
    ["a.wav\tx\nb.wav\ty\na.wav\tz", 'line 3: "a.wav" is in line 1 already'],
  ];
  for (const [list, fact] of cases) {
    await withFolder({ "list.txt": list }, async (path) => {
      const message = `Cannot read "${path}/list.txt", ${fact}`;
      await assert.rejects(findRecordings(`${path}/list.txt`), { name: "SyntaxError", message });
    });
  }
});

Deno.test("recordings: a CSV file, its class or any other column as the label", async () => {
  const csv = "speaker,file,class\n03,sub/a.wav,yes\n01,/abs/b.wav,no\n";
  await withFolder({ "list.CSV": csv, "list.txt": "a.wav\tx" }, async (path) => {
    const list = `${path}/list.CSV`;
    assert.deepEqual((await findRecordings(list)).recordings, [
      { path: "/abs/b.wav", name: "/abs/b.wav", label: "no" },
      { path: `${path}/sub/a.wav`, name: "sub/a.wav", label: "yes" },
    ]);
    const { recordings } = await findRecordings(list, { labelColumn: "speaker" });
    assert.deepEqual(recordings.map(LABELLED), [["/abs/b.wav", "01"], ["sub/a.wav", "03"]]);
    assert.deepEqual((await findTestRecordings(list)).map(LABELLED), [["/abs/b.wav", ""], ["sub/a.wav", ""]]);
    await assert.rejects(
      findRecordings(list, { labelColumn: "speeker" }),
      /no column "speeker"; its columns are "speaker", /,
    );
    const labelColumn = "class";
    await assert.rejects(
      findRecordings(path, { labelColumn }),
      /: a label column is for CSV files, and it is a folder$/,
    );
    await assert.rejects(findRecordings(`${path}/list.txt`, { labelColumn }), /and its name does not end in \.csv$/);
  });
});

Deno.test("recordings: rows of a CSV file that are wrong are named", async () => {
  const cases = [
    ["file,label\na.wav,x\nb.wav,\n", "line 3: its label is empty"],
    ["file,label\n,x\n", "line 2: its file is empty"],
    ["file,label\na.wav,x\n\nb.wav,y\na.wav,x\n", 'line 5: "a.wav" is in line 2 already'],
  ];
  for (const [list, fact] of cases) {
    await withFolder({ "list.csv": list }, async (path) => {
      const message = `Cannot read "${path}/list.csv", ${fact}`;
      await assert.rejects(findRecordings(`${path}/list.csv`), { name: "SyntaxError", message });
    });
  }
  await withFolder({ "list.csv": "file,x\na.wav,b\n", "none.csv": "file,class\n" }, async (path) => {
    await assert.rejects(findRecordings(`${path}/list.csv`), /it has no column "class" or "label"; its columns are/);
    await assert.rejects(findRecordings(`${path}/none.csv`), /: there are none$/);
  });
});

Deno.test("recordings: nothing there", async () => {
  await withFolder({ "a/readme.md": "", "empty.txt": "\n" }, async (path) => {
    for (const find of [findRecordings, findTestRecordings]) {
      await assert.rejects(find(path), { message: `Cannot find recordings in "${path}": there are none` });
      await assert.rejects(find(`${path}/empty.txt`), /: there are none$/);
      await assert.rejects(find(`${path}/none`), {
        message: `Cannot find recordings in "${path}/none": there is no such folder or file`,
      });
    }
  });
});

Deno.test("recordings: a ring of links ends", async () => {
  await withFolder({ "a/x.wav": "" }, async (path) => {
    await Deno.symlink(path, `${path}/a/again`);
    assert.ok((await findRecordings(path)).recordings.length < 100);
  });
});
