import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { MetricsFile, readMetrics } from "../../train/metrics_file.ts";
import { withFolder } from "../tasks/run.ts";

Deno.test("metrics are appended, read back, and cut on resuming", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "metrics.jsonl");
    deepStrictEqual(await readMetrics(path), []);
    {
      using metrics = await MetricsFile.open(path);
      metrics.append({ step: 100, loss: 1.5 });
      metrics.append({ step: 200, loss: NaN, note: "odd" });
      strictEqual(await Deno.readTextFile(path), '{"step":100,"loss":1.5}\n{"step":200,"loss":null,"note":"odd"}\n');
    }
    {
      using metrics = await MetricsFile.open(path, 100);
      metrics.append({ step: 150, loss: 1 });
    }
    deepStrictEqual(await readMetrics(path), [{ step: 100, loss: 1.5 }, { step: 150, loss: 1 }]);
  });
});

Deno.test("half a last row is left out, another broken row is an error", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "metrics.jsonl");
    await Deno.writeTextFile(path, '{"step":1}\n{"step":2,"lo');
    deepStrictEqual(await readMetrics(path), [{ step: 1 }]);
    using metrics = await MetricsFile.open(path, 5);
    metrics.append({ step: 2 });
    deepStrictEqual(await readMetrics(path), [{ step: 1 }, { step: 2 }]);
    await Deno.writeTextFile(path, '{"step":1}\nhello\n{"step":2}\n');
    await rejects(readMetrics(path), {
      name: "SyntaxError",
      message: `Cannot read line 2 of "${path}": expected a JSON object with a step, found "hello"`,
    });
  });
});
