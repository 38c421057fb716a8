/**
 * Lays out windows and weights as matrices for the register kernel. An adapter that takes these has slow integer division, so indices come
 * from the grid, and small quotients from floats.
 * @module
 */
import type { Dispatch } from "../device/kernel.ts";
import type { Block } from "./conv_blocks.ts";
import { type ConvArgs, convSizes, type ConvWindow } from "./conv_kernel.ts";
import { convUniform } from "./conv_params.ts";

/** Numbers below this are divided exactly as floats: the error of a quotient is less than its distance from a whole number. */
const EXACT = 2 ** 20;

/** A function `quotient` of WGSL for numerators up to `largest`. */
function quotient(largest: number): string {
  const value = largest < EXACT ? "i32((f32(a) + 0.5) / f32(b))" : "a / b";
  return `fn quotient(a: i32, b: i32) -> i32 { return ${value}; }`;
}

const WORKGROUP = 64;

/** Elements of a row rounded up to whole vec4. */
export const pitchOf = (size: number): number => 4 * Math.ceil(size / 4);

/** Where a dispatch reads and writes: bindings of the call. */
interface Bindings {
  readonly from: number;
  readonly to: number;
}

/** The windows of a block as (image, group, tap, position), with a row of ones after the taps if `ones`. */
export function packColumns(c: ConvWindow, block: Block, { ones, from, to }: Bindings & { ones: boolean }): Dispatch {
  const { inChannels, kernel: [rows, cols], groups, outSize } = c;
  const pitch4 = pitchOf(block.count) / 4;
  const taps = inChannels * rows * cols + (ones ? 1 : 0);
  const { words, lets } = convUniform(c, { ...blockWords(block), pitch4, taps });
  const source = `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> columns: array<vec4<f32>>;
${words.declare(2)}
${quotient(Math.max(outSize[0] * outSize[1] + 4, inChannels * rows))}
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
${lets}
  let j4 = i32(id.x);
  if (j4 >= pitch4) { return; }
  let line = i32(id.y);
  let z = i32(id.z);
  var to = (z * taps + line * kCols) * pitch4 + j4;
  if (line >= inChannels * kRows) {
    columns[to] = vec4<f32>(1.0);
    return;
  }
  let channel = quotient(line, kRows);
  let tapRow = (line - channel * kRows) * dilRow + startRow;
  let part = z % groupCount;
  let base = x0 + (firstImage + z / groupCount) * xBatch + (part * inChannels + channel) * xChannel;
  let p = firstPosition + j4 * 4;
  var row0 = quotient(p, outCols);
  var col0 = p - row0 * outCols;
${
    [0, 1, 2, 3].map((e) => `
  let inRow${e} = row${e} * strideRow + tapRow;
  let inside${e} = inRow${e} >= 0 && inRow${e} < inRows;
  let at${e} = base + inRow${e} * xRow;
  var inCol${e} = col${e} * strideCol + startCol;
${
      e < 3
        ? `  let wraps${e} = col${e} + 1 >= outCols;
  let row${e + 1} = select(row${e}, row${e} + 1, wraps${e});
  let col${e + 1} = select(col${e} + 1, 0, wraps${e});`
        : ""
    }`).join("")
  }
  for (var j = 0; j < kCols; j++) {
    columns[to] = vec4<f32>(${
    [0, 1, 2, 3].map((e) => `
      select(0.0, x[at${e} + inCol${e} * xCol], inside${e} && inCol${e} >= 0 && inCol${e} < inCols)`).join(",")
  });
${[0, 1, 2, 3].map((e) => `    inCol${e} += dilCol;`).join("\n")}
    to += pitch4;
  }
}`;
  return {
    label: `conv columns ${convSizes(c)}`,
    source,
    bindings: [from, to],
    uniform: words.data,
    grid: [Math.ceil(pitch4 / WORKGROUP), inChannels * rows + (ones ? 1 : 0), block.images * groups],
  };
}

const blockWords = ({ image, first, count, images }: Block) => ({
  firstImage: image,
  images,
  firstPosition: first,
  positions: count,
});

