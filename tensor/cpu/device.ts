/**
 * The `cpu` device: storages are ranges of a WebAssembly memory, kernels run at once on one or more threads.
 * @module
 */
import type { Device, DeviceMemory, Program } from "../device/device.ts";
import type { Call } from "../device/kernel.ts";
import type { Handle, Storage } from "../device/storage.ts";
import { Heap, HeapSlice } from "./heap.ts";
import { Jobs } from "./jobs.ts";
import { WasmRuntime } from "./wasm_runtime.ts";

/** Called after each kernel with the time it took, in microseconds. */
export type KernelHook = (call: Call, microseconds: number) => void;

/** A call with its storages resolved. */
interface Step {
  readonly call: Call;
  readonly inputs: readonly HeapSlice[];
  readonly outputs: readonly HeapSlice[];
}

/** A device that needs no driver. Everything but `read` and `synchronize` is done when it returns. */
export class CpuDevice implements Device {
  readonly type = "cpu";
  /** Called after each kernel when set; costs two clock readings a kernel. */
  onKernel: KernelHook | null = null;
  readonly #heap: Heap;
  readonly #jobs: Jobs;
  readonly #runtime: WasmRuntime;
  #closed = false;

  constructor() {
    this.#heap = new Heap();
    this.#jobs = new Jobs(this.#heap);
    this.#runtime = new WasmRuntime(this.#heap, this.#jobs);
  }

  get description(): string {
    const { threads } = this.#jobs;
    const arithmetic = this.#heap.target.fma ? "WebAssembly relaxed SIMD" : "WebAssembly SIMD";
    return `CPU, ${arithmetic}, ${threads} ${threads === 1 ? "thread" : "threads"}`;
  }

  allocate(bytes: number): Handle {
    this.#checkOpen();
    return this.#heap.allocate(bytes);
  }

  release(handle: Handle): void {
    if (!this.#closed) this.#heap.release(slice(handle));
  }

  range(handle: Handle, byteOffset: number, bytes: number): Handle {
    const whole = slice(handle);
    if (byteOffset % 4 !== 0 || byteOffset + bytes > whole.bytes) {
      throw new RangeError(`internal: no range of ${bytes} bytes from ${byteOffset} in ${whole.bytes} bytes`);
    }
    return new HeapSlice(this.#heap, whole, byteOffset, bytes);
  }

  write(handle: Handle, byteOffset: number, data: ArrayBufferView): void {
    this.#checkOpen();
    slice(handle).u8.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), byteOffset);
  }

  read(handle: Handle, byteOffset: number, bytes: number): Promise<ArrayBuffer> {
    try {
      this.#checkOpen();
      const copy = new Uint8Array(bytes);
      copy.set(slice(handle).u8.subarray(byteOffset, byteOffset + bytes));
      return Promise.resolve(copy.buffer);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  run(call: Call): void {
    this.#checkOpen();
    this.#step(resolve(call));
  }

  compile(calls: readonly Call[]): Program {
    this.#checkOpen();
    let steps = calls.map(resolve);
    return {
      kernels: steps.length,
      run: () => {
        this.#checkOpen();
        for (const step of steps) this.#step(step);
      },
      dispose: () => {
        steps = [];
      },
    };
  }

  synchronize(): Promise<void> {
    return Promise.resolve();
  }

  memory(): DeviceMemory {
    return { used: this.#heap.used, reserved: this.#heap.reserved, buffers: this.#heap.slices };
  }

  close(): void {
    this.#closed = true;
    this.#jobs.close();
  }

  #step({ call, inputs, outputs }: Step): void {
    const begin = this.onKernel === null ? 0 : performance.now();
    try {
      call.kernel.cpu(call.args, inputs, outputs, this.#runtime);
    } finally {
      this.#runtime.releaseScratch();
    }
    this.onKernel?.(call, 1000 * (performance.now() - begin));
  }

  #checkOpen(): void {
    if (this.#closed) throw new Error("Cannot use the CPU device: it is closed");
  }
}

function slice(handle: Handle | null): HeapSlice {
  if (handle instanceof HeapSlice) return handle;
  throw new Error(`internal: ${handle === null ? "a storage without memory" : "a foreign handle"} on the CPU device`);
}

function resolve(call: Call): Step {
  const slices = (storages: readonly Storage[]) => storages.map((s) => slice(s.handle));
  return { call, inputs: slices(call.inputs), outputs: slices(call.outputs) };
}
