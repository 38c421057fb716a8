import { deepStrictEqual, doesNotMatch, match, strictEqual } from "node:assert/strict";
import { runScript, startScript } from "./run.ts";

const sample = "tests/tasks/fixtures/sample_task.ts";

Deno.test("a task's exit code: 0 done, 1 failed or done in part, 2 bad usage", async () => {
  strictEqual((await runScript(sample, [])).code, 0);
  strictEqual((await runScript(sample, ["--end", "partly"])).code, 1);
  strictEqual((await runScript(sample, ["--end", "mistake"])).code, 1);
  strictEqual((await runScript(sample, ["--ent", "done"])).code, 2);
  const help = await runScript(sample, ["--help"]);
  strictEqual(help.code, 0);
  match(help.out, /^Usage: deno task sample/);
});

Deno.test("a user's mistake shows one line, with DEBUG its stack; a bug always shows its stack", async () => {
  strictEqual((await runScript(sample, ["--end", "mistake"])).err, 'error: Cannot read "a.wav": it is text\n');
  match((await runScript(sample, ["--end", "mistake"], { DEBUG: "1" })).err, /it is text\n\s+at .*sample_task\.ts/);
  const bug = (await runScript(sample, ["--end", "bug"])).err;
  match(bug, /reading 'x'\)\n\s+at .*sample_task\.ts/);
  match(bug, /this is an error in voxgrad itself/);
  doesNotMatch((await runScript(sample, ["--ent", "x"])).err, /\n\s+at /);
  match((await runScript(sample, ["\x1b[2J"])).err, /^error: Cannot use "·\[2J": /, "nothing steers the terminal");
});

/** Starts the waiting task, sends it a signal after each pause (in ms), and gives its code and output. */
async function interrupted(signal: Deno.Signal, pauses: number[]): Promise<{ code: number; out: string }> {
  const child = startScript(sample, ["--end", "wait"]);
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let out = (await reader.read()).value ?? ""; // "waiting": now it listens
  for (const pause of pauses) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    child.kill(signal);
  }
  for (let part = await reader.read(); !part.done; part = await reader.read()) out += part.value;
  await child.stderr.cancel();
  return { code: (await child.status).code, out };
}

Deno.test({
  name: "the first Ctrl-C lets a task save, a later one ends it at once",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const saved = { code: 130, out: "waiting\nsaving\nsaved\n" };
    deepStrictEqual(await interrupted("SIGINT", [0]), saved);
    deepStrictEqual(await interrupted("SIGTERM", [0]), saved);
    deepStrictEqual(await interrupted("SIGINT", [0, 500]), { code: 130, out: "waiting\nsaving\n" });
  },
});

Deno.test({
  name: "one key press that arrives twice, as below deno task, counts once",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    deepStrictEqual(await interrupted("SIGINT", [0, 20]), { code: 130, out: "waiting\nsaving\nsaved\n" });
  },
});
