/**
 * The CPU device's memory: one WebAssembly.Memory that grows, shared with the threads where the engine allows it.
 * @module
 */
import { Allocator, Range } from "./allocator.ts";
import type { CpuSlice } from "./runtime.ts";
import type { Target } from "./wasm/module.ts";

const PAGE = 65536;
/** The first bytes are kept: the control block of the threads and blocks of arguments. */
export const RESERVED_BYTES = 2 * PAGE;
/** Vector loads may read this far past a range. */
const SLACK = 64;
const GROWTH = 16 * 2 ** 20;

/** Bytes of `module` that use a relaxed multiply-add; validates only where relaxed SIMD is available. */
// deno-fmt-ignore
const RELAXED_PROBE = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x06, 0x01, 0x60, 0x01, 0x7b, 0x01, 0x7b, 0x03, 0x02, 0x01, 0x00,
  0x0a, 0x0d, 0x01, 0x0b, 0x00, 0x20, 0x00, 0x20, 0x00, 0x20, 0x00, 0xfd, 0x85, 0x02, 0x0b,
]);

function openMemory(shared: boolean): [WebAssembly.Memory, number] {
  // some engines refuse to reserve the whole address space of 4 GiB
  let refusal: unknown;
  for (const maxPages of [65536, 32768, 16384, 4096]) {
    try {
      const initial = RESERVED_BYTES / PAGE;
      return [new WebAssembly.Memory({ initial, maximum: maxPages, shared }), maxPages];
    } catch (error) {
      refusal = error;
    }
  }
  throw new Error(`Cannot open the CPU device: no WebAssembly memory (${refusal})`);
}

/** A storage's range of the heap, or a part of one. The views are made anew where growth replaced the heap's buffer. */
export class HeapSlice implements CpuSlice {
  readonly bytes: number;
  /** The slice that this one is a part of, or null. */
  readonly whole: HeapSlice | null;
  /** What the allocator gave; `null` once released, and for parts. */
  range: Range | null;
  readonly #heap: Heap;
  readonly #offset: number;
  #buffer: ArrayBufferLike | null = null;
  #f32: Float32Array | null = null;
  #i32: Int32Array | null = null;

  constructor(heap: Heap, from: Range | HeapSlice, offset: number, bytes: number) {
    this.#heap = heap;
    this.#offset = offset;
    this.range = from instanceof HeapSlice ? null : from;
    this.whole = from instanceof HeapSlice ? from : null;
    this.bytes = bytes;
  }

  get ptr(): number {
    if (this.range !== null) return this.range.ptr;
    if (this.whole === null) throw new Error("internal: a released storage is used");
    return this.whole.ptr + this.#offset;
  }

  get f32(): Float32Array {
    this.#refresh();
    return this.#f32 ??= this.#heap.floats(this.ptr, this.bytes >> 2);
  }

  get i32(): Int32Array {
    this.#refresh();
    return this.#i32 ??= this.#heap.words(this.ptr, this.bytes >> 2);
  }

  /** The bytes as they are now; do not keep it. */
  get u8(): Uint8Array {
    return new Uint8Array(this.#heap.buffer, this.ptr, this.bytes);
  }

  #refresh(): void {
    if (this.range === null && this.whole === null) throw new Error("internal: a released storage is used");
    const buffer = this.#heap.viewBuffer;
    if (this.#buffer === buffer) return;
    this.#buffer = buffer;
    this.#f32 = this.#i32 = null;
  }
}

/** Options of {@linkcode Heap}, for engines and pages that lack something. */
export interface HeapOptions {
  /** Default: true where shared memory exists. False as in a page that is not cross-origin isolated. */
  readonly shared?: boolean;
  /** False keeps to instructions outside relaxed SIMD. Default true: used where available. */
  readonly relaxed?: boolean;
}

/** The heap and its pool. */
export class Heap {
  readonly memory: WebAssembly.Memory;
  readonly target: Target;
  readonly #allocator: Allocator;
  readonly #counted = new Set<HeapSlice>();
  #used = 0;

  constructor({ shared = typeof SharedArrayBuffer === "function", relaxed = true }: HeapOptions = {}) {
    const [memory, maxPages] = openMemory(shared);
    this.memory = memory;
    this.target = { fma: relaxed && WebAssembly.validate(RELAXED_PROBE), shared, maxPages };
    this.#allocator = new Allocator(RESERVED_BYTES, (end) => this.#reach(end));
  }

  get buffer(): ArrayBufferLike {
    return this.memory.buffer;
  }

  /** Changes when old views become useless: a memory that is not shared gets a new buffer whenever it grows. */
  get viewBuffer(): ArrayBufferLike | null {
    return this.target.shared ? null : this.memory.buffer;
  }

  /** Bytes of the slices in use. */
  get used(): number {
    return this.#used;
  }

  /** Bytes taken from the system. */
  get reserved(): number {
    return this.memory.buffer.byteLength;
  }

  /** Slices in use. */
  get slices(): number {
    return this.#counted.size;
  }

  /** A slice of `bytes`, aligned to 64; its contents are undefined. Throws an Error where memory is out. */
  allocate(bytes: number): HeapSlice {
    const slice = this.allocateInternal(bytes);
    this.#counted.add(slice);
    this.#used += bytes;
    return slice;
  }

  /** A slice that {@linkcode used} does not count: scratch memory and code. */
  allocateInternal(bytes: number): HeapSlice {
    const range = this.#allocator.allocate(bytes);
    if (range !== null) return new HeapSlice(this, range, 0, bytes);
    const [asked, used, limit] = [bytes, this.#used, this.target.maxPages * PAGE].map(mebibytes);
    throw new Error(
      `Cannot allocate ${asked} on the CPU device: ${used} of at most ${limit} are in use; use a smaller batch`,
    );
  }

  /** Gives a slice back to the pool; a second release, or that of a part, does nothing. */
  release(slice: HeapSlice): void {
    if (slice.range === null) return;
    this.#allocator.release(slice.range);
    slice.range = null;
    if (this.#counted.delete(slice)) this.#used -= slice.bytes;
  }

  floats(ptr: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, ptr, length);
  }

  words(ptr: number, length: number): Int32Array {
    return new Int32Array(this.memory.buffer, ptr, length);
  }

  #reach(end: number): boolean {
    const missing = end + SLACK - this.memory.buffer.byteLength;
    if (missing <= 0) return true;
    const available = this.target.maxPages * PAGE - this.memory.buffer.byteLength;
    if (missing > available) return false;
    return this.#growBy(Math.min(Math.max(missing, GROWTH), available)) || this.#growBy(missing);
  }

  #growBy(bytes: number): boolean {
    try {
      this.memory.grow(Math.ceil(bytes / PAGE));
      return true;
    } catch {
      return false;
    }
  }
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(bytes < 2 ** 20 ? 3 : 1)} MiB`;
}
