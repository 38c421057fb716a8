import { deepStrictEqual, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { openDevice } from "../../tensor/mod.ts";
import type { WebGpuDevice } from "../../tensor/webgpu/device.ts";
import { onWebGpu } from "../devices.ts";
import { runSmall, withData } from "./small_run.ts";

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
    const resumed = await runSmall(device, { ...config, out }, { resume: true });
    ok(resumed.lines.some((line) => /Continue at step (15|30)$/.test(line)), resumed.lines.join("\n"));
    const unbroken = await runSmall(device, { ...config, out: whole });
    deepStrictEqual(resumed.rows, unbroken.rows);
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
