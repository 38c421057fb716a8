/**
 * Runs jobs: a job is a function of a WASM module, a block of arguments and a number of chunks. Chunks may run in any order and on any
 * thread; the main thread takes its share, and all of them as long as no worker is up.
 * @module
 */
import { ARGS, CHUNK_BITS, CLOSED, Control, CONTROL_WORDS, EPOCHS } from "./control_block.ts";
import type { Heap, HeapSlice } from "./heap.ts";
import { RESERVED_BYTES } from "./heap.ts";
import { KERNEL_JOBS } from "./wasm/kernels.ts";
import { startWorkers, threadCount } from "./workers.ts";

/** A job's function. */
export interface JobFunction {
  /** Runs a chunk on this thread. */
  readonly run: (args: number, chunk: number, thread: number) => void;
  readonly module: number;
  /** Number of the export's name. */
  readonly name: number;
}

/** Words that the block of arguments can hold. */
const ARGS_WORDS = (RESERVED_BYTES - ARGS) / 4;
/** Chunks that are handed out at once; more come in several rounds. */
export const MAX_CHUNKS = CLOSED - 1;
/** Names that modules export jobs by. */
const EXPORTS = ["run", ...KERNEL_JOBS] as const;
/** Name of an exported job. */
export type ExportName = typeof EXPORTS[number];

/** Looks at a word before going to sleep on it: about 100 µs; a worker's look takes longer since it pauses. */
const SPINS = 15_000;
const WORKER_SPINS = 3_000;
/** A chunk takes at most some milliseconds; a worker that is silent for so long is gone. */
const PATIENCE_MS = 60_000;

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
  /** Threads that may run chunks, the main one included; thread numbers are below it. */
  readonly threads: number;
  /** Bytes of each module, for the workers. */
  readonly #modules: HeapSlice[] = [];
  #control: Int32Array;
  #epoch = 0;
  #started = false;
  #scratch: HeapSlice | null = null;
  #scratchStride = 0;

  /** `threads` 1 asks for no workers; the default is one for each processor, at most 8. */
  constructor(heap: Heap, threads: number = threadCount()) {
    this.heap = heap;
    this.threads = heap.target.shared ? threads : 1;
    this.#control = heap.words(0, CONTROL_WORDS);
  }

  /** Workers that are up and take chunks. */
  get workers(): number {
    return Atomics.load(this.#control, Control.ready);
  }

  /** Instantiates a module and returns its jobs. */
  load<const N extends ExportName>(bytes: Uint8Array<ArrayBuffer>, names: readonly N[]): Record<N, JobFunction> {
    const env = { memory: this.heap.memory, sin: Math.sin, cos: Math.cos };
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env });
    const module = this.#modules.length;
    if (this.threads > 1) {
      const copy = this.heap.allocateInternal(bytes.length);
      copy.u8.set(bytes);
      this.#modules.push(copy);
    }
    const entries = names.map((name) => [name, {
      run: exports[name] as JobFunction["run"],
      module,
      name: EXPORTS.indexOf(name),
    }]);
    return Object.fromEntries(entries) as Record<N, JobFunction>;
  }

  /** Memory of `bytes` for each thread: the address of thread 0's and the step to the next one's. */
  scratch(bytes: number): { ptr: number; stride: number } {
    if (this.#scratch === null || this.#scratchStride < bytes) {
      if (this.#scratch !== null) this.heap.release(this.#scratch);
      this.#scratchStride = Math.ceil(bytes / 4096) * 4096;
      this.#scratch = this.heap.allocateInternal(this.#scratchStride * this.threads);
    }
    return { ptr: this.#scratch.ptr, stride: this.#scratchStride };
  }

  /** Runs all chunks and returns when they are done. */
  run(job: JobFunction, args: readonly number[] | Int32Array, chunks: number): void {
    if (args.length > ARGS_WORDS) throw new Error("internal: job too large");
    this.heap.words(ARGS, args.length).set(args);
    if (chunks === 1 || this.threads === 1 || !this.#workersAreUp()) {
      for (let chunk = 0; chunk < chunks; chunk++) job.run(ARGS, chunk, 0);
      return;
    }
    for (let first = 0; first < chunks; first += MAX_CHUNKS) {
      this.#share(job, first, Math.min(MAX_CHUNKS, chunks - first));
    }
  }

  /** Ends the workers. */
  close(): void {
    if (!this.#started) return;
    Atomics.store(this.#control, Control.stop, 1);
    Atomics.add(this.#control, Control.signal, 1);
    Atomics.notify(this.#control, Control.signal);
  }

  #workersAreUp(): boolean {
    if (!this.#started) {
      this.#started = true;
      startWorkers(this.threads - 1, { memory: this.heap.memory, exportNames: EXPORTS, spins: WORKER_SPINS });
    }
    return this.workers > 0;
  }

  /** Runs chunks from `first` on together with the workers. */
  #share(job: JobFunction, first: number, chunks: number): void {
    this.#post(job, first, chunks);
    try {
      this.#takeChunks(job, first, chunks);
    } finally {
      this.#waitForOthers(chunks);
    }
  }

  #post(job: JobFunction, first: number, chunks: number): void {
    const control = this.#control;
    const module = this.#modules[job.module];
    this.#epoch = (this.#epoch + 1) % EPOCHS;
    const ticket = this.#epoch << CHUNK_BITS;
    Atomics.store(control, Control.ticket, ticket | CLOSED);
    Atomics.store(control, Control.total, chunks);
    Atomics.store(control, Control.first, first);
    Atomics.store(control, Control.module, job.module);
    Atomics.store(control, Control.modulePtr, module.ptr);
    Atomics.store(control, Control.moduleBytes, module.bytes);
    Atomics.store(control, Control.function, job.name);
    Atomics.store(control, Control.failed, 0);
    Atomics.store(control, Control.done, 0);
    Atomics.store(control, Control.ticket, ticket);
    Atomics.store(control, Control.signal, this.#epoch);
    Atomics.notify(control, Control.signal);
  }

  #takeChunks(job: JobFunction, first: number, chunks: number): void {
    const control = this.#control;
    for (;;) {
      const ticket = Atomics.load(control, Control.ticket);
      const chunk = ticket & CLOSED;
      if (chunk >= chunks) return;
      if (Atomics.compareExchange(control, Control.ticket, ticket, ticket + 1) !== ticket) continue;
      try {
        job.run(ARGS, first + chunk, 0);
      } finally {
        Atomics.add(control, Control.done, 1);
      }
    }
  }

  #waitForOthers(chunks: number): void {
    const control = this.#control;
    for (let spin = 0; spin < SPINS; spin++) {
      if (Atomics.load(control, Control.done) >= chunks) return this.#checkFailure();
    }
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const done = Atomics.load(control, Control.done);
      if (done >= chunks) return this.#checkFailure();
      if (performance.now() > deadline) throw new Error("Cannot finish a kernel: a worker thread has stopped");
      sleepOn(control, Control.done, done);
    }
  }

  #checkFailure(): void {
    if (Atomics.load(this.#control, Control.failed) === 1) {
      throw new Error("internal: a kernel failed on a worker thread");
    }
  }
}

/** Waits a little where the engine lets this thread; a browser's main thread may not. */
function sleepOn(words: Int32Array, index: number, value: number): void {
  try {
    Atomics.wait(words, index, value, 10);
  } catch {
    // spin
  }
}
