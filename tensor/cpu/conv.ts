/**
 * Plans convolutions as matrix products. Every division depends on the shape alone, so that results do not depend on the number of threads.
 * @module
 */
import type { ConvArgs, ConvWindow } from "../ops/conv_kernel.ts";
import type { HeapSlice } from "./heap.ts";
import { floatBits, type JobFunction, type Jobs } from "./jobs.ts";
import type { CpuSlice } from "./runtime.ts";
import { convScratch, MOST_COLUMNS } from "./wasm/conv.ts";
import { CONV_ARGUMENTS, CONV_WEIGHT_ARGUMENTS, TAP_BYTES } from "./wasm/conv_pack.ts";
import { BLOCK_K, BLOCK_M, blockK, REDUCE_ARGUMENTS } from "./wasm/gemm.ts";

/** Jobs of the module that convolutions run. */
export type ConvJobs = Record<"convForward" | "convWeight" | "reduce", JobFunction>;

/** Chunks that keep a few threads busy. */
const ENOUGH = 16;
/** Taps of a chunk of the weight's gradient. */
const TAPS_PER_CHUNK = 256;
/** Most bytes of partial sums of a weight's gradient. */
const PARTIAL_BYTES = 2 ** 25;

/** Runs convolutions as jobs. */
export class ConvPlanner {
  readonly #jobs: Jobs;
  readonly #functions: ConvJobs;

  constructor(jobs: Jobs, functions: ConvJobs) {
    this.#jobs = jobs;
    this.#functions = functions;
  }

  /** Inputs and output as convKernel has them. */
  forward(c: ConvArgs, inputs: readonly CpuSlice[], [y]: readonly CpuSlice[]): void {
    if (c.y.col === 1) return this.#forward(c, inputs, y);
    const dense = denseOutput(c);
    const temporary = this.#jobs.heap.allocateInternal(4 * c.batch * dense.y.batch);
    this.#forward(dense, inputs, temporary);
    spread(c, temporary.f32, y.f32);
    this.#jobs.heap.release(temporary);
  }

  /** The same where columns of the output lie side by side. */
  #forward(c: ConvArgs, [x, weight, bias]: readonly CpuSlice[], y: CpuSlice): void {
    const k = c.inChannels * c.kernel[0] * c.kernel[1] + (c.bias === null ? 0 : 1);
    const row = packedRow(k);
    const a = this.#jobs.heap.allocateInternal(4 * row * c.groups * c.outChannels);
    packWeight(c, { weight, bias, row, to: a.f32 });
    const table = this.#tapTable(c);
    const split = divide(c);
    const words = CONV_ARGUMENTS.words({
      ...windowWords(c, x, table),
      ...this.#scratch(split.rowsPer),
      ...{ a: a.ptr, aRow: 4 * row, aGroup: 4 * row * c.outChannels },
      ...{ y: y.ptr + 4 * c.y.offset, yBatch: 4 * c.y.batch, yGroup: 4 * c.outChannels * c.y.channel },
      ...{ yChannel: 4 * c.y.channel, yRow: 4 * c.y.row, k, kc: blockK(k), ones: c.bias === null ? 0 : 1 },
      ...{ floor: floatBits(c.activation === "relu" ? 0 : -Infinity), ...split },
    });
    const chunks = c.batch * c.groups * split.mBlocks * split.rowBlocks * split.colBlocks;
    this.#jobs.run(this.#functions.convForward, words, chunks);
    this.#jobs.heap.release(a);
    this.#jobs.heap.release(table);
  }

  /** Inputs and output as convWeightKernel has them; the positions of `y` and the taps of each channel of the weight are contiguous. */
  weight(c: ConvWindow, [x, g]: readonly CpuSlice[], [weight]: readonly CpuSlice[]): void {
    const { groups, batch, outChannels: m } = c;
    const positions = c.outSize[0] * c.outSize[1];
    const n = c.inChannels * c.kernel[0] * c.kernel[1];
    const nb = Math.min(n, TAPS_PER_CHUNK);
    const nBlocks = Math.ceil(n / nb);
    const kc = blockK(positions);
    const blocks = Math.ceil(positions / kc);
    const units = batch * blocks;
    const affordable = Math.max(1, Math.floor(PARTIAL_BYTES / (4 * groups * m * n)));
    const wanted = Math.min(units, affordable, Math.ceil(2 * ENOUGH / (groups * nBlocks)));
    const perSplit = Math.ceil(units / wanted);
    const splits = Math.ceil(units / perSplit);
    const table = this.#tapTable(c);
    const bytes = 4 * groups * m * n;
    const partial = splits === 1 ? null : this.#jobs.heap.allocateInternal(bytes * splits);
    const out = weight.ptr + 4 * c.weight.offset;
    const words = CONV_WEIGHT_ARGUMENTS.words({
      ...windowWords(c, x, table),
      ...this.#scratch(1),
      ...{ g: g.ptr + 4 * c.y.offset, gBatch: 4 * c.y.batch, gGroup: 4 * m * c.y.channel, gChannel: 4 * c.y.channel },
      ...{ c: partial?.ptr ?? out, cSplit: bytes, cGroup: 4 * m * n, cRow: 4 * n },
      ...{ n, nb, nBlocks, kc, blocks, units, perSplit, splits },
    });
    this.#jobs.run(this.#functions.convWeight, words, groups * nBlocks * splits);
    if (partial !== null) this.#sum(partial, { splits, rows: groups * m, n, out });
    this.#jobs.heap.release(table);
  }

  /** Adds up the partial sums of a weight's gradient, in the order of the splits. */
  #sum(
    partial: HeapSlice,
    { splits, rows: m, n, out }: { splits: number; rows: number; n: number; out: number },
  ): void {
    const rows = Math.max(1, Math.ceil(2 ** 16 / (n * splits)));
    const words = REDUCE_ARGUMENTS.words({
      ...{ partial: partial.ptr, count: splits, step: 4 * m * n, c: out, cRow: 4 * n, m, n, rows },
      ...{ bias: 0, alpha: floatBits(1), floor: floatBits(-Infinity) },
    });
    this.#jobs.run(this.#functions.reduce, words, Math.ceil(m / rows));
    this.#jobs.heap.release(partial);
  }

  /** A row of zeros as long as taps read it, then the taps in the order (channel, row, column). */
  #tapTable(c: ConvWindow): HeapSlice {
    const [rows, cols] = c.kernel;
    const table = this.#jobs.heap.allocateInternal(4 * ZERO_WORDS + TAP_BYTES * c.inChannels * rows * cols);
    const words = table.i32.fill(0, 0, ZERO_WORDS);
    let at = ZERO_WORDS;
    for (let channel = 0; channel < c.inChannels; channel++) {
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < cols; j++) {
          const [row, col] = [i * c.dilation[0], j * c.dilation[1]];
          words[at++] = 4 * (channel * c.x.channel + row * c.x.row + col * c.x.col);
          words[at++] = row;
          words[at++] = col;
        }
      }
    }
    return table;
  }

  #scratch(rows: number): { scratch: number; stride: number } {
    const { ptr, stride } = this.#jobs.scratch(convScratch(rows));
    return { scratch: ptr, stride };
  }
}

