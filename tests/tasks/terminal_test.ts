/**
 * Tasks on a terminal. Only there does Deno ask for permissions that a task lacks, and wait for an answer: elsewhere it denies in silence, so
 * that no other test sees a missing one.
 */
import assert from "node:assert/strict";
import { withFolder } from "./run.ts";

/** util-linux's `script` gives a command a terminal. */
const hasScript = await new Deno.Command("script", { args: ["--version"], stdout: "null", stderr: "null" }).output()
  .then(({ success }) => success, () => false);

/** Runs `deno task …` on a terminal; what it printed, colours and all. */
async function onTerminal(task: string): Promise<string> {
  const { stdout } = await new Deno.Command("script", {
    args: ["--quiet", "--return", "--command", `${Deno.execPath()} task ${task}`, "/dev/null"],
    stdin: "null",
    signal: AbortSignal.timeout(60_000), // a task that asks would wait for ever
  }).output();
  return new TextDecoder().decode(stdout);
}

Deno.test({
  name: "on a terminal no task asks for a permission, and training draws a bar",
  ignore: !hasScript,
  async fn() {
    await withFolder(async (folder) => {
      const train = await onTerminal(`train --total-steps 10 --valid-steps 10 --device cpu --out ${folder}/run`);
      assert.doesNotMatch(train, /Deno requests/);
      assert.match(train, /Train: +\d+% /);
      assert.match(train, /Best validation accuracy/);
      const tasks = [
        `infer --model ${folder}/run --out ${folder}/p.csv tests/fixtures/audio/digit.flac data/samples/theo/0_theo_0.wav`,
        `evaluate --model ${folder}/run`,
        `plot ${folder}/run --out ${folder}/curves`,
        `preprocess --in data/samples --out ${folder}/features --workers 2`,
        `tune --data ${folder}/features --grid lr=1e-3,2e-3 --total-steps 2 --device cpu --out ${folder}/tune`,
        `ablate --data ${folder}/features --switch normFirst=false,true --total-steps 2 --device cpu --out ${folder}/abl`,
        "bench matmul-256 log-mel --device cpu",
        "doctor",
      ];
      for (const task of tasks) assert.doesNotMatch(await onTerminal(task), /Deno requests/, task);
      assert.match(await Deno.readTextFile(`${folder}/p.csv`), /^Id,Category\n.*digit\.flac,/);
    });
  },
});
