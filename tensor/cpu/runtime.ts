/**
 * What the CPU device offers to kernels: memory ranges, and fast routines for matrix products and elementwise loops.
 * @module
 */

import type { ElementwiseArgs } from "../expr/expr.ts";
import type { ChannelLayout } from "../ops/channels.ts";
import type { PoolArgs } from "../ops/pool.ts";
import type { AttentionArgs, AttentionBackwardArgs } from "../ops/attention_kernel.ts";
import type { ConvArgs, ConvWindow } from "../ops/conv_kernel.ts";

/** A storage on the CPU: a byte offset into the heap and typed views over the whole storage. */
export interface CpuSlice {
  /** Byte offset in the WASM heap. */
  readonly ptr: number;
  readonly f32: Float32Array;
  readonly i32: Int32Array;
}

/** A matrix operand: element offset into its slice and strides in elements. */
export interface MatrixView {
  readonly slice: CpuSlice;
  readonly offset: number;
  /** Strides of the two batch axes (0 broadcasts). */
  readonly batch: readonly [number, number];
  readonly row: number;
  readonly col: number;
}

/** C[b0,b1] = activation(alpha · A·B + bias). */
export interface Gemm {
  readonly batch: readonly [number, number];
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: MatrixView;
  readonly b: MatrixView;
  /** col is 1. */
  readonly c: MatrixView;
  readonly alpha?: number;
  /** A vector of n, contiguous. */
  readonly bias?: { readonly slice: CpuSlice; readonly offset: number };
  readonly activation?: "none" | "relu";
}

/** A matrix of contiguous rows, one after the other from the slice's beginning. */
export interface RowShape {
  readonly rows: number;
  readonly columns: number;
}

/** What is summed: a matrix whose rows are contiguous. */
export interface SumShape extends RowShape {
  /** Element where the matrix begins; default 0. */
  readonly offset?: number;
  /** Elements from row to row; default `columns`. */
  readonly rowStride?: number;
  /** Multiplies the sums; default 1. */
  readonly scale?: number;
}

/** Routines on rows of float32 matrices. An output may be the same slice as an input of its shape. */
export interface RowRoutines {
  /** y = eˣ / Σ eˣ in each row. */
  softmax(shape: RowShape, x: CpuSlice, y: CpuSlice): void;
  /** y = x − log Σ eˣ in each row. */
  logSoftmax(shape: RowShape, x: CpuSlice, y: CpuSlice): void;
  /** dx = y·(dy − Σ y·dy), y being the softmax. */
  softmaxBackward(shape: RowShape, y: CpuSlice, dy: CpuSlice, dx: CpuSlice): void;
  /** dx = dy − eʸ·Σ dy, y being the logarithm of the softmax. */
  logSoftmaxBackward(shape: RowShape, y: CpuSlice, dy: CpuSlice, dx: CpuSlice): void;
  /** out[row] = log Σ eˣ. */
  logSumExp(shape: RowShape, x: CpuSlice, out: CpuSlice): void;
  /** [x, weight, bias] → [y, statistics]: y = (x − mean)·rstd·weight + bias; statistics are (mean, rstd) of each row. */
  layerNorm(
    shape: RowShape & { readonly eps: number },
    inputs: readonly CpuSlice[],
    outputs: readonly CpuSlice[],
  ): void;
  /** [x, weight, statistics, dy] → dx. */
  layerNormBackward(shape: RowShape, inputs: readonly CpuSlice[], dx: CpuSlice): void;
  /** [x, statistics, dy] → [dWeight, dBias], sums over rows. */
  layerNormWeights(shape: RowShape, inputs: readonly CpuSlice[], outputs: readonly CpuSlice[]): void;
  /** out[column] = scale·Σ over rows, as of a bias' gradient. */
  columnSums(shape: SumShape, x: CpuSlice, out: CpuSlice): void;
  /** out[row] = scale·Σ over columns. One long row is summed by all threads. */
  rowSums(shape: SumShape, x: CpuSlice, out: CpuSlice): void;
  /** out[row] = scale·Σ x² over columns. One long row is summed by all threads. */
  rowSumsOfSquares(shape: SumShape, x: CpuSlice, out: CpuSlice): void;
}

/** Sums of each channel, in float64 over the sums of runs. */
export interface ChannelRoutines {
  /** Elements that count, and for each channel their mean and Σ (x − mean)². */
  moments(
    layout: ChannelLayout,
    x: CpuSlice,
    lengths: Int32Array | null,
  ): { readonly count: number; readonly means: Float64Array; readonly spreads: Float64Array };
  /** [x, mean, dy]: for each channel Σ dy and Σ dy·(x − mean), where `mean` begins with the channels' means. */
  dots(
    layout: ChannelLayout,
    inputs: readonly CpuSlice[],
    lengths: Int32Array | null,
  ): { readonly sums: Float64Array; readonly dots: Float64Array };
}

/** Largest elements or means of windows. */
export interface PoolRoutines {
  /** x → [y], or [y, place of the largest element in its plane]. */
  forward(args: PoolArgs, x: CpuSlice, outputs: readonly CpuSlice[]): void;
  /** [dy], or [dy, places] of a maximum → dx. */
  backward(args: PoolArgs, inputs: readonly CpuSlice[], dx: CpuSlice): void;
}

/** Fast routines behind CPU kernels. */
export interface CpuRuntime {
  gemm(args: Gemm): void;
  elementwise(args: ElementwiseArgs, inputs: readonly CpuSlice[], outputs: readonly CpuSlice[]): void;
  attention(args: AttentionArgs, inputs: readonly CpuSlice[], outputs: readonly CpuSlice[]): void;
  attentionBackward(args: AttentionBackwardArgs, inputs: readonly CpuSlice[], outputs: readonly CpuSlice[]): void;
  /** Inputs and outputs as convKernel has them; nothing is empty. */
  conv(args: ConvArgs, inputs: readonly CpuSlice[], outputs: readonly CpuSlice[]): void;
  /** Inputs and outputs as convWeightKernel has them; nothing is empty. */
  convWeight(args: ConvWindow, inputs: readonly CpuSlice[], outputs: readonly CpuSlice[]): void;
  /** Softmax, layer normalisation and sums. */
  readonly rows: RowRoutines;
  /** Sums over everything but the channel. */
  readonly channels: ChannelRoutines;
  /** Windows over planes. */
  readonly pooling: PoolRoutines;
  /** Scratch memory of at least `bytes`, valid until the kernel returns. */
  scratch(bytes: number): CpuSlice;
}