/** Words of zeros: a tap above or below the image walks over them along a block. */
const ZERO_WORDS = BLOCK_K + 16;

function windowWords(c: ConvWindow, x: CpuSlice, table: HeapSlice) {
  return {
    ...{ x: x.ptr + 4 * c.x.offset, xBatch: 4 * c.x.batch, xGroup: 4 * c.inChannels * c.x.channel },
    ...{ xRow: 4 * c.x.row, xCol: 4 * c.x.col, inRows: c.inSize[0], inCols: c.inSize[1] },
    ...{ startRow: c.start[0], startCol: c.start[1], strideRow: c.stride[0], strideCol: c.stride[1] },
    ...{ reachRow: c.dilation[0] * (c.kernel[0] - 1), reachCol: c.dilation[1] * (c.kernel[1] - 1) },
    ...{ taps: table.ptr + 4 * ZERO_WORDS, zeros: table.ptr, outRows: c.outSize[0], outCols: c.outSize[1] },
    ...{ groups: c.groups, m: c.outChannels },
  };
}

/** Floats of a packed row of weights: whole cache lines, and never a multiple of 512 bytes, where rows would compete for the same sets. */
function packedRow(k: number): number {
  const row = 16 * Math.ceil(k / 16);
  return row % 128 === 0 ? row + 16 : row;
}

/** Copies the weights to rows of (channel, row, column), the bias as a last column. */
function packWeight(
  c: ConvArgs,
  { weight, bias, row, to }: { weight: CpuSlice; bias: CpuSlice | undefined; row: number; to: Float32Array },
): void {
  const { f32: from } = weight;
  const [rows, cols] = c.kernel;
  for (let channel = 0; channel < c.groups * c.outChannels; channel++) {
    const [group, out] = [Math.floor(channel / c.outChannels), channel % c.outChannels];
    let at = channel * row;
    for (let inner = 0; inner < c.inChannels; inner++) {
      for (let i = 0; i < rows; i++) {
        let source = c.weight.offset + group * c.weight.group + out * c.weight.out + inner * c.weight.in +
          i * c.weight.row;
        for (let j = 0; j < cols; j++, source += c.weight.col) to[at++] = from[source];
      }
    }
    if (c.bias !== null) to[at] = bias!.f32[c.bias + channel];
  }
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

/** Which windows and which channels a chunk computes. */
interface Division {
  readonly mb: number;
  readonly mBlocks: number;
  readonly rowsPer: number;
  readonly colsPer: number;
  readonly rowBlocks: number;
  readonly colBlocks: number;
}

function divide({ batch, groups, outChannels: m, outSize: [rows, cols] }: ConvWindow): Division {
  const colBlocks = Math.ceil(cols / MOST_COLUMNS);
  const colsPer = 8 * Math.ceil(cols / colBlocks / 8);
  const rowsPer = Math.max(1, Math.min(rows, Math.floor(MOST_COLUMNS / colsPer)));
  const rowBlocks = Math.ceil(rows / rowsPer);
  const count = batch * groups * rowBlocks * colBlocks;
  const mBlocks = Math.max(1, Math.min(Math.ceil(ENOUGH / count), Math.ceil(m / BLOCK_M)));
  const mb = BLOCK_M * Math.ceil(m / mBlocks / BLOCK_M);
  return { mb, mBlocks: Math.ceil(m / mb), rowsPer, colsPer, rowBlocks, colBlocks: Math.ceil(cols / colsPer) };
}
