/**
 * The interface that both devices implement. It speaks of bytes and calls, never of tensors.
 * @module
 */
import type { Call } from "./kernel.ts";
import type { Handle } from "./storage.ts";

/** Bytes of the largest array that every GPU can bind: WebGPU's default limit. */
export const EVERY_GPU_BINDS = 2 ** 27;

/** The two kinds of device. */
export type DeviceType = "cpu" | "webgpu";

/** Bytes and buffers a device holds. */
export interface DeviceMemory {
  /** Bytes in use by storages. */
  readonly used: number;
  /** Bytes taken from the system, pool included. */
  readonly reserved: number;
  /** Buffers in use. */
  readonly buffers: number;
}

/** A list of calls made ready to run again and again. */
export interface Program {
  /** Runs every call in order; returns at once on a GPU. */
  run(): void;
  /** Kernels (dispatches) a run. */
  readonly kernels: number;
  /** Frees what the program holds. */
  dispose(): void;
}

/** A device: memory, transfers and kernels. Opened by {@linkcode openDevice} or {@linkcode setDevice}. */
export interface Device {
  /** Which of the two kinds. */
  readonly type: DeviceType;
  /** For people: what it is and why it was chosen. */
  readonly description: string;
  /**
   * Takes memory, whose contents are anything.
   *
   * @ignore
   */
  allocate(bytes: number): Handle;
  /**
   * Gives memory back.
   *
   * @ignore
   */
  release(handle: Handle): void;
  /**
   * A range of an allocation as a handle of its own, 256-byte aligned; freed with the whole.
   *
   * @ignore
   */
  range(handle: Handle, byteOffset: number, bytes: number): Handle;
  /**
   * Copies host bytes in, ordered after earlier and before later calls.
   *
   * @ignore
   */
  write(handle: Handle, byteOffset: number, data: ArrayBufferView): void;
  /**
   * Copies bytes to the host once everything enqueued before is done.
   *
   * @ignore
   */
  read(handle: Handle, byteOffset: number, bytes: number): Promise<ArrayBuffer>;
  /**
   * Runs or enqueues one call.
   *
   * @ignore
   */
  run(call: Call): void;
  /**
   * Makes calls whose storages all have handles ready for replay.
   *
   * @ignore
   */
  compile(calls: readonly Call[]): Program;
  /** Resolves when everything enqueued is done; rejects if the device was lost or a kernel failed. */
  synchronize(): Promise<void>;
  /** What the device holds now. */
  memory(): DeviceMemory;
  /** Frees everything; later use throws. */
  close(): void;
}
