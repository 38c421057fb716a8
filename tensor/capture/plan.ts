/**
 * Gives the temporaries of a recorded step memory by lifetime: what is no longer read makes room for what comes later.
 * @module
 */
import type { Device } from "../device/device.ts";
import type { Call } from "../device/kernel.ts";
import type { Handle, Storage } from "../device/storage.ts";
import { markFreed } from "../memory.ts";

/** Memory that is free to be used again. */
interface Free {
  readonly handle: Handle;
  readonly bytes: number;
}

/** A block may be at most this much larger than what is put into it. */
const SLACK = 1.5;

/** The memory of a recorded step. */
export interface Plan {
  /** Takes temporaries out of reach once the program is compiled: their memory holds other values by the end of a run. */
  hideTemporaries(): void;
  /** Frees everything. */
  free(): void;
}

/** Assigns handles to every storage without one. */
export function assignMemory(device: Device, calls: readonly Call[], results: ReadonlySet<Storage>): Plan {
  const lastUse = new Map<Storage, number>();
  calls.forEach((call, i) => [...call.inputs, ...call.outputs].forEach((s) => lastUse.set(s, i)));
  const blocks: Handle[] = [];
  const owned: Storage[] = [];
  const sizes = new Map<Handle, number>();
  const free: Free[] = [];
  const take = (bytes: number): Handle => {
    const fits = free.filter((f) => f.bytes >= bytes && f.bytes <= SLACK * bytes).sort((a, b) => a.bytes - b.bytes)[0];
    if (fits !== undefined) {
      free.splice(free.indexOf(fits), 1);
      return fits.handle;
    }
    const handle = device.allocate(bytes);
    blocks.push(handle);
    sizes.set(handle, bytes);
    return handle;
  };
  calls.forEach((call, i) => {
    for (const storage of call.outputs) {
      if (storage.handle !== null) continue;
      storage.handle = take(storage.bytes);
      storage.planned = true;
      owned.push(storage);
    }
    // only now: what a call reads must not be where it writes
    for (const storage of new Set([...call.inputs, ...call.outputs])) {
      const { handle } = storage;
      if (handle === null) throw new Error(`internal: ${call.kernel.name} reads memory that nothing wrote`);
      if (lastUse.get(storage) === i && sizes.has(handle) && !results.has(storage)) {
        free.push({ handle, bytes: sizes.get(handle)! });
      }
    }
  });
  return {
    hideTemporaries: () => owned.filter((storage) => !results.has(storage)).forEach(markFreed),
    free: () => {
      owned.forEach(markFreed);
      for (const handle of blocks) device.release(handle);
    },
  };
}
