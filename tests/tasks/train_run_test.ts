/** Runs of `deno task train` as a user lives through them: folders, config files, Ctrl-C, resuming, missing devices. */
import { deepStrictEqual, doesNotMatch, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { readSafetensors } from "../../data/files/safetensors.ts";
import { withData, writeData } from "../train/small_run.ts";
import { type Finished, runDenoTask, runScript, startScript } from "./run.ts";
import { smallModel, smallSteps } from "./small_flags.ts";

const onCpu = [...smallModel, ...smallSteps, "--device", "cpu"];
const metricsOf = (out: string) => Deno.readTextFile(join(out, "metrics.jsonl"));

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}

/** Everything in a folder, to see that nothing has changed. */
async function snapshot(folder: string): Promise<unknown> {
  const files = (await names(folder)).filter((name) => name !== "last");
  return Promise.all(files.map(async (name) => [name, await Deno.readFile(join(folder, name))]));
}

function refused({ code, err }: Finished, message: RegExp, wanted = 1) {
  match(err, message);
  doesNotMatch(err, /\n\s+at /, "no stack for a user's mistake");
  strictEqual(code, wanted);
}

Deno.test("train: start and end say where the run is and what comes next; a run is not written over", async () => {
  await withData(async (folder, data) => {
    const out = join(folder, "my run");
    const { code, out: said, err } = await runDenoTask("train", ["--data", data, "--out", out, ...onCpu]);
    strictEqual(code, 0, err);
    match(said, /^\[Info\]: Use cpu now! .*\(asked for\)$/m);
    match(said, /^\[Info\]: Run folder: .*my run$/m);
    match(said, /^Best validation accuracy \d\.\d{4} at step \d+; model: .*best\.safetensors$/m);
    ok(said.endsWith(`Next: deno task infer --model '${out}'\n`), said);
    match(err, /^Train: 100%, 40\/40, .*loss=\d.*accuracy=\d/m);
    deepStrictEqual((await names(out)).filter((name) => !name.startsWith("events.")), [
      "best.safetensors",
      "config.json",
      "last",
      "metrics.jsonl",
    ]);
    const before = await snapshot(out);
    const again = await runDenoTask("train", ["--data", data, "--out", out, ...onCpu]);
    refused(again, /^error: Cannot train into ".*my run": it already holds a run; go on with it by --resume, or give/m);
    deepStrictEqual(await snapshot(out), before);
  });
});

Deno.test("train: without --out a new run gets the next free folder, and --resume takes the last", async () => {
  await withData(async (folder, data) => {
    const start = (args: string[]) => runScript("tasks/train.ts", ["--data", data, ...onCpu, ...args], {}, folder);
    for (const _ of [1, 2]) strictEqual((await start([])).code, 0);
    await Deno.mkdir(join(folder, "runs", "quickstart-notes"));
    deepStrictEqual(await names(join(folder, "runs")), ["quickstart", "quickstart-2", "quickstart-notes"]);
    const resumed = await start(["--resume", "--total-steps", "50"]);
    match(resumed.out, /^\[Info\]: Run folder: runs\/quickstart-2\n\[Info\]: Continue at step 40$/m);
    const { totalSteps } = JSON.parse(await Deno.readTextFile(join(folder, "runs/quickstart-2/config.json")));
    strictEqual(totalSteps, 50, "the config of a run is the one it was last continued with");
    const other = await start(["hw4-medium", "--resume"]);
    refused(other, /^error: Cannot resume "runs\/hw4-medium": it holds no run\n$/, 2);
    await Deno.mkdir(join(folder, "runs", "hw4-medium-2023"));
    match((await start(["hw4-medium", "--resume"])).err, /Cannot resume "runs\/hw4-medium": /);
  });
});

Deno.test("train: an out folder that cannot be written", async () => {
  await withData(async (folder, data) => {
    const out = join(folder, "file");
    await Deno.writeTextFile(out, "mine");
    const finished = await runDenoTask("train", ["--data", data, "--out", out, ...onCpu]);
    refused(finished, /^error: Cannot write to ".*file": .*; give another folder with --out\n$/m);
    strictEqual(await Deno.readTextFile(out), "mine");
  });
});

Deno.test("train --config: a file over the recipe, flags over the file", async () => {
  await withData(async (folder, data) => {
    const [file, out] = [join(folder, "my.toml"), join(folder, "run")];
    await Deno.writeTextFile(file, `data = "${data}"\nout = "${out}"\ntotalSteps = 20\nlr = 0.5\ndevice = "cpu"\n`);
    const flags = ["--valid-steps", "10", "--lr", "0.01"];
    const { code, err } = await runDenoTask("train", ["hw4-simple", "--config", file, ...smallModel, ...flags]);
    strictEqual(code, 0, err);
    const { recipe, totalSteps, lr } = JSON.parse(await Deno.readTextFile(join(out, "config.json")));
    deepStrictEqual([recipe, totalSteps, lr], ["hw4-simple", 20, 0.01]);
  });
});

