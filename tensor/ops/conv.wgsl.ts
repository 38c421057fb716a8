/**
 * Which convolution kernel runs: chosen by size and adapter.
 * @module
 */
import type { GpuPlan, GpuTraits } from "../device/kernel.ts";
import type { ConvArgs, ConvWindow } from "./conv_kernel.ts";
import { convNaiveGpu, convWeightNaiveGpu } from "./conv_naive.wgsl.ts";

/** The plan of a convolution. Inputs [x, weight, bias?], output y. */
export function convGpu(args: ConvArgs, traits: GpuTraits): GpuPlan {
  return convNaiveGpu(args, traits);
}

/** The plan of the weight's gradient. Inputs [x, g], output weight. */
export function convWeightGpu(args: ConvWindow, traits: GpuTraits): GpuPlan {
  return convWeightNaiveGpu(args, traits);
}
