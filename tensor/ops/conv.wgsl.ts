/**
 * Which convolution kernel runs: chosen by size and adapter.
 * @module
 */
import type { GpuPlan, GpuTraits } from "../device/kernel.ts";
import { sizeOf } from "../shape.ts";
import type { ConvArgs, ConvWindow } from "./conv_kernel.ts";
import { convDepthwiseGpu, convDepthwiseWeightGpu, isDepthwiseGpu } from "./conv_depthwise.wgsl.ts";
import { convNaiveGpu, convWeightNaiveGpu } from "./conv_naive.wgsl.ts";
import { fitsGrids } from "./conv_pack.wgsl.ts";
import { convRegisterGpu, convWeightRegisterGpu } from "./conv_register.wgsl.ts";
import { convTiledGpu } from "./conv_tiled.wgsl.ts";
import { convWeightTiledGpu } from "./conv_weight_tiled.wgsl.ts";

/** Multiplications up to which one small kernel is faster than several good ones. */
const SMALL = 2 ** 15;

function isSmall({ batch, groups, inChannels, outChannels, outSize, kernel }: ConvWindow): boolean {
  return sizeOf([batch, groups, inChannels, outChannels, ...outSize, ...kernel]) <= SMALL;
}

/** The plan of a convolution. Inputs [x, weight, bias?], output y. */
export function convGpu(args: ConvArgs, traits: GpuTraits): GpuPlan {
  if (isSmall(args)) return convNaiveGpu(args, traits);
  if (isDepthwiseGpu(args)) return convDepthwiseGpu(args, traits);
  return traits.software && fitsGrids(args) ? convRegisterGpu(args) : convTiledGpu(args);
}

/** The plan of the weight's gradient. Inputs [x, g], output weight. */
export function convWeightGpu(args: ConvWindow, traits: GpuTraits): GpuPlan {
  if (isSmall(args)) return convWeightNaiveGpu(args, traits);
  if (isDepthwiseGpu(args)) return convDepthwiseWeightGpu(args, traits);
  return traits.software && fitsGrids(args) ? convWeightRegisterGpu(args) : convWeightTiledGpu(args);
}