Deno.test("train --device webgpu without an adapter; auto goes on without", async () => {
  await withData(async (folder, data) => {
    const env = { VK_DRIVER_FILES: "/nonexistent", VK_ICD_FILENAMES: "/nonexistent", DENO_WEBGPU_BACKEND: "vulkan" };
    const start = (out: string, device: string) =>
      runScript(
        "tasks/train.ts",
        ["--data", data, "--out", out, ...smallModel, ...smallSteps, "--device", device],
        env,
      );
    const out = join(folder, "run");
    refused(await start(out, "webgpu"), /^error: Cannot open a GPU: no adapter found; run `deno task doctor`/m);
    ok(!(await names(folder)).includes("run"));
    match((await start(out, "auto")).out, /^\[Info\]: Use cpu now! .*\(no GPU adapter found\)$/m);
  });
});

Deno.test("train --resume: a checkpoint cut short is named, and the one before is used", async () => {
  await withData(async (folder, data) => {
    const [whole, cut] = ["whole", "cut"].map((name) => join(folder, name));
    for (const out of [whole, cut]) await runScript("tasks/train.ts", ["--data", data, "--out", out, ...onCpu]);
    const last = join(cut, "last", "step-00000040.safetensors");
    await Deno.writeFile(last, (await Deno.readFile(last)).subarray(0, 1000));
    const { code, out: said, err } = await runScript("tasks/train.ts", ["--resume", "--out", cut]);
    strictEqual(code, 0, err);
    match(said, /^\[Info\]: Cannot read ".*step-00000040\.safetensors": .*; using the checkpoint before it$/m);
    match(said, /^\[Info\]: Continue at step 30$/m);
    strictEqual(await metricsOf(cut), await metricsOf(whole));
  });
});

Deno.test("train --resume: data that do not fit the run, and a run that is complete", async () => {
  await withData(async (folder, data) => {
    const out = join(folder, "run");
    await runScript("tasks/train.ts", ["--data", data, "--out", out, ...onCpu]);
    const done = await runScript("tasks/train.ts", ["--resume", "--out", out, "--total-steps", "10"]);
    strictEqual(done.code, 0, done.err);
    match(done.err, /^Train: 100%, 40\/40, /m);
    match(done.out, /^\[Info\]: Nothing is left to do: go on with a --total-steps above 40$/m);
    const before = await snapshot(out);
    const other = join(folder, "other");
    await writeData(other, { counts: [10, 10, 10] });
    const finished = await runScript("tasks/train.ts", ["--resume", "--out", out, "--data", other]);
    refused(finished, /^error: Cannot resume from ".*safetensors": it was trained on 4 other classes than the 3 of/m);
    deepStrictEqual(await snapshot(out), before);
  });
});

/** Starts a run, presses Ctrl-C when its output shows a text, and gives its code and output. */
async function interruptedAt(text: string, args: string[]): Promise<{ code: number; said: string }> {
  const child = startScript("tasks/train.ts", args);
  let said = "", pressed = false;
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    said += part;
    if (!pressed && said.includes(text)) {
      child.kill("SIGINT");
      pressed = true;
    }
  }
  await child.stderr.cancel();
  return { code: (await child.status).code, said };
}

Deno.test({
  name: "train: Ctrl-C in mid-run saves, and --resume continues the very same run",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await withData(async (folder, data) => {
      const [whole, halves] = ["whole", "halves"].map((name) => join(folder, name));
      const long = ["--data", data, ...onCpu, "--total-steps", "800"];
      const { code, said } = await interruptedAt("Step 100", [...long, "--out", halves]);
      strictEqual(code, 130, said);
      match(said, /^Stopping after this step: press Ctrl-C again to stop at once without saving$/m);
      ok(said.endsWith(`Stopped and saved; go on with: deno task train --resume --out ${halves}\n`), said);
      const resumed = await runScript("tasks/train.ts", ["--resume", "--out", halves]);
      strictEqual(resumed.code, 0, resumed.err);
      const at = Number(/Continue at step (\d+)/.exec(resumed.out)?.[1]);
      ok(at >= 100 && at < 800, `${at}`);
      await runScript("tasks/train.ts", [...long, "--out", whole]);
      strictEqual(await metricsOf(halves), await metricsOf(whole));
      const best = (out: string) => readSafetensors(join(out, "best.safetensors"));
      deepStrictEqual(best(halves), best(whole));
    });
  },
});

Deno.test("train: a run goes on when nobody reads its output any more", async () => {
  await withData(async (folder, data) => {
    const out = join(folder, "run");
    const child = startScript("tasks/train.ts", ["--data", data, "--out", out, ...onCpu]);
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    const err = await new Response(child.stderr).text();
    deepStrictEqual((await child.status).code, 0, err);
    ok((await names(out)).includes("best.safetensors"));
  });
});
