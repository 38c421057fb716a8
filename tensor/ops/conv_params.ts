/**
 * What the convolution shaders share: the words of their uniform and the WGSL that reads them. All numbers are i32, since strides may be
 * negative and places may lie outside of the image.
 * @module
 */
import type { ConvArgs, ConvWindow } from "./conv_kernel.ts";
import { type Uniform, uniform } from "./wgsl.ts";

/** Names of the uniform's words, in order. */
const NAMES = [
  ..."batch groupCount inChannels outChannels inRows inCols outRows outCols kRows kCols".split(" "),
  ..."strideRow strideCol dilRow dilCol startRow startCol".split(" "),
  ..."x0 xBatch xChannel xRow xCol w0 wGroup wOut wIn wRow wCol y0 yBatch yChannel yRow yCol bias0".split(" "),
];

/** The uniform that every convolution kernel begins with, and `extra` words after it by their names. */
export function convUniform(
  c: ConvWindow & { readonly bias?: number | null },
  extra: Readonly<Record<string, number>> = {},
): { words: Uniform; lets: string } {
  const { x, weight: w, y } = c;
  const words = uniform([
    ...[c.batch, c.groups, c.inChannels, c.outChannels, ...c.inSize, ...c.outSize, ...c.kernel],
    ...[...c.stride, ...c.dilation, ...c.start],
    ...[x.offset, x.batch, x.channel, x.row, x.col],
    ...[w.offset, w.group, w.out, w.in, w.row, w.col],
    ...[y.offset, y.batch, y.channel, y.row, y.col, c.bias ?? 0],
    ...Object.values(extra),
  ]);
  const lets = [...NAMES, ...Object.keys(extra)].map((name, i) => `  let ${name} = ${words.i(i)};`).join("\n");
  return { words, lets };
}

/** The expression stored for the sum `acc` of output channel `channel`. */
export function convEpilogue({ bias, activation }: ConvArgs, acc: string, channel: string): string {
  const biased = bias === null ? acc : `${acc} + bias[bias0 + ${channel}]`;
  return activation === "relu" ? `max(${biased}, 0.0)` : biased;
}

/** Storage bindings named in order; the last is written. */
export function storageBindings(names: readonly string[]): string {
  return names.map((name, i) =>
    `@group(0) @binding(${i}) var<storage, ${i === names.length - 1 ? "read_write" : "read"}> ${name}: array<f32>;`
  ).join("\n");
}
