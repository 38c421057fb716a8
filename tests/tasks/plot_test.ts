/** `deno task plot` as a user types it. */
import { deepStrictEqual, doesNotMatch, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { type Finished, runDenoTask, withFolder } from "./run.ts";

const plot = (...args: string[]) => runDenoTask("plot", args);

function refused({ code, err }: Finished, message: RegExp, wanted = 1) {
  match(err, message);
  doesNotMatch(err, /\n\s+at /, "no stack for a user's mistake");
  strictEqual(code, wanted);
}

/** A run with rows up to some step, as `metrics.jsonl` has them. */
async function writeRun(folder: string, steps: number, end = ""): Promise<string> {
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(join(folder, "config.json"), "{}");
  const rows = Array.from({ length: steps / 10 }, (_, i) => i * 10 + 10).flatMap((step) => [
    { step, loss: 5 / step, accuracy: 1 - 5 / step, lr: 1e-3 },
    ...(step % 50 === 0 ? [{ step, validLoss: 6 / step, validAccuracy: 1 - 9 / step }] : []),
  ]);
  await Deno.writeTextFile(join(folder, "metrics.jsonl"), rows.map((row) => JSON.stringify(row) + "\n").join("") + end);
  return folder;
}

/** Width and height of a PNG. */
async function pngSize(path: string): Promise<[number, number]> {
  const bytes = await Deno.readFile(path);
  deepStrictEqual([...bytes.subarray(0, 8)], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const view = new DataView(bytes.buffer);
  return [view.getUint32(16), view.getUint32(20)];
}

Deno.test("plot: runs of different length, one cut in mid-line, as SVG and PNG with a legend", async () => {
  await withFolder(async (folder) => {
    const one = await writeRun(join(folder, "plain"), 200);
    const two = await writeRun(join(folder, "<script>&co"), 90, '{"step":100,"lo');
    const out = join(folder, "curves");
    const { code, out: said, err } = await plot(one, two, one, "--out", out, "--title", "Two runs", "--smooth", "0.5");
    strictEqual(code, 0, err);
    match(said, /^plain: 200 steps, best validation accuracy 0\.9550 at step 200$/m);
    match(said, /^<script>&co: 90 steps, best validation accuracy 0\.8200 at step 50$/m);
    match(said, /^Wrote .*curves\.svg and .*curves\.png$/m);
    const svg = await Deno.readTextFile(`${out}.svg`);
    for (const text of ["Two runs", "Loss", "Accuracy", "Learning rate", ">plain<", "validation"]) {
      ok(svg.includes(text), text);
    }
    ok(svg.includes("&lt;script&gt;&amp;co") && !svg.includes("<script>"), "names are escaped");
    strictEqual(svg.match(/>plain</g)?.length, 1, "a run named twice is one line");
    const [width, height] = await pngSize(`${out}.png`);
    ok(width > 1000 && height > 1000, `${width} × ${height}`);
    const small = join(folder, "small.png");
    strictEqual((await plot(one, "--out", small, "--zoom", "0.5", "--metrics", "accuracy")).code, 0);
    const [smallWidth, smallHeight] = await pngSize(small);
    ok(smallWidth < width / 3 && smallHeight < height / 6, `${smallWidth} × ${smallHeight}`);
  });
});

Deno.test("plot: runs with nothing in them, damaged lines, folders of runs", async () => {
  await withFolder(async (folder) => {
    const [runs, out] = [join(folder, "runs"), join(folder, "a.svg")];
    const good = await writeRun(join(runs, "good"), 50);
    const empty = await writeRun(join(runs, "empty"), 0);
    const partly = await plot(good, empty, "--out", out);
    strictEqual(partly.code, 1, "done only in part");
    match(partly.out, /^Left out: "empty" has measured nothing yet$/m);
    ok((await Deno.readTextFile(out)).startsWith("<svg"));
    await Deno.remove(out);

    refused(await plot(empty, "--out", out), /^error: Cannot plot: none of the runs has measured anything yet\n$/);
    refused(await plot(join(folder, "no")), /^error: Cannot plot ".*no": there is no such file or folder\n$/);
    refused(await plot(runs), /^error: Cannot plot ".*runs": it holds 2 runs; name them: ".*empty", ".*good"\n$/);
    refused(await plot(folder), /^error: Cannot plot ".*": it holds no metrics\.jsonl\n$/);
    await Deno.remove(join(empty, "metrics.jsonl"));
    refused(await plot(empty), /^error: Cannot plot ".*empty": it holds a run that has measured nothing yet\n$/);
    await Deno.stat(out).then(() => ok(false, "nothing is written"), () => {});

    const damaged = await writeRun(join(runs, "damaged"), 30, '{"step":4\n{"step":50,"loss":1}\n');
    const drawn = await plot(damaged, "--out", out);
    strictEqual(drawn.code, 0, drawn.err);
    match(drawn.out, /^1 damaged lines of ".*" are left out, first: Cannot read line 4 of /m);
    match(drawn.out, /^damaged: 50 steps, not validated yet$/m);
    const odd = await writeRun(
      join(runs, "odd"),
      30,
      '{"step":1e999,"loss":1}\n{"step":50,"":1,"__proto__":2}\nnull\n',
    );
    const shown = await plot(odd, "--out", out);
    strictEqual(shown.code, 0, shown.err);
    match(shown.out, /^2 damaged lines of /m);
    match(shown.out, /^odd: 50 steps/m);
  });
});

Deno.test("plot: wrong flags", async () => {
  await withFolder(async (folder) => {
    const run = await writeRun(join(folder, "run"), 50);
    refused(await plot(), /^error: Cannot go without RUN: /, 2);
    refused(await plot(run, "--out", "a.jpg"), /^error: Cannot write "a\.jpg": pictures are \.svg or \.png\n$/, 2);
    refused(await plot(run, "--smooth", "1"), /^error: Cannot set --smooth to "1": expected a number of at least 0/, 2);
    refused(
      await plot(run, "--metrics", "loss,acuracy", "--out", join(folder, "a.svg")),
      /^error: Cannot plot "acuracy": the runs have not measured it; did you mean "accuracy"\?\n$/,
      2,
    );
    refused(await plot(run, "--out", join(folder, "none", "a.svg")), /^error: Cannot write ".*a\.svg": no such file/);
    const help = await plot("--help");
    strictEqual(help.code, 0);
    match(help.out, /^Usage: deno task plot \[options\] \[RUN\.\.\.\]/);
    match(help.out, /Examples:\n {2}deno task plot runs\/hw4-simple/);
  });
});
