/** Convolutions on the CPU: the fast form where it fits, else the plain loops. @module */
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
  const [[x, weight, bias], [y]] = [inputs, outputs];
  if (isEmpty(c)) {
    return naiveConv(c, { x: x.f32, weight: weight.f32, bias: c.bias === null ? null : bias.f32, y: y.f32 });
  }
  if (c.y.col === 1) return runtime.conv(c, inputs, outputs);
  const dense = denseOutput(c);
  const temporary = runtime.scratch(4 * c.batch * dense.y.batch);
  runtime.conv(dense, inputs, [temporary]);
  spread(c, temporary.f32, y.f32);
}

/** The same convolution into memory of its own, row-major. */
function denseOutput(c: ConvArgs): ConvArgs {
  const [rows, cols] = c.outSize;
  const channel = rows * cols;
  return { ...c, y: { offset: 0, batch: c.groups * c.outChannels * channel, channel, row: cols, col: 1 } };
}

/** Writes row-major values to where the output lies. */
function spread(
  { batch, groups, outChannels, outSize: [rows, cols], y }: ConvArgs,
  from: Float32Array,
  to: Float32Array,
) {
  let i = 0;
  for (let image = 0; image < batch; image++) {
    for (let channel = 0; channel < groups * outChannels; channel++) {
      for (let row = 0; row < rows; row++) {
        let at = y.offset + image * y.batch + channel * y.channel + row * y.row;
        for (let col = 0; col < cols; col++, at += y.col) to[at] = from[i++];
      }
    }
  }
}

/** See convWeightKernel. */
export function convWeightCpu(
  c: ConvWindow,
  inputs: readonly CpuSlice[],
  outputs: readonly CpuSlice[],
  runtime: CpuRuntime,
): void {
  const [[x, g], [weight]] = [inputs, outputs];
  const rowMajor = c.y.col === 1 && (c.outSize[0] === 1 || c.y.row === c.outSize[1]);
  if (rowMajor && !isEmpty(c)) runtime.convWeight(c, inputs, outputs);
  else naiveConvWeight(c, { x: x.f32, g: g.f32, weight: weight.f32 });
}
