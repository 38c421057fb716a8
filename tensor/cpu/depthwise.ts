/**
 * Plans depthwise convolutions, where each channel meets itself only, in both memory formats.
 * @module
 */
import type { ConvArgs, ConvWindow } from "../ops/conv_kernel.ts";
import type { HeapSlice } from "./heap.ts";
import { floatBits, type JobFunction, type Jobs } from "./jobs.ts";
import type { CpuSlice } from "./runtime.ts";
import { DEPTHWISE_ARGUMENTS, DEPTHWISE_WEIGHT_ARGUMENTS } from "./wasm/depthwise.ts";
import { DEPTHWISE_LAST_ARGUMENTS, DEPTHWISE_LAST_WEIGHT_ARGUMENTS, LAST_CHANNELS } from "./wasm/depthwise_last.ts";

/** Jobs of the module. */
export type DepthwiseJobs = Record<
  "depthwise" | "depthwiseWeight" | "depthwiseLast" | "depthwiseLastWeight",
  JobFunction
>;

/** Multiply-adds of a chunk: some twenty microseconds. */
const CHUNK = 2 ** 18;
/** Bytes of a padded plane at most; larger ones are left to the matrix product. */
const MOST_PLANE = 2 ** 22;
/** Vector loads may read so far past a row of zeros. */
const ZERO_BYTES = 64;

/** True where each channel meets itself only and a kernel of this file takes it. */
export function isDepthwise(c: ConvWindow): boolean {
  if (c.inChannels !== 1 || c.outChannels !== 1 || c.groups === 1) return false;
  return liesLast(c) || (c.stride[1] === 1 && c.y.col === 1 && planeOf(c).bytes <= MOST_PLANE);
}

const liesLast = ({ x, y }: ConvWindow) => x.channel === 1 && y.channel === 1;

/** Rows, columns and bytes of a plane with all that windows touch. */
function planeOf({ outSize, stride, kernel, dilation }: ConvWindow) {
  const rows = (outSize[0] - 1) * stride[0] + dilation[0] * (kernel[0] - 1) + 1;
  const cols = outSize[1] + dilation[1] * (kernel[1] - 1);
  const pitch = 4 * (4 * Math.ceil(cols / 4) + 4);
  return { rows, cols, pitch, bytes: rows * pitch };
}

/** Runs depthwise convolutions as jobs. */
export class DepthwisePlanner {
  readonly #jobs: Jobs;
  readonly #functions: DepthwiseJobs;

  constructor(jobs: Jobs, functions: DepthwiseJobs) {
    this.#jobs = jobs;
    this.#functions = functions;
  }

  /** Inputs and output as convKernel has them. */
  forward(c: ConvArgs, [x, weight, bias]: readonly CpuSlice[], [y]: readonly CpuSlice[]): void {
    const last = liesLast(c);
    const taps = c.kernel[0] * c.kernel[1];
    // whole vectors of 8 channels may be read
    const packed = this.#jobs.heap.allocateInternal(4 * taps * c.groups + 64);
    packWeight(c, weight, { to: packed.f32, channelStep: last ? 1 : taps, tapStep: last ? c.groups : 1 });
    const common = {
      ...{ weight: packed.ptr, bias: c.bias === null ? 0 : bias.ptr + 4 * c.bias },
      ...{
        floor: floatBits(c.activation === "relu" ? 0 : -Infinity),
        y: y.ptr + 4 * c.y.offset,
        yBatch: 4 * c.y.batch,
      },
      yRow: 4 * c.y.row,
    };
    if (last) this.#last(c, x, common);
    else this.#planes(c, x, { ...common, yChannel: 4 * c.y.channel });
    this.#jobs.heap.release(packed);
  }

