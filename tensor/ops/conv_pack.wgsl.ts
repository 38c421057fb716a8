/**
 * Lays out windows and weights as matrices for the register kernel. An adapter that takes these has slow integer division, so indices come
 * from the grid, and small quotients from floats.
 * @module
 */
import type { Dispatch } from "../device/kernel.ts";
import type { Block } from "./conv_blocks.ts";
import { type ConvArgs, convSizes, type ConvWindow } from "./conv_kernel.ts";
import { convUniform } from "./conv_params.ts";
import { stripElements, stripPlace } from "./matmul_pack.wgsl.ts";

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

/** Channels that an invocation lays out: where positions are costs the same for one. */
const CHANNELS = 4;
const FOUR = [0, 1, 2, 3];

/** A number of a row of the image, zero outside. */
const inputAt = (line: string, col: string, inside: string) =>
  `select(0.0, x[${line} + ${col} * xCol], ${inside} && ${col} >= 0 && ${col} < inCols)`;

/** The windows of a block as matrices (image, group) in strips of positions over taps, with a row of ones after the taps if `ones`. */
export function packColumns(c: ConvWindow, block: Block, { ones, from, to }: Bindings & { ones: boolean }): Dispatch {
  const { inChannels, kernel: [rows, cols], groups, outSize } = c;
  const pitch4 = pitchOf(block.count) / 4;
  const taps = inChannels * rows * cols + (ones ? 1 : 0);
  const matrix4 = stripElements(taps, block.count) / 4;
  const { words, lets } = convUniform(c, { ...blockWords(block), pitch4, taps, matrix4 });
  const apart = columnsApart();
  const source = `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> columns: array<vec4<f32>>;
${words.declare(2)}
${quotient(outSize[0] * outSize[1] + 4)}
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
${lets}
  let j4 = i32(id.x);
  if (j4 >= pitch4) { return; }
  let first = i32(id.y) * ${CHANNELS};
  let z = i32(id.z);
  if (first >= inChannels) {
    columns[z * matrix4 + ${stripPlace("j4", "taps - 1", "taps")}] = vec4<f32>(1.0);
    return;
  }
  let image = z / groupCount;
  let base = x0 + (firstImage + image) * xBatch + (z - image * groupCount) * inChannels * xChannel;
  let p = firstPosition + j4 * 4;
  let row0 = quotient(p, outCols);
  let col0 = p - row0 * outCols;
  var to = z * matrix4 + ${stripPlace("j4", "first * kRows * kCols", "taps")};
  for (var channel = first; channel < min(first + ${CHANNELS}, inChannels); channel++) {
    for (var i = 0; i < kRows; i++) {
      let line = base + channel * xChannel;
${c.stride[1] === c.dilation[1] ? `if (col0 + 3 < outCols) {${COLUMNS_TOGETHER}} else {${apart}}` : apart}
    }
  }
}`;
  return {
    label: `conv columns ${convSizes(c)}`,
    source,
    bindings: [from, to],
    uniform: words.data,
    grid: [Math.ceil(pitch4 / WORKGROUP), Math.ceil(inChannels / CHANNELS) + (ones ? 1 : 0), block.images * groups],
  };
}

/** Four positions of one row, a tap apart from each other: the window slides over them with one new number for each tap. */
const COLUMNS_TOGETHER = `
        let inRow = startRow + row0 * strideRow + i * dilRow;
        let inside = inRow >= 0 && inRow < inRows;
        let begin = line + inRow * xRow;
        var at = startCol + col0 * strideCol;
        var v = vec4<f32>(0.0);
${
  [1, 2, 3].map((e) => `        v.${"xyzw"[e]} = ${inputAt("begin", "at", "inside")};\n        at += dilCol;`).join(
    "\n",
  )
}
        for (var j = 0; j < kCols; j++) {
          v = vec4<f32>(v.yzw, ${inputAt("begin", "at", "inside")});
          columns[to] = v;
          at += dilCol;
          to += 4;
        }
      `;

/** Four positions, each with a place of its own. */
function columnsApart(): string {
  const place = (e: number) => `
        let wraps${e} = i32(col0 + ${e} >= outCols) + i32(col0 + ${e} >= 2 * outCols) + i32(col0 + ${e} >= 3 * outCols);
        let inRow${e} = startRow + (row0 + wraps${e}) * strideRow + i * dilRow;
        let inside${e} = inRow${e} >= 0 && inRow${e} < inRows;
        let begin${e} = line + inRow${e} * xRow;
        var at${e} = startCol + (col0 + ${e} - wraps${e} * outCols) * strideCol;`;
  return `${FOUR.map(place).join("")}
        for (var j = 0; j < kCols; j++) {
          columns[to] = vec4<f32>(${
    FOUR.map((e) => inputAt(`begin${e}`, `at${e}`, `inside${e}`)).join(",\n            ")
  });
${FOUR.map((e) => `          at${e} += dilCol;`).join("\n")}
          to += 4;
        }
      `;
}

