/** `deno task bench` and `deno task doctor` as a user types them. */
import assert from "node:assert/strict";
import { runDenoTask, withFolder } from "./run.ts";

Deno.test("bench prints a line a case, with kernels beside it, and writes JSON", async () => {
  await withFolder(async (folder) => {
    const json = `${folder}/bench.json`;
    const args = ["hw4-simple", "matmul-256", "log-mel", "--steps", "2", "--device", "cpu", "--json", json];
    const { code, out } = await runDenoTask("bench", args);
    assert.equal(code, 0);
    assert.match(out, /^voxgrad-cpu hw4-simple \d+(\.\d+)? ms\/step \(\d+ kernels, \d+ MB, .*loss 6\.\d+ -> \d/m);
    assert.match(out, /^voxgrad-cpu matmul-256 \d+\.\d GFLOP\/s/m);
    assert.match(out, /^voxgrad log-mel \d+ x real time/m);
    const { device, results } = JSON.parse(await Deno.readTextFile(json));
    assert.match(device, /^CPU/);
    assert.deepEqual(results.map((r: { case: string }) => r.case), ["hw4-simple", "matmul-256", "log-mel"]);
    const [{ firstLoss, lastLoss, bytes }] = results;
    assert.ok(lastLoss < firstLoss, "it really trains");
    assert.ok(bytes < 400e6);
  });
});

Deno.test("bench --kernels prints a line for each kernel of the step", async () => {
  const { out } = await runDenoTask("bench", ["hw4-simple", "--steps", "1", "--device", "cpu", "--kernels"]);
  const [, kernels] = out.match(/(\d+) kernels/)!;
  assert.equal(out.match(/ µs .*GB\/s$/gm)?.length, Number(kernels));
  assert.match(out, /^matmul 2048x240x80 +\d+\.\d µs +\d+\.\d GFLOP\/s/m);
});

Deno.test("an unknown case is bad usage that names the near ones", async () => {
  const { code, err } = await runDenoTask("bench", ["hw4-simpel"]);
  assert.equal(code, 2);
  assert.match(err, /Cannot bench "hw4-simpel": did you mean "hw4-simple"/);
});

Deno.test("doctor tries what it finds and says what auto takes", async () => {
  const { code, out } = await runDenoTask("doctor", [], { VK_DRIVER_FILES: "/nonexistent" });
  assert.equal(code, 0);
  assert.match(out, /cpu {5}CPU, .*\n +works: loss 1\.91705, gradient norm 0\.51472/);
  assert.match(out, /--device auto takes /);
});
