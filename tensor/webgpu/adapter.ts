/**
 * Finding an adapter and opening a device on it.
 * @module
 */

/** What an adapter says of itself. */
export interface AdapterFacts {
  readonly description: string;
  /** True for llvmpipe, SwiftShader, WARP and their like, which compute on the CPU. */
  readonly software: boolean;
}

/** Asks for the fastest adapter; `null` where there is none, or no WebGPU at all. */
export async function findAdapter(): Promise<GPUAdapter | null> {
  if (typeof navigator === "undefined" || navigator.gpu === undefined) return null;
  try {
    return await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  } catch {
    return null; // a broken driver is as good as none; `doctor` says more
  }
}

/** Name and kind of an adapter. */
export function describeAdapter({ info }: GPUAdapter): AdapterFacts {
  const name = info.description || [info.vendor, info.architecture, info.device].filter(Boolean).join(" ") ||
    "unnamed adapter";
  const software = info.isFallbackAdapter === true || /llvmpipe|lavapipe|swiftshader|softpipe|basic render/i.test(name);
  return { description: name, software };
}

/** Opens a device with the adapter's own limits (the defaults are far below what hardware can do). */
export async function openGpu(adapter: GPUAdapter): Promise<GPUDevice> {
  const { limits } = adapter;
  const requiredLimits: Record<string, number> = {};
  for (
    const name of [
      "maxBufferSize",
      "maxStorageBufferBindingSize",
      "maxComputeWorkgroupStorageSize",
      "maxComputeInvocationsPerWorkgroup",
      "maxComputeWorkgroupSizeX",
    ] as const
  ) requiredLimits[name] = limits[name];
  const requiredFeatures = adapter.features.has("timestamp-query") ? (["timestamp-query"] as GPUFeatureName[]) : [];
  return await adapter.requestDevice({ requiredLimits, requiredFeatures });
}