const blockWords = ({ image, first, count, images }: Block) => ({
  firstImage: image,
  images,
  firstPosition: first,
  positions: count,
});

/** Vec4 of taps that an invocation lays out: two cache lines. */
const VECTORS = 8;

/** The windows of a block as a matrix for each group, in strips of taps over (image, position). */
export function packTaps(c: ConvWindow, block: Block, { from, to }: Bindings): Dispatch {
  const { inChannels, kernel: [rows, cols], groups, outSize } = c;
  const pitch4 = pitchOf(inChannels * rows * cols) / 4;
  const depth = block.images * block.count;
  const matrix4 = stripElements(depth, inChannels * rows * cols) / 4;
  const { words, lets } = convUniform(c, { ...blockWords(block), pitch4, depth, matrix4 });
  const source = `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> taps: array<vec4<f32>>;
${words.declare(2)}
${quotient(Math.max(outSize[0] * outSize[1], inChannels * rows * cols))}
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
${lets}
  let index = i32(id.x);
  if (index >= positions) { return; }
  let first = i32(id.y) * ${VECTORS};
  let z = i32(id.z);
  let part = z / images;
  let p = firstPosition + index;
  let row = quotient(p, outCols);
  let firstRow = row * strideRow + startRow;
  let firstCol = (p - row * outCols) * strideCol + startCol;
  let base = x0 + (firstImage + z - part * images) * xBatch + part * inChannels * xChannel;
  let line = quotient(first * 4, kCols);
  let channel = quotient(line, kRows);
  var i = line - channel * kRows;
  var j = first * 4 - line * kCols;
  var start = base + channel * xChannel;
  let at = (z - part * images) * positions + index;
  for (var t = first; t < min(first + ${VECTORS}, pitch4); t++) {
    var value = vec4<f32>(0.0);
${FOUR.map((e) => nextTap(e)).join("\n")}
    taps[part * matrix4 + ${stripPlace("t", "at", "depth")}] = value;
  }
}`;
  return {
    label: `conv taps ${convSizes(c)}`,
    source,
    bindings: [from, to],
    uniform: words.data,
    grid: [Math.ceil(block.count / WORKGROUP), Math.ceil(pitch4 / VECTORS), block.images * groups],
  };
}

/** Reads what the tap sees and goes on to the next one: along the window's row, to the next row, to the next channel. */
const nextTap = (e: number) =>
  `    {
      let inRow = firstRow + i * dilRow;
      let inCol = firstCol + j * dilCol;
      value.${"xyzw"[e]} = ${inputAt("start + inRow * xRow", "inCol", "inRow >= 0 && inRow < inRows")};
      j += 1;
      let rowEnds = j == kCols;
      j = select(j, 0, rowEnds);
      i += i32(rowEnds);
      let channelEnds = i == kRows;
      i = select(i, 0, channelEnds);
      start += select(0, xChannel, channelEnds);
    }`;

/** The weights as a matrix for each group, in strips of output channels over taps; the bias as a last row. */
export function packWeights(c: ConvArgs, { from, bias, to }: Bindings & { bias: number | null }): Dispatch {
  const { inChannels, outChannels, kernel: [rows, cols], groups } = c;
  const taps = inChannels * rows * cols;
  const depth = taps + (bias === null ? 0 : 1);
  const { words, lets } = convUniform(c, { matrix: stripElements(depth, outChannels), taps, depth });
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
  let to = part * matrix + (out >> 4u) * depth * 16 + tap * 16 + (out & 15);
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
  let channel = i32(id.y);
  let image = i32(id.z);
  let begin = (image * groupCount * outChannels + channel) * outRows * outCols + col;
  let to = y0 + image * yBatch + channel * yChannel + col * yCol;
  for (var row = 0; row < outRows; row++) { y[to + row * yRow] = dense[begin + row * outCols]; }
}`;
  return {
    label: `conv spread ${convSizes(c)}`,
    source,
    bindings: [from, to],
    uniform: words.data,
    grid: [Math.ceil(c.outSize[1] / WORKGROUP), c.groups * c.outChannels, c.batch],
  };
}

/** Whether the grids above stay within WebGPU's limit; larger ones are left to other kernels. */
export function fitsGrids({ batch, groups, inChannels, outChannels, kernel: [rows, cols] }: ConvWindow): boolean {
  return [batch * groups, groups * outChannels, inChannels * rows * cols + 1].every((n) => n <= 65535);
}
