/**
 * GPU buffers by size class. Freed buffers are used again, never left to garbage collection: V8 does not see GPU memory.
 * @module
 */

/** A range of a GPU buffer. */
export class GpuRange {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;

  constructor(buffer: GPUBuffer, offset: number, size: number) {
    this.buffer = buffer;
    this.offset = offset;
    this.size = size;
  }
}

/** Rounds up to one of four sizes between powers of two, at least 256 bytes, so that at most a fifth is wasted. */
export function sizeClass(bytes: number): number {
  if (bytes <= 256) return 256;
  const step = 2 ** (Math.ceil(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / step) * step;
}

/** A binding must hold at least one element, which may be a vec4; every buffer is larger. */
export const LEAST_BINDING = 16;

/** Hands out buffers for storage. */
export class BufferPool {
  readonly #gpu: GPUDevice;
  readonly #free = new Map<number, GPUBuffer[]>();
  readonly #used = new Set<GPUBuffer>();
  #usedBytes = 0;
  #reservedBytes = 0;

  constructor(gpu: GPUDevice) {
    this.#gpu = gpu;
  }

  /** Takes a buffer of at least `bytes`. */
  take(bytes: number): GpuRange {
    const { maxStorageBufferBindingSize, maxBufferSize } = this.#gpu.limits;
    const limit = Math.min(maxStorageBufferBindingSize, maxBufferSize);
    if (bytes > limit) {
      throw new RangeError(
        `Cannot allocate ${bytes} bytes: a buffer on this adapter holds at most ${limit}; use smaller batches`,
      );
    }
    // a class may not lie beyond what one buffer holds
    const size = Math.min(sizeClass(bytes), Math.floor(limit / 4) * 4);
    let buffer = this.#free.get(size)?.pop();
    if (buffer === undefined) {
      buffer = this.#gpu.createBuffer({
        size,
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
      });
      this.#reservedBytes += size;
    }
    this.#used.add(buffer);
    this.#usedBytes += size;
    return new GpuRange(buffer, 0, Math.max(LEAST_BINDING, bytes));
  }

  /** Gives a buffer back; commands already enqueued still see it, since the queue keeps order. */
  give({ buffer }: GpuRange): void {
    if (!this.#used.delete(buffer)) return;
    this.#usedBytes -= buffer.size;
    const list = this.#free.get(buffer.size);
    if (list === undefined) this.#free.set(buffer.size, [buffer]);
    else list.push(buffer);
  }

  /** Bytes and buffers. */
  memory(): { used: number; reserved: number; buffers: number } {
    return { used: this.#usedBytes, reserved: this.#reservedBytes, buffers: this.#used.size };
  }

  /** Destroys every buffer. */
  close(): void {
    for (const buffer of this.#used) buffer.destroy();
    for (const list of this.#free.values()) for (const buffer of list) buffer.destroy();
    this.#used.clear();
    this.#free.clear();
    this.#usedBytes = this.#reservedBytes = 0;
  }
}
