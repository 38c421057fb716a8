/**
 * Which matrix product kernel runs: chosen by size and adapter.
 * @module
 */
import type { GpuPlan, GpuTraits } from "../device/kernel.ts";
import type { MatmulArgs } from "./matmul_kernel.ts";
import { matmulRegisterGpu } from "./matmul_register.wgsl.ts";
import { matmulTiledGpu } from "./matmul_tiled.wgsl.ts";

export { matmulNaiveGpu } from "./matmul_naive.wgsl.ts";

/** The plan of one product. Inputs [A, B, bias?], output C. */
export function matmulGpu(args: MatmulArgs, traits: GpuTraits): GpuPlan {
  return traits.software ? matmulRegisterGpu(args) : matmulTiledGpu(args);
}
