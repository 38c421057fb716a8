/** What `deno task train` and `infer` answer before any engine starts. */
import { doesNotMatch, match, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { recipes } from "../../train/recipes/mod.ts";
import { writeData } from "../train/small_run.ts";
import { runDenoTask, withFolder } from "./run.ts";

async function refused(task: string, args: string[], message: RegExp, code = 2) {
  const finished = await runDenoTask(task, args);
  match(finished.err, message);
  doesNotMatch(finished.err, /\n\s+at /, "no stack for a user's mistake");
  strictEqual(finished.code, code);
}

Deno.test("train --help lists every recipe, and the defaults of the one named", async () => {
  const { code, out } = await runDenoTask("train", ["hw4-medium", "--help"]);
  strictEqual(code, 0);
  for (const { name } of recipes) match(out, new RegExp(`^  ${name} `, "m"));
  match(out, /--d-model <N>.*\(default: 160\)/);
  match(out, /Defaults are those of hw4-medium/);
});

Deno.test("train: an unknown recipe, flag or value", async () => {
  await refused(
    "train",
    ["hw4-smple"],
    /^error: Cannot use recipe "hw4-smple": there is none; did you mean "hw4-simple"/,
  );
  await refused("train", ["--totl-steps", "5"], /^error: Cannot use --totl-steps: .*did you mean --total-steps/);
  await refused("train", ["--lr", "fast"], /^error: Cannot set --lr to "fast": expected a number above 0\n$/);
  await refused(
    "train",
    ["--device", "gpu"],
    /^error: Cannot set --device to "gpu": expected one of "auto", "webgpu", "cpu"/,
  );
  await refused("train", ["quickstart", "more"], /^error: Cannot use "more": deno task train takes one word/);
});

Deno.test("train: a config file with an unknown key, or none at all", async () => {
  await withFolder(async (folder) => {
    const file = join(folder, "my.toml");
    await refused("train", ["--config", file], /^error: Cannot read ".*my\.toml": no such file or folder\n$/);
    await Deno.writeTextFile(file, "totl_steps = 5\n");
    await refused(
      "train",
      ["--config", file],
      /^error: Cannot set "totl_steps" of ".*my\.toml": .*did you mean "totalSteps"/,
    );
  });
});

Deno.test("train: a pattern of --freeze that fits no weight is bad usage, in a config file a failure; nothing is left behind", async () => {
  await withFolder(async (folder) => {
    const data = join(folder, "data"), out = join(folder, "run"), file = join(folder, "my.toml");
    await writeData(data);
    const args = ["--data", data, "--out", out, "--device", "cpu"],
      message = /^error: Cannot freeze "encodr\.\*": .*did you mean "encoder\.\*"/m;
    await refused("train", [...args, "--freeze", "encodr.*"], message);
    await Deno.writeTextFile(file, 'freeze = ["encodr.*"]\n');
    await refused("train", [...args, "--config", file], message, 1);
    await rejects(Deno.stat(out), Deno.errors.NotFound);
  });
});

Deno.test("train --resume where there is no run", async () => {
  await withFolder(async (folder) => {
    await refused("train", ["--resume", "--out", folder], /^error: Cannot resume ".*": it holds no run\n$/);
  });
});

Deno.test("infer: what is missing, doubled or not writable", async () => {
  await refused("infer", [], /^error: Cannot go without --model: /);
  await refused("infer", ["--model", "m", "--data", "d", "a.wav"], /^error: Cannot predict two things at once: /);
  await withFolder(async (folder) => {
    const out = join(folder, "none", "p.csv");
    await refused(
      "infer",
      ["--model", "m", "--out", out],
      /^error: Cannot write ".*p\.csv": no such file or folder\n$/,
      1,
    );
  });
});
