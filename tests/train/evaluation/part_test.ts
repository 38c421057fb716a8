import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { splitStratified } from "../../../data/sets/mod.ts";
import { digestOfNames } from "../../../train/digest_of_names.ts";
import { choosePart } from "../../../train/evaluation/part.ts";
import { withFolder } from "../../tasks/run.ts";
import { smallConfig } from "../small_run.ts";

const utterances = Array.from({ length: 20 }, (_, i) => ({
  id: `${i % 2 ? "ana" : "bo"}/${i}.wav`,
  path: "",
  frames: 0,
  label: i % 2,
}));
const data = { utterances, classes: ["bo", "ana"] };
const everything = utterances.map((_, i) => i);

Deno.test("part: the very split of the run where these are its data, else everything", async () => {
  const config = smallConfig({ validFraction: 0.3, seed: 5 });
  const { valid } = splitStratified(utterances.map(({ label }) => label), { validFraction: 0.3, seed: 5 });
  const own = await choosePart(data, { part: "auto", config });
  deepStrictEqual(own.indices, valid);
  match(own.description, /^validation split of the run, 6 of 20 utterances$/);
  const validDigest = digestOfNames(valid.map((i) => utterances[i].id).reverse());
  deepStrictEqual(
    await choosePart(data, { part: "valid", config, validDigest }),
    own,
    "the order of names does not matter",
  );
  const other = await choosePart(data, { part: "auto", config: null });
  deepStrictEqual([other.indices, other.description], [everything, "all 20 utterances"]);
  const all = await choosePart(data, { part: "all", config });
  deepStrictEqual([all.indices, all.description], [everything, "all 20 utterances, 14 of them trained on"]);
});

Deno.test("part: data that have changed since are refused, for what was trained on may be in another part now", async () => {
  const config = smallConfig({ validFraction: 0.3, seed: 5 });
  const { valid } = splitStratified(utterances.map(({ label }) => label), { validFraction: 0.3, seed: 5 });
  const validDigest = digestOfNames(valid.map((i) => utterances[i].id));
  const grown = { ...data, utterances: [{ ...utterances[0], id: "bo/new.wav" }, ...utterances] };
  for (const part of ["auto", "valid"] as const) {
    await rejects(choosePart(grown, { part, config, validDigest }), /the data have changed since, .*, or --all$/);
  }
  strictEqual((await choosePart(grown, { part: "all", config, validDigest })).indices.length, 21);
  await withFolder(async (folder) => {
    const folds = join(folder, "folds.csv");
    const write = (first: number) =>
      Deno.writeTextFile(
        folds,
        "file,fold\n" + utterances.map(({ id }, i) => `${id},${i < first ? 1 : i < 15 ? 2 : 3}\n`).join(""),
      );
    const byFolds = smallConfig({ folds, validFold: "2", testFold: "3" });
    await write(10);
    const { indices } = await choosePart(data, { part: "valid", config: byFolds });
    await write(9);
    const before = digestOfNames(indices.map((i) => utterances[i].id));
    await rejects(
      choosePart(data, { part: "test", config: byFolds, validDigest: before }),
      /the data have changed since/,
    );
  });
});

Deno.test("part: folds of a file, and the run's test fold", async () => {
  await withFolder(async (folder) => {
    const folds = join(folder, "folds.csv");
    const rows = utterances.map(({ id }, i) => `${id},${i < 10 ? 1 : i < 15 ? 2 : 3}`);
    await Deno.writeTextFile(folds, ["file,fold", ...rows].join("\n"));
    const second = await choosePart(data, { part: "auto", folds, fold: "2", config: null });
    deepStrictEqual(second.indices, [10, 11, 12, 13, 14]);
    const config = smallConfig({ folds, validFold: "2", testFold: "3" });
    deepStrictEqual((await choosePart(data, { part: "auto", config })).indices, [10, 11, 12, 13, 14]);
    const test = await choosePart(data, { part: "test", config });
    deepStrictEqual([test.indices, test.name], [[15, 16, 17, 18, 19], "fold-3"], "not under the name of validation");
    await rejects(choosePart(data, { part: "auto", folds, fold: "4", config: null }), {
      message: `Cannot evaluate fold "4" of "${folds}": its folds are 1, 2, 3`,
    });
    await rejects(choosePart(data, { part: "valid", config: null }), /these are not the data of the run; give --all$/);
    await rejects(choosePart(data, { part: "test", config: smallConfig({}) }), /it kept none; give --folds FILE/);
  });
});
