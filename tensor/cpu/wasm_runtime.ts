/**
 * The fast routines behind CPU kernels, in WebAssembly.
 * @module
 */
import type { ElementwiseArgs } from "../expr/expr.ts";
import type { AttentionArgs, AttentionBackwardArgs } from "../ops/attention_kernel.ts";
import { Elementwise } from "./elementwise.ts";
import { GemmPlanner } from "./gemm.ts";
import type { Heap, HeapSlice } from "./heap.ts";
import type { Jobs } from "./jobs.ts";
import type { CpuRuntime, CpuSlice, Gemm } from "./runtime.ts";
import { addGemm } from "./wasm/gemm.ts";
import { ModuleBuilder } from "./wasm/module.ts";

/** Everything kernels may call, over one heap and its threads. */
export class WasmRuntime implements CpuRuntime {
  readonly #heap: Heap;
  readonly #jobs: Jobs;
  readonly #elementwise: Elementwise;
  #gemm: GemmPlanner | null = null;
  #scratch: HeapSlice[] = [];

  constructor(heap: Heap, jobs: Jobs) {
    this.#heap = heap;
    this.#jobs = jobs;
    this.#elementwise = new Elementwise(jobs);
  }

  gemm(args: Gemm): void {
    this.#gemm ??= new GemmPlanner(this.#jobs, loadGemm(this.#jobs));
    this.#gemm.run(args);
  }

  elementwise(args: ElementwiseArgs, inputs: readonly CpuSlice[], outputs: readonly CpuSlice[]): void {
    this.#elementwise.run(args, inputs, outputs);
  }

  attention(_args: AttentionArgs, _inputs: readonly CpuSlice[], _outputs: readonly CpuSlice[]): void {
    throw new Error("internal: attention is not implemented yet");
  }

  attentionBackward(_args: AttentionBackwardArgs, _inputs: readonly CpuSlice[], _outputs: readonly CpuSlice[]): void {
    throw new Error("internal: attention is not implemented yet");
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

function loadGemm(jobs: Jobs) {
  const module = new ModuleBuilder(jobs.heap.target);
  addGemm(module);
  return jobs.load(module.finish(), ["packB", "tiles", "products", "reduce"]);
}
