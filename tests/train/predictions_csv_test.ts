import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { checkWritable, writePredictions } from "../../train/predictions_csv.ts";
import { withFolder } from "../tasks/run.ts";

const one = (id: string, name: string) => ({ id, classes: [{ name, probability: 1 }] });

Deno.test("predictions: Id,Category as the homework wants it", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "predictions.csv");
    await writePredictions(path, [one("uttr-1.pt", "id00464"), one("uttr-2.pt", "id00559")]);
    strictEqual(await Deno.readTextFile(path), "Id,Category\nuttr-1.pt,id00464\nuttr-2.pt,id00559\n");
    await writePredictions(path, []);
    strictEqual(await Deno.readTextFile(path), "Id,Category\n");
    deepStrictEqual((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name), ["predictions.csv"]);
  });
});

Deno.test("predictions: commas, quotes and line ends are quoted", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "predictions.csv");
    await writePredictions(path, [one('a, "b".wav', "x\ny")]);
    strictEqual(await Deno.readTextFile(path), 'Id,Category\n"a, ""b"".wav","x\ny"\n');
  });
});

Deno.test("predictions: the likeliest classes with probabilities", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "predictions.csv");
    const classes = [{ name: "theo", probability: 0.75 }, { name: "lucas", probability: 0.2 }];
    await writePredictions(path, [{ id: "a.wav", classes }]);
    strictEqual(
      await Deno.readTextFile(path),
      "Id,Category,Probability,Category2,Probability2\na.wav,theo,0.750000,lucas,0.200000\n",
    );
  });
});

Deno.test("predictions: a place that cannot be written is refused, before the work too", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "none", "predictions.csv");
    const message = `Cannot write "${path}": no such file or folder`;
    await rejects(checkWritable(path), { message });
    await rejects(writePredictions(path, []), { message });
    await rejects(checkWritable(folder), { message: `Cannot write "${folder}": it is a folder` });
    const good = join(folder, "predictions.csv");
    await Deno.writeTextFile(good, "old");
    await checkWritable(good);
    strictEqual(await Deno.readTextFile(good), "old");
    deepStrictEqual((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name), ["predictions.csv"]);
  });
});
