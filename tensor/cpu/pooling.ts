/**
 * Runs the pooling jobs: windows are tables, planes are shared out among threads.
 * @module
 */
import { type PoolArgs, type PoolAxis, windowsOf } from "../ops/pool.ts";
import { floatBits, type JobFunction, type Jobs } from "./jobs.ts";
import type { CpuSlice, PoolRoutines } from "./runtime.ts";
import { POOL_ARGUMENTS, ROW_SLACK } from "./wasm/pooling.ts";

/** Elements of a chunk. */
const CHUNK = 16384;
/** Longer windows are summed one by one, in float64. */
const LONGEST_IN_VECTORS = 64;

type PoolJob = "pool" | "maxPoolBackward" | "avgPoolBackward";

/** Pooling over the jobs of the kernel module. */
export class WasmPooling implements PoolRoutines {
  readonly #jobs: Jobs;
  readonly #functions: Record<PoolJob, JobFunction>;

  constructor(jobs: Jobs, functions: Record<PoolJob, JobFunction>) {
    this.#jobs = jobs;
    this.#functions = functions;
  }

  forward(args: PoolArgs, x: CpuSlice, [y, places]: readonly CpuSlice[]): void {
    this.#run("pool", args, { x: x.ptr, y: y.ptr, places: places?.ptr ?? 0 });
  }

  backward(args: PoolArgs, [dy, places]: readonly CpuSlice[], dx: CpuSlice): void {
    const job = args.op === "max" ? "maxPoolBackward" : "avgPoolBackward";
    this.#run(job, args, { x: dx.ptr, y: dy.ptr, places: places?.ptr ?? 0 });
  }

  #run(job: PoolJob, args: PoolArgs, addresses: Readonly<Record<"x" | "y" | "places", number>>): void {
    const { planes, rows, columns, countIncludePad } = args;
    const { heap } = this.#jobs;
    const table = heap.allocateInternal(12 * (rows.out + columns.out));
    table.i32.set([...tableOf(rows, countIncludePad), ...tableOf(columns, countIncludePad)]);
    const scratch = this.#jobs.scratch(8 * (columns.size + ROW_SLACK));
    const perChunk = Math.max(1, Math.ceil(CHUNK / (rows.size * columns.size)));
    const words = {
      ...{ ...addresses, planes, perChunk, rowTable: table.ptr, columnTable: table.ptr + 12 * rows.out },
      ...{ height: rows.size, width: columns.size, outHeight: rows.out, outWidth: columns.out },
      ...{ rowStep: rows.dilation, columnStep: columns.dilation, max: args.op === "max" ? 1 : 0 },
      indices: args.indices ? 1 : 0,
      ...{ stride: columns.stride, taps: columns.kernel, ...interior(columns) },
      ...{ scratch: scratch.ptr, scratchStride: scratch.stride },
    };
    this.#jobs.run(this.#functions[job], POOL_ARGUMENTS.words(words), Math.ceil(planes / perChunk));
    heap.release(table);
  }
}

/** First element, number of elements, and 1/divisor of each window. */
function tableOf(axis: PoolAxis, countIncludePad: boolean): number[] {
  return windowsOf(axis, countIncludePad).flatMap((
    { first, count, divisor },
  ) => [first, count, floatBits(1 / divisor)]);
}

/** Windows from `low` to below `high` lie wholly inside and begin 1 or 2 apart, so that four can be done at once. */
function interior({ size, out, kernel, stride, padding, dilation }: PoolAxis): { low: number; high: number } {
  if (kernel === 0 || kernel > LONGEST_IN_VECTORS || stride > 2) return { low: 0, high: 0 };
  const low = Math.min(out, Math.ceil(padding / stride));
  const last = Math.floor((size + padding - 1 - (kernel - 1) * dilation) / stride);
  return { low, high: Math.max(low, Math.min(out, last + 1)) };
}
