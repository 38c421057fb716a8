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
const facts = adapter === null ? null : describeAdapter(adapter);
const gpu = facts === null ? null : new WebGpuDevice(await openGpu(adapter!), facts);
let other: WebGpuDevice | null = null;
let texels: WebGpuDevice | null = null;

/** The device that {@linkcode forEachDevice} hands out as webgpu; null without an adapter. */
export function sharedGpu(): WebGpuDevice | null {
  return gpu;
}

/** The same GPU with the kernels that the other kind of adapter gets: on a software adapter those of real GPUs, and the reverse. */
async function otherKernels(): Promise<WebGpuDevice> {
  const again = await findAdapter(); // an adapter gives one device only
  return other ??= new WebGpuDevice(await openGpu(again!), {
    ...facts!,
    software: !facts!.software,
    texelBytes: Infinity,
  });
}

/** What the same GPU reads as textures because it is large, on a software adapter, this one reads so although it is small. */
async function smallTexels(): Promise<WebGpuDevice> {
  if (!facts!.software) return gpu!;
  const again = await findAdapter();
  return texels ??= new WebGpuDevice(await openGpu(again!), { ...facts!, texelBytes: 0 });
}

type Body = (device: WebGpuDevice) => void | Promise<void>;

function register(name: string, open: () => WebGpuDevice | Promise<WebGpuDevice>, body: Body): void {
  Deno.test({
    name,
    ignore: gpu === null && !required,
    async fn() {
      if (gpu === null) throw new Error("Cannot test webgpu: no adapter found, and VOXGRAD_REQUIRE_WEBGPU is set");
      const device = await open();
      await withDevice(device, () => body(device));
      await device.synchronize(); // what a shader did wrong belongs to this test, not to the next one
    },
  });
}

/** Registers a test for cpu alone. */
export function onCpu(name: string, body: (device: Device) => void | Promise<void>): void {
  Deno.test(`${name} (cpu)`, () => withDevice(cpuDevice(), () => body(cpuDevice())));
}

/** Registers a test for webgpu alone. */
export function onWebGpu(name: string, body: Body): void {
  register(`${name} (webgpu)`, () => gpu!, body);
}

/**
 * Registers `body` as one test for cpu and one for webgpu. While it runs, new tensors are made on the device and the random seed is 0.
 */
export function forEachDevice(name: string, body: (device: Device) => void | Promise<void>): void {
  onCpu(name, body);
  onWebGpu(name, body);
}

/**
 * {@linkcode forEachDevice}, and once more with the kernels that the other kind of adapter gets. On a software adapter everything is read
 * as textures, see tensor/webgpu/texel_reads.ts.
 */
export function forEachVariant(name: string, body: (device: Device) => void | Promise<void>): void {
  onCpu(name, body);
  register(`${name} (webgpu)`, smallTexels, body);
  register(
    `${name} (webgpu, ${facts?.software ? "kernels of real GPUs" : "kernels of software adapters"})`,
    otherKernels,
    body,
  );
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
