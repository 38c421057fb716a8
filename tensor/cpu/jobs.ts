/**
 * Runs jobs: a job is a function of a WASM module, a block of arguments and a number of chunks. Chunks may run in any order and on any
 * thread.
 * @module
 */
import type { Heap, HeapSlice } from "./heap.ts";
import { RESERVED_BYTES } from "./heap.ts";

/** A job's function: `(arguments, chunk, thread)`. */
export interface JobFunction {
  readonly run: (args: number, chunk: number, thread: number) => void;
}

/** Address of the block of arguments. */
const ARGS = 4096;
/** Words that the block of arguments can hold. */
const ARGS_WORDS = (RESERVED_BYTES - ARGS) / 4;
/** Most chunks of a job. */
export const MAX_CHUNKS = 4096;

/** What modules import besides the heap. */
export const HOST_FUNCTIONS = { sin: Math.sin, cos: Math.cos } as const;

const FLOAT = new Float32Array(1);
const WORD = new Int32Array(FLOAT.buffer);

/** The bits of a float32, for blocks of arguments. */
export function floatBits(value: number): number {
  FLOAT[0] = value;
  return WORD[0];
}

/** Loads modules and runs jobs. */
export class Jobs {
  readonly heap: Heap;
  #scratch: HeapSlice | null = null;
  #scratchStride = 0;

  constructor(heap: Heap) {
    this.heap = heap;
  }

  /** Threads that may run chunks, the calling one included; thread numbers are below it. */
  get threads(): number {
    return 1;
  }

  /** Instantiates a module and returns its job `name`. */
  load(bytes: Uint8Array<ArrayBuffer>, names: readonly string[] = ["run"]): JobFunction[] {
    const env = { memory: this.heap.memory, ...HOST_FUNCTIONS };
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env });
    return names.map((name) => ({ run: exports[name] as JobFunction["run"] }));
  }

  /** Memory of `bytes` for each thread: the address of thread 0's and the step to the next one's. */
  scratch(bytes: number): { ptr: number; stride: number } {
    if (this.#scratch === null || this.#scratchStride < bytes) {
      if (this.#scratch !== null) this.heap.release(this.#scratch);
      this.#scratchStride = Math.ceil(bytes / 4096) * 4096;
      this.#scratch = this.heap.allocate(this.#scratchStride * this.threads);
    }
    return { ptr: this.#scratch.ptr, stride: this.#scratchStride };
  }

  /** Runs all chunks and returns when they are done. */
  run(job: JobFunction, args: readonly number[] | Int32Array, chunks: number): void {
    if (args.length > ARGS_WORDS || chunks > MAX_CHUNKS) throw new Error("internal: job too large");
    this.heap.words(ARGS, args.length).set(args);
    for (let chunk = 0; chunk < chunks; chunk++) job.run(ARGS, chunk, 0);
  }

  close(): void {
  }
}
