/**
 * What a device holds and what its kernels take.
 * @module
 */
import { CpuDevice } from "./cpu/device.ts";
import { currentDevice } from "./device/current.ts";
import type { Device, DeviceMemory } from "./device/device.ts";
import { WebGpuDevice } from "./webgpu/device.ts";
import type { KernelTime } from "./webgpu/timestamps.ts";

export type { KernelTime };

/** Bytes and buffers that a device (default: the current one) holds. */
export function memory(device: Device = currentDevice()): DeviceMemory {
  return device.memory();
}

/**
 * Runs `body` and times every kernel on the device (default: the current one).
 *
 * @example
 * ```ts
 * import { formatKernelTime, profile, tensor } from "./mod.ts";
 * const x = tensor([[1, 2], [3, 4]]);
 * for (const kernel of await profile(() => void x.matmul(x))) console.log(formatKernelTime(kernel));
 * ```
 * @throws Error on an adapter without timestamp queries.
 */
export async function profile(
  body: () => void | Promise<void>,
  device: Device = currentDevice(),
): Promise<KernelTime[]> {
  if (device instanceof CpuDevice) return await profileCpu(device, body);
  const times = device instanceof WebGpuDevice ? await device.time(body) : null;
  if (times === null) throw new Error("Cannot profile: the adapter has no timestamp queries");
  return times;
}

async function profileCpu(device: CpuDevice, body: () => void | Promise<void>): Promise<KernelTime[]> {
  const times: KernelTime[] = [];
  device.onKernel = ({ kernel, args, label, inputs, outputs }, microseconds) => {
    const bytes = [...inputs, ...outputs].reduce((total, s) => total + s.bytes, 0);
    times.push({
      kernel: kernel.name,
      label: [label ?? kernel.name, kernel.sizes?.(args) ?? rowSizes(args)].join(" ").trimEnd(),
      microseconds,
      flops: kernel.flops?.(args) ?? 0,
      bytes,
    });
  };
  try {
    await body();
  } finally {
    device.onKernel = null;
  }
  return times;
}

/** Rows and columns, where arguments have them, as those of row kernels do. */
function rowSizes(args: unknown): string {
  const { rows, columns } = args as Partial<Record<"rows" | "columns", number>>;
  return rows === undefined || columns === undefined ? "" : `${rows}x${columns}`;
}

/** One line: name, microseconds, GFLOP/s, GB/s. */
export function formatKernelTime({ kernel, label, microseconds, flops, bytes }: KernelTime): string {
  const name = label.startsWith(kernel) ? label : `${kernel} ${label}`;
  const rate = (amount: number, unit: string) => `${(amount / microseconds / 1000).toFixed(1).padStart(8)} ${unit}`;
  const work = flops > 0 ? rate(flops, "GFLOP/s") : " ".repeat(16);
  return `${name.slice(0, 56).padEnd(56)} ${microseconds.toFixed(1).padStart(10)} µs ${work} ${rate(bytes, "GB/s")}`;
}
