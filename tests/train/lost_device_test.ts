import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { cpuDevice } from "../../tensor/device/current.ts";
import { openDevice } from "../../tensor/mod.ts";
import type { WebGpuDevice } from "../../tensor/webgpu/device.ts";
import { onWebGpu } from "../devices.ts";
import { runSmall, withData } from "./small_run.ts";

async function copy(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copy(join(from, name), join(to, name));
    else await Deno.copyFile(join(from, name), join(to, name));
  }
}

/** Trains on a device of its own, which is destroyed when the run says `text`. */
async function runAndLose(text: string, config: { data: string; out: string; totalSteps: number }): Promise<void> {
  const device = await openDevice("webgpu") as WebGpuDevice;
  const onLine = (line: string) => line.startsWith(text) && device.gpu.destroy();
  try {
    await runSmall(device, { ...config }, { onLine });
  } finally {
    device.close();
  }
}

onWebGpu("a device lost in mid-run ends it with a remedy, and the run resumes from its checkpoint", async (device) => {
  await withData(async (folder, data) => {
    const [out, whole] = [join(folder, "run"), join(folder, "whole")];
    const config = { data, totalSteps: 60 };
    await rejects(runAndLose("Step 30", { ...config, out }), (error: Error) => {
      match(
        error.message,
        /^Cannot go on: the GPU device was lost .*resume from the last checkpoint, or use --device cpu/,
      );
      match(error.message, /\(after \d+ steps; what is saved stays in ".*run"\)$/);
      return true;
    });
    await copy(out, join(folder, "elsewhere"));
    const resumed = await runSmall(device, { ...config, out }, { resume: true });
    ok(resumed.lines.some((line) => /Continue at step (15|30)$/.test(line)), resumed.lines.join("\n"));
    const unbroken = await runSmall(device, { ...config, out: whole });
    deepStrictEqual(resumed.rows, unbroken.rows);
    const { rows } = await runSmall(cpuDevice(), { ...config, out: join(folder, "elsewhere") }, { resume: true });
    strictEqual(rows.length, unbroken.rows.length);
    const last = rows.at(-1)?.validLoss, wanted = unbroken.rows.at(-1)?.validLoss;
    ok(Math.abs(Number(last) - Number(wanted)) < 1e-3, `on the CPU ${last}, on the GPU ${wanted}`);
  });
});

onWebGpu("a device lost before the first checkpoint leaves nothing behind", async () => {
  await withData(async (folder, data) => {
    const out = join(folder, "run");
    await rejects(
      runAndLose("[Info]: Run folder", { data, out, totalSteps: 20 }),
      /^Error: Cannot go on: the GPU device was lost .*\(after \d+ steps; nothing was saved\)$/,
    );
    await rejects(Deno.stat(out), Deno.errors.NotFound);
  });
});
