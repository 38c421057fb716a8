/**
 * GPU time of each dispatch, by timestamp queries around passes of one dispatch.
 * @module
 */
import type { Prepared } from "./program.ts";

/** What a kernel took. */
export interface KernelTime {
  /** Name of the kernel. */
  readonly kernel: string;
  /** The op or kernel with its sizes. */
  readonly label: string;
  /** How long it took. */
  readonly microseconds: number;
  /** Floating-point operations of the whole call, if the kernel says. */
  readonly flops: number;
  /** Bytes bound. */
  readonly bytes: number;
}

/** Dispatches in one query set: WebGPU allows 4,096 timestamps in each. */
const CAPACITY = 2048;

/** Collects pairs of timestamps. */
export class Timestamps {
  readonly #gpu: GPUDevice;
  readonly #queries: GPUQuerySet[] = [];
  readonly #timed: Prepared[] = [];

  constructor(gpu: GPUDevice) {
    this.#gpu = gpu;
  }

  /** Descriptor for the pass of the next dispatch. */
  next(prepared: Prepared): GPUComputePassDescriptor {
    const at = this.#timed.push(prepared) - 1;
    if (at % CAPACITY === 0) this.#queries.push(this.#gpu.createQuerySet({ type: "timestamp", count: 2 * CAPACITY }));
    const first = 2 * (at % CAPACITY);
    return {
      timestampWrites: {
        querySet: this.#queries.at(-1)!,
        beginningOfPassWriteIndex: first,
        endOfPassWriteIndex: first + 1,
      },
    };
  }

  /** Resolves and reads everything timed. */
  async read(): Promise<KernelTime[]> {
    const times: bigint[] = [];
    for (const [i, queries] of this.#queries.entries()) {
      const count = 2 * Math.min(CAPACITY, this.#timed.length - i * CAPACITY);
      const resolved = this.#gpu.createBuffer({
        size: 8 * count,
        usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
      });
      const staging = this.#gpu.createBuffer({
        size: 8 * count,
        usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
      });
      const encoder = this.#gpu.createCommandEncoder();
      encoder.resolveQuerySet(queries, 0, count, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, staging, 0, 8 * count);
      this.#gpu.queue.submit([encoder.finish()]);
      await staging.mapAsync(GPUMapMode.READ);
      times.push(...new BigUint64Array(staging.getMappedRange()));
      staging.destroy();
      resolved.destroy();
    }
    const took = this.#timed.map((_, i) => Number(times[2 * i + 1] - times[2 * i]) / 1000);
    return this.#timed.map(({ call, dispatch, ranges }, i) => ({
      kernel: call.kernel.name,
      label: call.label === undefined
        ? dispatch.label
        : `${call.label} ${call.kernel.sizes?.(call.args) ?? ""}`.trimEnd(),
      microseconds: took[i],
      flops: this.#doesTheWork(i, took) ? call.kernel.flops?.(call.args) ?? 0 : 0,
      bytes: ranges.reduce((total, r) => total + r.size, 0),
    }));
  }

  /** True for the longest of a call's dispatches, to which its operations are counted: the others pack or add up. */
  #doesTheWork(index: number, took: readonly number[]): boolean {
    const { call } = this.#timed[index];
    for (const step of [-1, 1]) {
      for (let i = index + step; this.#timed[i]?.call === call; i += step) {
        if (took[i] > took[index] || (took[i] === took[index] && i < index)) return false;
      }
    }
    return true;
  }

  /** Frees the queries. */
  destroy(): void {
    for (const queries of this.#queries) queries.destroy();
  }
}
