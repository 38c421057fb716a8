/**
 * Tests that have to hold on every device. Without an adapter the webgpu half is shown as ignored, or fails where
 * VOXGRAD_REQUIRE_WEBGPU is set.
 * @module
 */
import { cpuDevice, setCurrentDevice } from "../tensor/device/current.ts";
import type { Device } from "../tensor/device/device.ts";
import { manualSeed } from "../tensor/random.ts";
import { describeAdapter, findAdapter, openGpu } from "../tensor/webgpu/adapter.ts";
import { WebGpuDevice } from "../tensor/webgpu/device.ts";

const adapter = await findAdapter();
const required = (Deno.env.get("VOXGRAD_REQUIRE_WEBGPU") ?? "") !== "";
if (adapter === null) console.log("No WebGPU adapter found: the webgpu half of the tests is ignored");

// one device for all tests of a file, so that shaders compile once
const gpu = adapter === null ? null : new WebGpuDevice(await openGpu(adapter), describeAdapter(adapter));

/** The device that {@linkcode forEachDevice} hands out as webgpu; null without an adapter. */
export function sharedGpu(): WebGpuDevice | null {
  return gpu;
}

/** Registers a test for webgpu alone. */
export function onWebGpu(name: string, body: (device: WebGpuDevice) => void | Promise<void>): void {
  Deno.test({
    name: `${name} (webgpu)`,
    ignore: gpu === null && !required,
    async fn() {
      if (gpu === null) throw new Error("Cannot test webgpu: no adapter found, and VOXGRAD_REQUIRE_WEBGPU is set");
      await withDevice(gpu, () => body(gpu));
      await gpu.synchronize(); // what a shader did wrong belongs to this test, not to the next one
    },
  });
}

/**
 * Registers `body` as one test for cpu and one for webgpu. While it runs, new tensors are made on the device and the random seed is 0.
 */
export function forEachDevice(name: string, body: (device: Device) => void | Promise<void>): void {
  Deno.test(`${name} (cpu)`, () => withDevice(cpuDevice(), () => body(cpuDevice())));
  onWebGpu(name, body);
}

async function withDevice(device: Device, body: () => void | Promise<void>): Promise<void> {
  setCurrentDevice(device);
  manualSeed(0);
  try {
    await body();
  } finally {
    setCurrentDevice(null);
  }
}
