/**
 * Which device new tensors are made on. `cpu` is there without being asked for; `webgpu` has to be opened first.
 * @module
 */
import { CpuDevice } from "../cpu/device.ts";
import type { Device } from "./device.ts";

let cpu: CpuDevice | null = null;
let current: Device | null = null;

/** The CPU device, started on first use. */
export function cpuDevice(): Device {
  return cpu ??= new CpuDevice();
}

/** The device of tensors made without one: what {@linkcode setDevice} was given last, else the CPU. */
export function currentDevice(): Device {
  return current ?? cpuDevice();
}

/** Makes `device` the one that new tensors are made on; `null` goes back to the CPU. */
export function setCurrentDevice(device: Device | null): void {
  current = device;
}
