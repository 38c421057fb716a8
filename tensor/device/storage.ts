/**
 * A range of a device's memory that tensors view. During capture a storage is virtual until the step is planned.
 * @module
 */
import type { Device } from "./device.ts";

/** What a device hands out for a range of its memory: a `GPUBuffer` on WebGPU, a heap range on the CPU. */
export type Handle = object;

/** A device's memory behind one or more tensors. */
export class Storage {
  readonly device: Device;
  /** Size in bytes, a multiple of 4. */
  readonly bytes: number;
  /** `null` before memory is assigned (captured step) and after it was released. */
  handle: Handle | null;
  /** True where the storage outlives scopes and captured steps: parameters, optimizer state, results. */
  persistent = false;
  /** True where the memory is gone for good; a virtual storage, which waits for memory, has no handle either. */
  freed = false;
  /** True where the memory is a captured step's, and ends only with its recording. */
  planned = false;

  /** The storage that this one is a range of, as a parameter is of the flat buffer of all parameters; else null. */
  readonly parent: Storage | null;

  constructor(device: Device, bytes: number, handle: Handle | null, parent: Storage | null = null) {
    this.parent = parent;
    this.device = device;
    this.bytes = bytes;
    this.handle = handle;
  }

  /** The whole that the storage lies in: a GPU binds no buffer for reading and writing at once, not even two ranges of it. */
  get root(): Storage {
    return this.parent ?? this;
  }
}