/** The windows of a block as (group, image, position, tap), rows of whole vec4. */
export function packTaps(c: ConvWindow, block: Block, { from, to }: Bindings): Dispatch {
  const { inChannels, kernel: [rows, cols], groups, outSize } = c;
  const { words, lets } = convUniform(c, { ...blockWords(block), pitch: pitchOf(inChannels * rows * cols) });
  const source = `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> taps: array<f32>;
${words.declare(2)}
${quotient(Math.max(outSize[0] * outSize[1], inChannels * rows))}
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
${lets}
  let index = i32(id.x);
  if (index >= positions) { return; }
  let line = i32(id.y);
  let z = i32(id.z);
  let channel = quotient(line, kRows);
  let part = z / images;
  let p = firstPosition + index;
  let row = quotient(p, outCols);
  let inRow = row * strideRow + (line - channel * kRows) * dilRow + startRow;
  let base = x0 + (firstImage + z % images) * xBatch + (part * inChannels + channel) * xChannel + inRow * xRow;
  let inside = inRow >= 0 && inRow < inRows;
  var inCol = (p - row * outCols) * strideCol + startCol;
  let to = (z * positions + index) * pitch + line * kCols;
  for (var j = 0; j < kCols; j++) {
    taps[to + j] = select(0.0, x[base + inCol * xCol], inside && inCol >= 0 && inCol < inCols);
    inCol += dilCol;
  }
}`;
  return {
    label: `conv taps ${convSizes(c)}`,
    source,
    bindings: [from, to],
    uniform: words.data,
    grid: [Math.ceil(block.count / WORKGROUP), inChannels * rows, block.images * groups],
  };
}

/** The weights as (group, tap, output channel), rows of whole vec4; the bias as a last row. */
export function packWeights(c: ConvArgs, { from, bias, to }: Bindings & { bias: number | null }): Dispatch {
  const { inChannels, outChannels, kernel: [rows, cols], groups } = c;
  const taps = inChannels * rows * cols;
  const { words, lets } = convUniform(c, { pitch: pitchOf(outChannels), taps });
  const last = bias === null ? 1 : 2;
  const source = `
@group(0) @binding(0) var<storage, read> weight: array<f32>;
${bias === null ? "" : "@group(0) @binding(1) var<storage, read> bias: array<f32>;"}
@group(0) @binding(${last}) var<storage, read_write> panel: array<f32>;
${words.declare(last + 1)}
${quotient(taps)}
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
${lets}
  let out = i32(id.x);
  if (out >= outChannels) { return; }
  let tap = i32(id.y);
  let part = i32(id.z);
  let to = (part * ${bias === null ? "taps" : "(taps + 1)"} + tap) * pitch + out;
  ${
    bias === null ? "" : `if (tap >= taps) {
    panel[to] = bias[bias0 + part * outChannels + out];
    return;
  }`
  }
  let line = quotient(tap, kCols);
  let channel = quotient(line, kRows);
  let i = line - channel * kRows;
  let j = tap - line * kCols;
  panel[to] = weight[w0 + part * wGroup + out * wOut + channel * wIn + i * wRow + j * wCol];
}`;
  return {
    label: `conv weights ${convSizes(c)}`,
    source,
    bindings: bias === null ? [from, to] : [from, bias, to],
    uniform: words.data,
    grid: [Math.ceil(outChannels / WORKGROUP), taps + (bias === null ? 0 : 1), groups],
  };
}

/** Writes a row-major result (image, channel, position) to where the output lies. */
export function spread(c: ConvArgs, { from, to }: Bindings): Dispatch {
  const { words, lets } = convUniform(c);
  const source = `
@group(0) @binding(0) var<storage, read> dense: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
${words.declare(2)}
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
${lets}
  let col = i32(id.x);
  if (col >= outCols) { return; }
  let row = i32(id.y);
  let z = i32(id.z);
  let channels = groupCount * outChannels;
  let image = z / channels;
  y[y0 + image * yBatch + (z - image * channels) * yChannel + row * yRow + col * yCol] =
    dense[(z * outRows + row) * outCols + col];
}`;
  const [rows, cols] = c.outSize;
  return {
    label: `conv spread ${convSizes(c)}`,
    source,
    bindings: [from, to],
    uniform: words.data,
    grid: [Math.ceil(cols / WORKGROUP), rows, c.batch * c.groups * c.outChannels],
  };
}

/** Whether the grids above stay within WebGPU's limit; larger ones are left to other kernels. */
export function fitsGrids(
  { batch, groups, inChannels, outChannels, kernel: [rows, cols], outSize }: ConvWindow,
): boolean {
  return [batch * groups * outChannels, inChannels * rows * cols + 1, ...outSize].every((n) => n <= 65535);
}
