/**
 * The fast routines behind CPU kernels, in WebAssembly.
 * @module
 */
import type { ElementwiseArgs } from "../expr/expr.ts";
import type { AttentionArgs, AttentionBackwardArgs } from "../ops/attention_kernel.ts";
import type { ConvArgs, ConvWindow } from "../ops/conv_kernel.ts";
import { Attention } from "./attention.ts";
import { WasmChannels } from "./channels.ts";
import { ConvPlanner } from "./conv.ts";
import { DepthwisePlanner, isDepthwise } from "./depthwise.ts";
import { Elementwise } from "./elementwise.ts";
import { GemmPlanner } from "./gemm.ts";
import type { Heap, HeapSlice } from "./heap.ts";
import type { Jobs } from "./jobs.ts";
import { WasmPooling } from "./pooling.ts";
import { WasmRows } from "./rows.ts";
import type { ChannelRoutines, CpuRuntime, CpuSlice, Gemm, PoolRoutines, RowRoutines } from "./runtime.ts";
import { KERNEL_JOBS, kernelModule } from "./wasm/kernels.ts";

/** Everything kernels may call, over one heap and its threads. */
export class WasmRuntime implements CpuRuntime {
  readonly rows: RowRoutines;
  readonly channels: ChannelRoutines;
  readonly pooling: PoolRoutines;
  readonly #heap: Heap;
  readonly #elementwise: Elementwise;
  readonly #gemm: GemmPlanner;
  readonly #attention: Attention;
  readonly #conv: ConvPlanner;
  readonly #depthwise: DepthwisePlanner;
  #scratch: HeapSlice[] = [];

  constructor(heap: Heap, jobs: Jobs) {
    const functions = jobs.load(kernelModule(heap.target), KERNEL_JOBS);
    this.rows = new WasmRows(jobs, functions);
    this.channels = new WasmChannels(jobs, functions);
    this.pooling = new WasmPooling(jobs, functions);
    this.#heap = heap;
    this.#elementwise = new Elementwise(jobs);
    this.#gemm = new GemmPlanner(jobs, functions);
    this.#attention = new Attention(jobs, functions);
    this.#conv = new ConvPlanner(jobs, functions);
    this.#depthwise = new DepthwisePlanner(jobs, functions);
  }

  gemm(args: Gemm): void {
    this.#gemm.run(args);
  }

  elementwise(args: ElementwiseArgs, inputs: readonly CpuSlice[], outputs: readonly CpuSlice[]): void {
    this.#elementwise.run(args, inputs, outputs);
  }

  attention(args: AttentionArgs, inputs: readonly CpuSlice[], outputs: readonly CpuSlice[]): void {
    this.#attention.forward(args, inputs, outputs);
  }

  attentionBackward(args: AttentionBackwardArgs, inputs: readonly CpuSlice[], outputs: readonly CpuSlice[]): void {
    this.#attention.backward(args, inputs, outputs);
  }

  conv(args: ConvArgs, inputs: readonly CpuSlice[], outputs: readonly CpuSlice[]): void {
    (isDepthwise(args) ? this.#depthwise : this.#conv).forward(args, inputs, outputs);
  }

  convWeight(args: ConvWindow, inputs: readonly CpuSlice[], outputs: readonly CpuSlice[]): void {
    (isDepthwise(args) ? this.#depthwise : this.#conv).weight(args, inputs, outputs);
  }

  scratch(bytes: number): CpuSlice {
    const slice = this.#heap.allocateInternal(bytes);
    this.#scratch.push(slice);
    return slice;
  }

  /** Takes back the scratch memory of the kernel that has returned. */
  releaseScratch(): void {
    if (this.#scratch.length === 0) return;
    for (const slice of this.#scratch) this.#heap.release(slice);
    this.#scratch = [];
  }
}
