import assert from "node:assert/strict";
import { readCsv } from "../../../data/sets/csv_table.ts";
import { withFolder } from "./make_data_set.ts";

async function read(text: string | Uint8Array) {
  const result = await new Promise<Awaited<ReturnType<typeof readCsv>>>((resolve, reject) => {
    withFolder({ "t.csv": text }, async (path) => resolve(await readCsv(`${path}/t.csv`))).catch(reject);
  });
  return result;
}

Deno.test("CSV: quotes, line breaks in them, empty lines, Windows line ends, spaces and a byte order mark", async () => {
  const table = await read('\ufefffile , title\r\n\r\n a.wav ,"he said ""hi"",\r\ntwice"\r\nb.wav,\r\n');
  assert.deepEqual(table.header, ["file", "title"]);
  assert.deepEqual(table.rows, [
    { line: 4, cells: ["a.wav", 'he said "hi",\ntwice'] },
    { line: 5, cells: ["b.wav", ""] },
  ]);
  assert.deepEqual([table.column("file"), table.column("name", "title")], [0, 1]);
});

Deno.test("CSV: what is wrong is said with its line", async () => {
  const cases: [string | Uint8Array, RegExp][] = [
    ["", /^SyntaxError: Cannot read ".*t\.csv": it is empty$/],
    ["a,b\n1,2\n3\n", /^SyntaxError: Cannot read ".*t\.csv", line 3: it has 1 fields, but the header has 2$/],
    ["a,b\n1,2,3\n", /, line 2: it has 3 fields, but the header has 2$/],
    ["a,b,a\n1,2,3\n", /: two columns have the same name \("a"\)$/],
    ['a,b\n1,2\n"3,4\n', /, line 3: quote Not Closed: /],
    ['a,b\n1,"2"x\n', /, line 2: invalid Closing Quote|, line 2: closing Quote/],
    [Uint8Array.of(0x61, 0x2c, 0xff, 0x0a), /: it is not UTF-8 text$/],
    [Array(1002).fill(0).map((_, i) => `c${i}`).join(","), /: it has 1002 columns$/],
  ];
  for (const [text, message] of cases) await assert.rejects(read(text), message);
});

Deno.test("CSV: a column that is not there, a file that is not there, and one that is far too large", async () => {
  const table = await read("files,label\na,b\n");
  assert.throws(
    () => table.column("file", "filename"),
    /: it has no column "file" or "filename"; its columns/,
  );
  assert.throws(() => table.column("fold"), /: it has no column "fold"; its columns are "files", "label"$/);
  await assert.rejects(readCsv("/nowhere/t.csv"), { message: 'Cannot read "/nowhere/t.csv": there is no such file' });
  await withFolder({ "t.csv": "" }, async (path) => {
    await Deno.truncate(`${path}/t.csv`, 65e6);
    await assert.rejects(readCsv(`${path}/t.csv`), /: it has 65000000 bytes, the limit is 64000000$/);
    await assert.rejects(readCsv(path), /: it is a folder, wanted a CSV file$/);
  });
});
