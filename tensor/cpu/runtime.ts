/**
 * What the CPU device offers to kernels: memory ranges, and fast routines for matrix products and elementwise loops.
 * @module
 */

import type { ElementwiseArgs } from "../expr/expr.ts";
import type { AttentionArgs, AttentionBackwardArgs } from "../ops/attention_kernel.ts";

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

/** Fast routines behind CPU kernels. */
export interface CpuRuntime {
  gemm(args: Gemm): void;
  elementwise(args: ElementwiseArgs, inputs: readonly CpuSlice[], outputs: readonly CpuSlice[]): void;
  attention(args: AttentionArgs, inputs: readonly CpuSlice[], outputs: readonly CpuSlice[]): void;
  attentionBackward(args: AttentionBackwardArgs, inputs: readonly CpuSlice[], outputs: readonly CpuSlice[]): void;
  /** Scratch memory of at least `bytes`, valid until the kernel returns. */
  scratch(bytes: number): CpuSlice;
}
