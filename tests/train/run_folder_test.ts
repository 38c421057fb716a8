import { deepStrictEqual, match, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { join } from "node:path";
import { readSafetensors } from "../../data/files/safetensors.ts";
import { RunFolder, type Saved } from "../../train/run_folder.ts";
import { withFolder } from "../tasks/run.ts";

const saved = (value: number): Saved => ({
  arrays: { w: { shape: [3], data: new Float32Array(3).fill(value) } },
  metadata: { kind: "test" },
});

async function namesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}

Deno.test("a run's folder holds its config, and is not given to another run", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "deep", "run");
    const run = await RunFolder.create(path, { lr: 0.1 });
    deepStrictEqual(JSON.parse(await Deno.readTextFile(run.configPath)), { lr: 0.1 });
    await rejects(RunFolder.create(path, { lr: 1 }), {
      message:
        `Cannot train into "${path}": it already holds a run; go on with it by --resume, or give another folder with --out`,
    });
    const again = await RunFolder.open(path);
    await again.saveConfig({ lr: 0.2 });
    deepStrictEqual(JSON.parse(await Deno.readTextFile(run.configPath)), { lr: 0.2 });
    await rejects(RunFolder.open(folder), { message: `Cannot open run "${folder}": it holds no config.json` });
  });
});

Deno.test("a folder that cannot be written is named with the fact and the remedy", async () => {
  await withFolder(async (folder) => {
    const file = join(folder, "file");
    await Deno.writeTextFile(file, "");
    for (const path of [file, join(file, "run")]) {
      await rejects(RunFolder.create(path, {}), {
        message: `Cannot write to "${path}": a part of the path is a file; give another folder with --out`,
      });
    }
  });
});

Deno.test("a folder that is lost in mid-run is named, and that the run can be resumed", async () => {
  await withFolder(async (parent) => {
    const folder = join(parent, "run");
    const run = await RunFolder.create(folder, {});
    const metrics = await run.openMetrics();
    metrics.close();
    await Deno.remove(folder, { recursive: true });
    const remedy = "; mend that and go on with --resume";
    throws(() => run.openEvents(), /^Error: Cannot write ".*tfevents.*": no such file or folder; mend that/);
    throws(() => metrics.append({ step: 1 }), {
      message: `Cannot write "${run.metricsPath}": Bad resource ID${remedy}`,
    });
    for (const save of [() => run.saveBest(saved(1)), () => run.saveCheckpoint(1, saved(1))]) {
      await rejects(save(), { message: `Cannot write to "${folder}": no such file or folder${remedy}` });
    }
  });
});

Deno.test("two checkpoints are kept, nothing else is left behind", async () => {
  await withFolder(async (folder) => {
    const run = await RunFolder.create(folder, {});
    strictEqual(await run.loadCheckpoint(() => {}), undefined);
    for (const step of [100, 200, 300]) await run.saveCheckpoint(step, saved(step));
    await run.saveCheckpoint(300, saved(301));
    deepStrictEqual(await namesIn(join(folder, "last")), ["step-00000200.safetensors", "step-00000300.safetensors"]);
    const checkpoint = await run.loadCheckpoint(() => ok(false));
    strictEqual(checkpoint?.step, 300);
    deepStrictEqual({ arrays: checkpoint?.arrays, metadata: checkpoint?.metadata }, saved(301));
    await run.saveBest(saved(1));
    await run.saveBest(saved(2));
    deepStrictEqual(readSafetensors(run.bestPath), saved(2));
    deepStrictEqual(await namesIn(folder), ["best.safetensors", "config.json", "last"]);
  });
});

Deno.test("more checkpoints are kept where they are asked for, and those of interruptions are not among them", async () => {
  await withFolder(async (folder) => {
    const run = await RunFolder.create(folder, {});
    const recent = { count: 3, every: 100 };
    const steps = async () => (await run.recentCheckpoints(recent)).map(({ step }) => step);
    for (const step of [100, 200, 250, 300, 310, 320, 400, 410]) {
      await run.saveCheckpoint(step, { ...saved(step), ...recent });
    }
    deepStrictEqual(await steps(), [410, 400, 300]);
    deepStrictEqual((await namesIn(join(folder, "last"))).map((name) => Number(/\d+/.exec(name))), [300, 400, 410]);
    await run.saveCheckpoint(415, { ...saved(415), ...recent });
    deepStrictEqual((await namesIn(join(folder, "last"))).map((name) => Number(/\d+/.exec(name))), [
      300,
      400,
      410,
      415,
    ]);
    deepStrictEqual(await steps(), [415, 400, 300]);
  });
});

Deno.test("from a checkpoint cut short anywhere, the one before is used, with a message", async () => {
  await withFolder(async (folder) => {
    const run = await RunFolder.create(folder, {});
    await run.saveCheckpoint(100, saved(1));
    const whole = await Deno.readFile(join(folder, "last", "step-00000100.safetensors"));
    for (const size of [0, 4, 8, 30, whole.length - 1]) {
      await Deno.writeFile(join(folder, "last", "step-00000200.safetensors"), whole.subarray(0, size));
      const said: string[] = [];
      const checkpoint = await run.loadCheckpoint((line) => said.push(line));
      strictEqual(checkpoint?.step, 100);
      strictEqual(said.length, 1);
      match(said[0], /^Cannot read ".*step-00000200\.safetensors": .*; using the checkpoint before it$/);
    }
    await run.saveCheckpoint(150, saved(2));
    await run.saveCheckpoint(180, saved(3));
    ok(!(await namesIn(join(folder, "last"))).includes("step-00000100.safetensors"));
    strictEqual((await run.loadCheckpoint(() => ok(false)))?.step, 180, "the broken one does not count");
  });
});

Deno.test("with no whole checkpoint at all, resuming is refused, every time", async () => {
  await withFolder(async (folder) => {
    const run = await RunFolder.create(folder, {});
    for (const step of [100, 200]) {
      await Deno.writeTextFile(join(folder, "last", `step-00000${step}.safetensors`), "half");
    }
    for (let attempt = 1; attempt <= 2; attempt++) {
      const said: string[] = [];
      await rejects(run.loadCheckpoint((line) => said.push(line)), {
        message: `Cannot resume "${folder}": none of its 2 checkpoints is whole`,
      });
      deepStrictEqual(said.map((line) => line.endsWith("; using the checkpoint before it")), [true, false]);
    }
  });
});

Deno.test("metrics and events of a resumed run go on after the checkpoint", async () => {
  await withFolder(async (folder) => {
    const run = await RunFolder.create(folder, {});
    {
      using metrics = await run.openMetrics();
      [10, 20, 30].forEach((step) => metrics.append({ step }));
    }
    {
      using metrics = await run.openMetrics(20);
      metrics.append({ step: 25 });
      using events = run.openEvents(20);
      events.scalar("lr", 1, 25);
    }
    strictEqual(await Deno.readTextFile(run.metricsPath), '{"step":10}\n{"step":20}\n{"step":25}\n');
    ok((await namesIn(folder)).some((name) => name.includes("tfevents")));
  });
});

Deno.test({
  name: "two runs cannot be at work in one folder",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await withFolder(async (folder) => {
      const run = await RunFolder.create(folder, {});
      {
        using _ = await run.lock();
        await rejects((await RunFolder.open(folder)).lock(), {
          message: `Cannot train into "${folder}": another run is at work there; wait for its end, or stop it`,
        });
      }
      (await run.lock())[Symbol.dispose]();
      deepStrictEqual(await namesIn(folder), ["config.json", "last"]);
    });
  },
});
