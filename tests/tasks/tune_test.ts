/** `deno task tune` and `deno task ablate` as a user types them. */
import { deepStrictEqual, doesNotMatch, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { withData } from "../train/small_run.ts";
import { type Finished, runDenoTask, runScript, startScript } from "./run.ts";
import { smallModel, smallSteps } from "./small_flags.ts";

const onCpu = [...smallModel, ...smallSteps, "--device", "cpu"];

function refused({ code, err }: Finished, message: RegExp) {
  match(err, message);
  doesNotMatch(err, /\n\s+at /, "no stack for a user's mistake");
  strictEqual(code, 2);
}

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}

/** Waits until a run has measured something. */
async function isTraining(run: string, child: Deno.ChildProcess): Promise<void> {
  let ended = false;
  child.status.then(() => ended = true);
  while (!ended && await Deno.stat(join(run, "metrics.jsonl")).then(({ size }) => size === 0, () => true)) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

Deno.test("tune: a search ends with a table, files and a picture; the same command has nothing left to do", async () => {
  await withData(async (folder, data) => {
    const out = join(folder, "search");
    const args = [
      "--data",
      data,
      "--out",
      out,
      ...onCpu,
      "--grid",
      "pooling=mean,self-attention",
      "--grid",
      "seed=0,1",
    ];
    const { code, out: said, err } = await runDenoTask("tune", args);
    strictEqual(code, 0, err);
    match(said, /^\[Info\]: Use cpu now! /m);
    match(
      said,
      /^\[Info\]: Search in .*: 4 trials of quickstart, best by accuracy: pooling=mean,self-attention seed=0,1$/m,
    );
    match(
      said,
      /^Trial 3 of 4: pooling self-attention, seed 0: accuracy \d\.\d{4}, loss \d\.\d{4} at step \d+, \d\d:\d\d$/m,
    );
    match(said, /^trial +pooling +seed +accuracy +loss +step +time$/m);
    match(said, /^mean +mean +2 +\d\.\d{4} ± \d\.\d{4} /m);
    match(said, /^Best accuracy \d\.\d{4}: trial \d \(pooling .*, seed \d\); run: .*trial-000\d$/m);
    strictEqual(err, "", "no bar where there is no terminal");
    const trials = [1, 2, 3, 4].map((i) => `trial-000${i}`);
    const results = ["csv", "md", "png", "svg"].map((kind) => `results.${kind}`);
    deepStrictEqual(await names(out), [...results, "search.json", ...trials, "trials.jsonl"]);
    match(
      await Deno.readTextFile(join(out, "results.csv")),
      /^trial,pooling,seed,accuracy,loss,step,time\n(\d,.*\n){4}$/,
    );
    match(
      await Deno.readTextFile(join(out, "results.md")),
      /^# quickstart: search of 4 trials\n\n\| trial \| pooling \|/,
    );
    match(await Deno.readTextFile(join(out, "results.svg")), /^<svg[^]*validation accuracy[^]*self-attention/);
    deepStrictEqual([...(await Deno.readFile(join(out, "results.png"))).subarray(1, 4)], [0x50, 0x4e, 0x47]);
    const config = JSON.parse(await Deno.readTextFile(join(out, "trial-0003", "config.json")));
    deepStrictEqual([config.pooling, config.seed, config.dModel], ["self-attention", 0, 8]);
    const log = await Deno.readTextFile(join(out, "trials.jsonl"));
    for (const again of [args, ["--resume", "--out", out]]) {
      const { code, out: said, err } = await runScript("tasks/tune.ts", again);
      strictEqual(code, 0, err);
      match(said, /^\[Info\]: 4 trials made already$/m);
      doesNotMatch(said, /^Trial /m);
      strictEqual(await Deno.readTextFile(join(out, "trials.jsonl")), log);
    }
    refused(
      await runScript("tasks/tune.ts", [...args, "--lr", "0.5"]),
      /begun otherwise: lr was 0\.01, is 0\.5; give another/,
    );
    refused(await runScript("tasks/ablate.ts", ["--resume", "--out", out]), /go on with it by deno task tune$/m);
  });
});

Deno.test("tune: random draws and halving; a trial that fails makes the exit code 1, and is named", async () => {
  await withData(async (folder, data) => {
    const start = (args: string[]) => runScript("tasks/tune.ts", ["--data", data, ...onCpu, ...args], {}, folder);
    const { code, out: said } = await start([
      "--grid",
      "nHead=2,3",
      "--random",
      "lr=1e-3..1e-1",
      "--trials",
      "3",
      "--halving",
    ]);
    strictEqual(code, 1);
    match(said, /^\[Info\]: Search in runs\/quickstart-tune: 6 trials/m);
    match(said, /^\[Info\]: Halving: rungs end at step 14, step 40$/m);
    match(said, /^Rung 2 of 2: 2 trials to step 40$/m);
    match(said, /^Trials 2, 4, 6 failed: Cannot build the model: dModel is 8, which nHead 3 does not divide$/m);
    match(said, /^Best accuracy \d\.\d{4}: trial [135] /m);
    const list = await Deno.readTextFile(join(folder, "runs/quickstart-tune/trials.jsonl"));
    strictEqual(list.trim().split("\n").length, 8);
  });
});

Deno.test({
  name: "tune: Ctrl-C saves and stops, and says how to go on",
  ignore: Deno.build.os === "windows",
  async fn() {
    await withData(async (folder, data) => {
      const out = join(folder, "search");
      const args = ["--data", data, "--out", out, ...onCpu, "--total-steps", "100000", "--grid", "lr=1e-3,1e-2"];
      const child = startScript("tasks/tune.ts", args);
      await isTraining(join(out, "trial-0001"), child);
      child.kill("SIGINT");
      const { code, stdout } = await child.output();
      const said = new TextDecoder().decode(stdout);
      strictEqual(code, 130);
      match(said, /^Stopped and saved; go on with: deno task tune --resume --out .*search$/m);
      const rows = (await Deno.readTextFile(join(out, "trials.jsonl"))).trim().split("\n").map((line) =>
        JSON.parse(line)
      );
      deepStrictEqual(rows.map(({ trial, status }) => [trial, status]), [[1, "stopped"]]);
      ok((await names(join(out, "trial-0001", "last"))).length > 0);
    });
  },
});

Deno.test("tune: killed in the middle of a trial, it makes no trial twice and ends like a search that was not", async () => {
  await withData(async (folder, data) => {
    const [whole, killed] = [join(folder, "whole"), join(folder, "killed")];
    const args = [
      "--data",
      data,
      ...onCpu,
      "--total-steps",
      "400",
      "--valid-steps",
      "200",
      "--grid",
      "lr=1e-3,1e-2,1e-1",
    ];
    const rowsOf = async (out: string) => {
      const lines = (await Deno.readTextFile(join(out, "trials.jsonl"))).trim().split("\n");
      return lines.map((line) => JSON.parse(line)).map(({ seconds: _, ...row }) => row);
    };
    await runScript("tasks/tune.ts", [...args, "--out", whole]);
    const child = startScript("tasks/tune.ts", [...args, "--out", killed]);
    await isTraining(join(killed, "trial-0002"), child);
    child.kill("SIGKILL");
    await child.output();
    const before = (await rowsOf(killed)).length;
    ok(before >= 1);
    const { code, out: said, err } = await runScript("tasks/tune.ts", ["--resume", "--out", killed]);
    strictEqual(code, 0, err);
    strictEqual([...said.matchAll(/^Trial /gm)].length, 3 - before);
    deepStrictEqual(await rowsOf(killed), await rowsOf(whole));
  });
});

Deno.test("tune: folds are searched over like any other key, and cross-validation has a mean", async () => {
  await withData(async (folder, data) => {
    const folds = join(folder, "folds.csv");
    const lines = Array.from({ length: 40 }, (_, i) => `uttr-${String(i).padStart(3, "0")}.pt,${1 + i % 5}\n`);
    await Deno.writeTextFile(folds, "file,fold\n" + lines.join(""));
    const args = ["--data", data, "--out", join(folder, "cv"), ...onCpu, "--total-steps", "20", "--folds", folds];
    const { code, out: said, err } = await runScript("tasks/tune.ts", [...args, "--grid", "validFold=1,2,3,4,5"]);
    strictEqual(code, 0, err);
    match(said, /^Trial 5 of 5: validFold 5: accuracy /m);
    match(said, /^ +trials +accuracy +loss\nmean +5 +\d\.\d{4} ± \d\.\d{4} +\d\.\d{4} ± \d\.\d{4}$/m);
  });
});

Deno.test("tune: mistakes are refused before anything is opened", async () => {
  await withData(async (folder, data) => {
    const start = (...args: string[]) =>
      runScript("tasks/tune.ts", ["--data", data, "--device", "cpu", ...args], {}, folder);
    refused(await start(), /^error: Cannot search: nothing is varied; give --grid or --random\n$/);
    refused(
      await start("--grid", "lrr=1"),
      /^error: Cannot search over "lrr": there is no such key; did you mean "lr"\?\n$/,
    );
    refused(
      await start("--random", "lr=1e-4..1e-2"),
      /^error: Cannot search at random: how often is not said; give --trials/,
    );
    refused(
      await start("--grid", "nHead=3,7"),
      /^error: Cannot build the model: dModel is 80, which nHead 3 does not divide\n$/,
    );
    refused(
      await start("hw4-smple", "--grid", "lr=1,2"),
      /^error: Cannot use recipe "hw4-smple": there is none; did you/,
    );
    refused(
      await start("--gird", "lr=1"),
      /^error: Cannot use --gird: there is no such option; did you mean --grid\?\n$/,
    );
    refused(
      await start("--metric", "f1", "--grid", "lr=1"),
      /^error: Cannot set --metric to "f1": expected one of "accuracy"/,
    );
    refused(await start("--resume", "--out", "none"), /^error: Cannot use --data with --resume: /);
    refused(
      await runScript("tasks/tune.ts", ["--resume"], {}, folder),
      /^error: Cannot resume: which search is not said/,
    );
    refused(
      await runScript("tasks/tune.ts", ["quickstart", "--resume"], {}, folder),
      /"runs\/quickstart-tune": it holds no search/,
    );
    deepStrictEqual(await names(folder), ["data"]);
    const nowhere = await runScript("tasks/tune.ts", [
      "--data",
      join(folder, "none"),
      "--grid",
      "lr=1,2",
      "--device",
      "cpu",
    ]);
    match(nowhere.err, /^error: Cannot open ".*none": no such file or folder\n$/);
    const help = await runDenoTask("tune", ["--help"]);
    match(help.out, /log-uniform where the range is positive and spans\nmore than a decade/);
    match(help.out, /^ {2}deno task tune hw4-simple .*--halving$/m);
  });
});

Deno.test("ablate: what each switch adds to the base, over several seeds", async () => {
  await withData(async (folder, data) => {
    const args = ["--data", data, "--out", join(folder, "abl"), ...onCpu, "--total-steps", "10"];
    const switches = ["--switch", "pooling=mean,self-attention", "--switch", "norm-first=false,true"];
    const { code, out: said, err } = await runDenoTask("ablate", [...args, ...switches, "--seeds", "0,1"]);
    strictEqual(code, 0, err);
    match(said, /8 trials of quickstart/);
    match(
      said,
      /^base +\d.*±.*\n\+ pooling self-attention +\d.*\n\+ normFirst true +\d.*\n\+ pooling self-attention \+ normFirst true +\d.*[+−]\d/m,
    );
    match(
      await Deno.readTextFile(join(folder, "abl", "results.md")),
      /^# quickstart: ablation of 8 trials\n\n\| +\| accuracy /,
    );
    const start = (...args: string[]) => runScript("tasks/ablate.ts", args, {}, folder);
    refused(
      await start(),
      /^error: Cannot ablate "quickstart": it has no switches of its own; give some with --switch/,
    );
    refused(
      await start("--switch", "lr=1"),
      /^error: Cannot ablate lr: "lr=1" has one value; give the base and another one/,
    );
    refused(
      await start("--switch", "seed=1,2", "--seeds", "0,1"),
      /^error: Cannot search over seed: it is given twice\n$/,
    );
  });
});
