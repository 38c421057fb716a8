/**
 * Which convolution kernel runs: chosen by size and adapter.
 * @module
 */
import type { GpuPlan, GpuTraits } from "../device/kernel.ts";
import { sizeOf } from "../shape.ts";
import type { ConvArgs, ConvWindow } from "./conv_kernel.ts";
import { convNaiveGpu, convWeightNaiveGpu } from "./conv_naive.wgsl.ts";
import { fitsGrids } from "./conv_pack.wgsl.ts";
import { convRegisterGpu, convWeightRegisterGpu } from "./conv_register.wgsl.ts";

/** Multiplications up to which one small kernel is faster than several good ones. */
const SMALL = 2 ** 15;

function isSmall({ batch, groups, inChannels, outChannels, outSize, kernel }: ConvWindow): boolean {
  return sizeOf([batch, groups, inChannels, outChannels, ...outSize, ...kernel]) <= SMALL;
}

/** The plan of a convolution. Inputs [x, weight, bias?], output y. */
export function convGpu(args: ConvArgs, traits: GpuTraits): GpuPlan {
  if (isSmall(args) || !fitsGrids(args)) return convNaiveGpu(args, traits);
  return traits.software ? convRegisterGpu(args) : convNaiveGpu(args, traits);
}

/** The plan of the weight's gradient. Inputs [x, g], output weight. */
export function convWeightGpu(args: ConvWindow, traits: GpuTraits): GpuPlan {
  if (isSmall(args) || !fitsGrids(args)) return convWeightNaiveGpu(args, traits);
  return traits.software ? convWeightRegisterGpu(args) : convWeightNaiveGpu(args, traits);
}
