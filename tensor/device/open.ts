/**
 * Choosing a device: a real GPU if there is one, else the CPU; a software adapter only if asked for by name.
 * @module
 */
import { CpuDevice } from "../cpu/device.ts";
import { describeAdapter, findAdapter, openGpu } from "../webgpu/adapter.ts";
import { WebGpuDevice } from "../webgpu/device.ts";
import { cpuDevice, setCurrentDevice } from "./current.ts";
import type { Device, DeviceType } from "./device.ts";

/** What a user may ask for. */
export type DeviceChoice = "auto" | DeviceType;

/** A device and why it was chosen, for people. */
export interface Chosen {
  /** The device, open. */
  readonly device: Device;
  /** Why it was taken, such as "no GPU adapter found". */
  readonly reason: string;
}

/**
 * Opens a device. "auto" takes a real GPU if there is one, else the CPU; "webgpu" takes whatever adapter there is, software ones
 * included.
 *
 * @throws Error for "webgpu" where no adapter is found.
 */
export async function chooseDevice(choice: DeviceChoice = "auto"): Promise<Chosen> {
  if (choice === "cpu") return { device: new CpuDevice(), reason: "asked for" };
  const adapter = await findAdapter();
  if (adapter === null) {
    if (choice === "webgpu") {
      throw new Error("Cannot open a GPU: no adapter found; run `deno task doctor`, or use --device cpu");
    }
    return { device: new CpuDevice(), reason: "no GPU adapter found" };
  }
  const facts = describeAdapter(adapter);
  if (choice === "auto" && facts.software) {
    return {
      device: new CpuDevice(),
      reason: `the only adapter is software (${facts.description}); ask for it with --device webgpu`,
    };
  }
  const device = new WebGpuDevice(await openGpu(adapter), facts);
  return { device, reason: choice === "auto" ? "the GPU that was found" : "asked for" };
}

/** Opens a device, see {@linkcode chooseDevice}. */
export async function openDevice(choice: DeviceChoice = "auto"): Promise<Device> {
  return (await chooseDevice(choice)).device;
}

/**
 * Makes a device the one that new tensors and modules are made on. "cpu" shares one device, started on first use.
 *
 * @example
 * ```ts
 * import { setDevice } from "../mod.ts";
 * const device = await setDevice("auto");
 * console.log(device.type, device.description);
 * ```
 */
export async function setDevice(choice: DeviceChoice | Device): Promise<Device> {
  const device = typeof choice !== "string" ? choice : choice === "cpu" ? cpuDevice() : await openDevice(choice);
  setCurrentDevice(device);
  return device;
}
