/** The key `recompute` in a run. */
import { ok, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { forEachDevice } from "../devices.ts";
import { withFolder } from "../tasks/run.ts";
import { runSmall, writeData } from "./small_run.ts";

forEachDevice("a run that computes layers again is the same run", async (device) => {
  await withFolder(async (folder) => {
    const data = join(folder, "data");
    await writeData(data);
    const run = (recompute: boolean) =>
      runSmall(device, { data, recompute, totalSteps: 10, saveSteps: 10, out: join(folder, `${recompute}`) });
    const [plain, again] = [await run(false), await run(true)];
    const losses = [plain, again].map(({ rows }) =>
      rows.map(({ loss }) => Number(loss ?? NaN)).filter(Number.isFinite)
    );
    ok(losses[0].length > 0);
    strictEqual(losses[1].length, losses[0].length);
    losses[0].forEach((loss, i) => ok(Math.abs(loss - losses[1][i]) < 1e-3, `${losses}`));
  });
});

Deno.test("a model without layers that can be computed again is refused before anything is written", async () => {
  await withFolder(async (folder) => {
    const data = join(folder, "data"), out = join(folder, "run");
    await writeData(data);
    const changes = { recompute: true, model: "xvector", channels: [8, 8, 8, 8, 12], segmentLength: 20 } as const;
    await rejects(runSmall(undefined, { data, out, device: "cpu", ...changes }), {
      message: 'Cannot recompute the layers of "xvector": it has none that can be; leave out --recompute',
    });
    await rejects(Deno.stat(out), Deno.errors.NotFound);
  });
});