  #planes(
    c: ConvArgs,
    x: CpuSlice,
    common: Record<"weight" | "bias" | "floor" | "y" | "yBatch" | "yRow" | "yChannel", number>,
  ) {
    const plane = planeOf(c);
    const table = this.#tapOffsets(c, plane.pitch);
    const total = c.batch * c.groups;
    const perChunk = perChunkOf(c);
    const words = DEPTHWISE_ARGUMENTS.words({
      ...planeWords(c, x, table),
      ...{ perChunk, total, ...this.#scratch(plane.bytes), ...common },
    });
    this.#jobs.run(this.#functions.depthwise, words, Math.ceil(total / perChunk));
    this.#jobs.heap.release(table);
  }

  #last(c: ConvArgs, x: CpuSlice, common: Record<"weight" | "bias" | "floor" | "y" | "yBatch" | "yRow", number>): void {
    const zeros = this.#jobs.heap.allocateInternal(ZERO_BYTES);
    zeros.f32.fill(0);
    const perChunk = 4 * Math.ceil(CHUNK / (c.groups * c.kernel[0] * c.kernel[1]) / 4);
    const chunksPerRow = Math.ceil(c.outSize[1] / perChunk);
    const words = DEPTHWISE_LAST_ARGUMENTS.words({
      ...lastWords(c, x),
      ...{ ...common, yCol: 4 * c.y.col, perChunk, chunksPerRow, zeros: zeros.ptr },
    });
    this.#jobs.run(this.#functions.depthwiseLast, words, c.batch * c.outSize[0] * chunksPerRow);
    this.#jobs.heap.release(zeros);
  }

  /** Inputs and output as convWeightKernel has them; the taps of each channel of the weight are contiguous. */
  weight(c: ConvWindow, [x, g]: readonly CpuSlice[], [weight]: readonly CpuSlice[]): void {
    const out = weight.ptr + 4 * c.weight.offset;
    const gradient = { g: g.ptr + 4 * c.y.offset, gBatch: 4 * c.y.batch, gRow: 4 * c.y.row, gCol: 4 * c.y.col };
    if (liesLast(c)) {
      const words = DEPTHWISE_LAST_WEIGHT_ARGUMENTS.words({ ...lastWords(c, x), batch: c.batch, ...gradient, out });
      return this.#jobs.run(this.#functions.depthwiseLastWeight, words, Math.ceil(c.groups / LAST_CHANNELS));
    }
    const plane = planeOf(c);
    const table = this.#tapOffsets(c, plane.pitch);
    const gPitch = 16 * Math.ceil(c.outSize[1] / 4);
    const gPlane = plane.bytes;
    const sums = gPlane + c.outSize[0] * gPitch;
    const perChunk = Math.max(1, Math.floor(perChunkOf(c) / c.batch));
    const words = DEPTHWISE_WEIGHT_ARGUMENTS.words({
      ...planeWords(c, x, table),
      ...{ perChunk, total: c.groups, ...this.#scratch(sums + 16 * c.kernel[0] * c.kernel[1]) },
      ...{ batch: c.batch, ...gradient, gChannel: 4 * c.y.channel, gPitch, gPlane, sums, out },
    });
    this.#jobs.run(this.#functions.depthwiseWeight, words, Math.ceil(c.groups / perChunk));
    this.#jobs.heap.release(table);
  }

  /** Byte offsets of the taps in a padded plane. */
  #tapOffsets({ kernel: [rows, cols], dilation }: ConvWindow, pitch: number): HeapSlice {
    const table = this.#jobs.heap.allocateInternal(4 * rows * cols);
    table.i32.set(
      Array.from(
        { length: rows * cols },
        (_, n) => Math.floor(n / cols) * dilation[0] * pitch + 4 * (n % cols) * dilation[1],
      ),
    );
    return table;
  }

  #scratch(bytes: number): { scratch: number; stride: number } {
    // the last vector of a row may reach past it
    const { ptr, stride } = this.#jobs.scratch(bytes + 64);
    return { scratch: ptr, stride };
  }
}

/** Planes of a chunk. */
function perChunkOf({ kernel, outSize }: ConvWindow): number {
  return Math.max(1, Math.floor(CHUNK / (outSize[0] * outSize[1] * kernel[0] * kernel[1])));
}

function planeWords(c: ConvWindow, x: CpuSlice, table: HeapSlice) {
  const { rows, cols, pitch } = planeOf(c);
  return {
    ...{ x: x.ptr + 4 * c.x.offset, xBatch: 4 * c.x.batch, xChannel: 4 * c.x.channel, xRow: 4 * c.x.row },
    ...{ xCol: 4 * c.x.col, inRows: c.inSize[0], inCols: c.inSize[1], startRow: c.start[0], startCol: c.start[1] },
    ...{ strideRow: c.stride[0], planeRows: rows, planeCols: cols, pitch, taps: table.ptr },
    ...{ tapCount: c.kernel[0] * c.kernel[1], outRows: c.outSize[0], outCols: c.outSize[1], channels: c.groups },
  };
}

function lastWords(c: ConvWindow, x: CpuSlice) {
  return {
    ...{ x: x.ptr + 4 * c.x.offset, xBatch: 4 * c.x.batch, xRow: 4 * c.x.row, xCol: 4 * c.x.col },
    ...{ inRows: c.inSize[0], inCols: c.inSize[1], startRow: c.start[0], startCol: c.start[1] },
    ...{ strideRow: c.stride[0], strideCol: c.stride[1], kRows: c.kernel[0], kCols: c.kernel[1] },
    ...{ dilRow: c.dilation[0], dilCol: c.dilation[1], outRows: c.outSize[0], outCols: c.outSize[1] },
    channels: c.groups,
  };
}

/** Copies the weights of all channels, taps in the order (row, column). */
function packWeight(
  { groups, kernel: [rows, cols], weight: w }: ConvWindow,
  { f32: from }: CpuSlice,
  { to, channelStep, tapStep }: { to: Float32Array; channelStep: number; tapStep: number },
): void {
  for (let channel = 0; channel < groups; channel++) {
    for (let tap = 0; tap < rows * cols; tap++) {
      const source = w.offset + channel * w.group + Math.floor(tap / cols) * w.row + (tap % cols) * w.col;
      to[channel * channelStep + tap * tapStep] = from[source];
    }
  }
}
