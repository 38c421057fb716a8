/** The first two commands of a new user: train on the bundled recordings, then predict one that was held out. */
import { match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { runDenoTask, withFolder } from "./run.ts";

Deno.test("deno task train: the quickstart tells its speakers apart, and the command it names next works", async () => {
  await withFolder(async (folder) => {
    const out = join(folder, "quickstart");
    const trained = await runDenoTask("train", ["--out", out, "--device", "cpu"]);
    strictEqual(trained.code, 0, trained.err);
    const accuracy = Number(/^Best validation accuracy (\d\.\d{4}) at step \d+; model: /m.exec(trained.out)?.[1]);
    ok(accuracy > 0.95, trained.out);
    const next = /^Next: deno task infer (.*)$/m.exec(trained.out)?.[1].split(" ") ?? [];
    strictEqual(next.length, 3, trained.out);
    const csv = join(folder, "p.csv");
    const inferred = await runDenoTask("infer", [...next, "--out", csv, "--top-k", "3", "--device", "cpu"]);
    strictEqual(inferred.code, 0, inferred.err);
    const [recording, speaker] = /data\/samples\/([a-z]+)\/\S+\.wav/.exec(next[2]) ?? [];
    match(
      inferred.out,
      new RegExp(`^${recording}: ${speaker} (0\\.[5-9]|1\\.)\\d*, \\w+ 0\\.\\d{3}, \\w+ 0\\.\\d{3}$`, "m"),
    );
    match(await Deno.readTextFile(csv), new RegExp(`^${recording},${speaker},`, "m"));
  });
});
