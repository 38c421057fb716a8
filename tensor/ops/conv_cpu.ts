/** Convolutions on the CPU. @module */
import type { CpuRuntime, CpuSlice } from "../cpu/runtime.ts";
import type { ConvArgs, ConvWindow } from "./conv_kernel.ts";
import { naiveConv, naiveConvWeight } from "./conv_naive.ts";

/** See convKernel. */
export function convCpu(
  args: ConvArgs,
  [x, weight, bias]: readonly CpuSlice[],
  [y]: readonly CpuSlice[],
  _runtime: CpuRuntime,
): void {
  naiveConv(args, { x: x.f32, weight: weight.f32, bias: args.bias === null ? null : bias.f32, y: y.f32 });
}

/** See convWeightKernel. */
export function convWeightCpu(
  args: ConvWindow,
  [x, g]: readonly CpuSlice[],
  [weight]: readonly CpuSlice[],
  _runtime: CpuRuntime,
): void {
  naiveConvWeight(args, { x: x.f32, g: g.f32, weight: weight.f32 });
}
