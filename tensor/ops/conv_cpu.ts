/** Convolutions on the CPU: the fast form, or plain loops where there is nothing to compute. @module */
import type { CpuRuntime, CpuSlice } from "../cpu/runtime.ts";
import { sizeOf } from "../shape.ts";
import type { ConvArgs, ConvWindow } from "./conv_kernel.ts";
import { naiveConv, naiveConvWeight } from "./conv_naive.ts";

const isEmpty = ({ batch, groups, inChannels, outChannels, outSize, kernel }: ConvWindow) =>
  sizeOf([batch, groups, inChannels, outChannels, ...outSize, ...kernel]) === 0;

/** See convKernel. */
export function convCpu(
  c: ConvArgs,
  inputs: readonly CpuSlice[],
  outputs: readonly CpuSlice[],
  runtime: CpuRuntime,
): void {
  if (!isEmpty(c)) return runtime.conv(c, inputs, outputs);
  const [[x, weight, bias], [y]] = [inputs, outputs];
  naiveConv(c, { x: x.f32, weight: weight.f32, bias: c.bias === null ? null : bias.f32, y: y.f32 });
}

/** See convWeightKernel. */
export function convWeightCpu(
  c: ConvWindow,
  inputs: readonly CpuSlice[],
  outputs: readonly CpuSlice[],
  runtime: CpuRuntime,
): void {
  if (!isEmpty(c)) return runtime.convWeight(c, inputs, outputs);
  const [[x, g], [weight]] = [inputs, outputs];
  naiveConvWeight(c, { x: x.f32, g: g.f32, weight: weight.f32 });
}
