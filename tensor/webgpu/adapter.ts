/**
 * Finding an adapter and opening a device on it.
 * @module
 */

/** What an adapter says of itself. */
export interface AdapterFacts {
  readonly description: string;
  /** True for llvmpipe, SwiftShader, WARP and their like, which compute on the CPU. */
  readonly software: boolean;
  /** Bytes that a dispatch reads from which it reads them as textures, see `texel_reads.ts`; Infinity: never. */
  readonly texelBytes: number;
}

/** For llvmpipe: a copy to a texture costs some 0.1 ms before its first byte, as much as reading so many from a storage buffer. */
const WORTH_A_COPY = 1 << 16;

/** Asks for the fastest adapter; `null` where there is none, none but OpenGL's, or no WebGPU at all. */
export async function findAdapter(): Promise<GPUAdapter | null> {
  if (typeof navigator === "undefined" || navigator.gpu === undefined) return null;
  try {
    const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
    return adapter === null || runsOnOpenGl(adapter.limits) ? null : adapter;
  } catch {
    return null; // a broken driver is as good as none; `doctor` says more
  }
}

/**
 * Whether limits are those of an adapter on OpenGL, which Deno falls back on where it finds no Vulkan: drivers compile our kernels for
 * minutes there, and round otherwise. Nothing names the interface, but these two limits together tell it: no limit on bindings (nor on Metal
 * and Direct3D 12), yet only 16 texture slots (as in browsers, which do limit bindings).
 */
export function runsOnOpenGl(
  { maxBindingsPerBindGroup, maxSampledTexturesPerShaderStage }: Pick<
    GPUSupportedLimits,
    "maxBindingsPerBindGroup" | "maxSampledTexturesPerShaderStage"
  >,
): boolean {
  return maxBindingsPerBindGroup === 2 ** 32 - 1 && maxSampledTexturesPerShaderStage <= 16;
}

/** Name and kind of an adapter. */
export function describeAdapter({ info }: GPUAdapter): AdapterFacts {
  const name = info.description || [info.vendor, info.architecture, info.device].filter(Boolean).join(" ") ||
    "unnamed adapter";
  const software = info.isFallbackAdapter === true || /llvmpipe|lavapipe|swiftshader|softpipe|basic render/i.test(name);
  return { description: name, software, texelBytes: /llvmpipe|lavapipe/i.test(name) ? WORTH_A_COPY : Infinity };
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
      "maxTextureDimension2D",
      "maxStorageTexturesPerShaderStage",
    ] as const
  ) requiredLimits[name] = limits[name];
  const requiredFeatures = adapter.features.has("timestamp-query") ? (["timestamp-query"] as GPUFeatureName[]) : [];
  return await adapter.requestDevice({ requiredLimits, requiredFeatures });
}
