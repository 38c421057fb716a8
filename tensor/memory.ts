/**
 * Who owns storages: scopes free step memory, a recorder turns allocations into plans, everything else lives until disposed of.
 * @module
 */
import type { Device } from "./device/device.ts";
import type { Call } from "./device/kernel.ts";
import { Storage } from "./device/storage.ts";
import type { Tensor } from "./tensor.ts";
import type { TensorData } from "./tensor_data.ts";

/** How a recorded step came upon a tensor's gradient. */
export interface FoundGrad {
  readonly grad: Tensor | null;
  /** False where the step overwrites it unseen, as `zeroGrad` does. */
  readonly isRead: boolean;
}

/** What capture puts in place of the device while a step is recorded. */
export interface Recorder {
  readonly calls: Call[];
  /** Host work to do before each run: learning rates, random counters. */
  readonly beforeRun: (() => void)[];
  /** Memory that the host fills while recording, such as constants: it ends with the recording. */
  readonly constants: Storage[];
  /** Tensors that the step itself makes, whose gradients concern nobody else. */
  readonly made: WeakSet<TensorData>;
  /** Gradients of other tensors that the step reads or sets, as they were before. */
  readonly grads: Map<TensorData, FoundGrad>;
}

/** A recorder with nothing in it. */
export function newRecorder(): Recorder {
  return { calls: [], beforeRun: [], constants: [], made: new WeakSet(), grads: new Map() };
}

let recorder: Recorder | null = null;
// The second run of a checkpointed function that goes on, 0 for none, and how many there were.
let rerun = 0;
let reruns = 0;
const scopes: Storage[][] = [];

// A safety net only: a tensor that nobody disposed of gives its memory back when V8 collects it.
const abandoned = new FinalizationRegistry<() => void>((release) => release());

/** Throws while a step is recorded: a replay inside would run at once, and never again. */
export function refuseNested(): void {
  if (recorder !== null) throw new Error("Cannot capture inside a captured step: call the inner function directly");
}

/** Runs `body` with every call and allocation going to `to` instead of the device. */
export function recordInto<T>(to: Recorder, body: () => T): T {
  refuseNested();
  recorder = to;
  try {
    return body();
  } finally {
    recorder = null;
  }
}

/** The recorder at work, if any. */
export function currentRecorder(): Recorder | null {
  return recorder;
}

/** Allocates a storage that ends with the innermost scope (or is planned, while a step is recorded). */
export function allocate(device: Device, bytes: number): Storage {
  if (recorder !== null) return new Storage(device, bytes, null);
  const storage = allocatePersistent(device, bytes);
  storage.persistent = false;
  scopes.at(-1)?.push(storage);
  return storage;
}

/** Allocates a storage that outlives scopes and captured steps: parameters, their gradients, optimizer state. */
export function allocatePersistent(device: Device, bytes: number): Storage {
  const handle = device.allocate(bytes);
  const storage = new Storage(device, bytes, handle);
  storage.persistent = true;
  abandoned.register(storage, () => device.release(handle), storage);
  return storage;
}

/** Allocates a storage that the host writes: like {@linkcode allocate}, but real while a step is recorded. */
export function allocateForHost(device: Device, bytes: number): Storage {
  if (recorder === null) return allocate(device, bytes);
  const storage = allocatePersistent(device, bytes);
  recorder.constants.push(storage);
  return storage;
}

/** Allocates a storage that lives as long as another: a gradient beside its leaf. */
export function allocateBeside(other: Storage, bytes: number): Storage {
  if (recorder !== null && other.handle === null) return new Storage(other.device, bytes, null);
  const storage = allocatePersistent(other.device, bytes);
  const owner = other.persistent ? undefined : scopes.find((owned) => owned.includes(other));
  if (owner !== undefined) {
    storage.persistent = false;
    owner.push(storage);
  }
  return storage;
}

/** Gives a storage's memory back at once; later use of its tensors throws. */
export function release(storage: Storage): void {
  if (storage.handle === null || storage.parent !== null || storage.planned) return;
  abandoned.unregister(storage);
  storage.device.release(storage.handle);
  markFreed(storage);
}

/** Takes a storage's handle away, whose memory another releases. */
export function markFreed(storage: Storage): void {
  storage.handle = null;
  storage.freed = true;
}

/** Runs a call now, or records it. */
export function run<A>(call: Call<A>): void {
  for (const storage of [...call.inputs, ...call.outputs]) {
    if (storage.freed || (storage.handle === null && recorder === null)) {
      throw new Error(
        `Cannot ${call.kernel.name}: an operand was freed when its scope ended or by dispose(), or a captured step did not return it`,
      );
    }
  }
  if (recorder !== null) recorder.calls.push((rerun > 0 ? { ...call, rerun } : call) as Call);
  else call.outputs[0].device.run(call as Call);
}

/** Runs `body` as the second run of a checkpointed function: nothing of it may be computed before its time. */
export function asRerun<T>(body: () => T): T {
  const before = rerun;
  rerun = ++reruns;
  try {
    return body();
  } finally {
    rerun = before;
  }
}

/** Whether the second run of a checkpointed function is going on: what the first one counted must not be counted again. */
export function isRerun(): boolean {
  return rerun > 0;
}

/** Does host work that a step needs (write a learning rate, say) now, and before each replay if a step is being recorded. */
export function beforeEachRun(work: () => void): void {
  if (recorder !== null) recorder.beforeRun.push(work);
  else work();
}

/** Storages inside a result: tensors, and arrays, maps and plain objects of them. */
export function storagesOf(value: unknown, into = new Set<Storage>()): Set<Storage> {
  if (typeof value !== "object" || value === null) return into;
  if ("storage" in value && value.storage instanceof Storage) {
    into.add(value.storage);
    if ("grad" in value) storagesOf(value.grad, into);
    if ("gradSlot" in value) storagesOf(value.gradSlot, into);
  } else if (Array.isArray(value) || value instanceof Map) {
    for (const item of value.values()) storagesOf(item, into);
  } else if (Object.getPrototypeOf(value) === Object.prototype) {
    for (const item of Object.values(value)) storagesOf(item, into);
  }
  return into;
}

/**
 * Runs `body` and frees every tensor made in it, except those in its result (a tensor, or arrays and plain objects of them) and
 * gradients of tensors made outside. Synchronous only: read values with `await` after the scope.
 *
 * @throws TypeError if `body` returns a promise.
 */
export function scope<T>(body: () => T): T {
  const owned: Storage[] = [];
  scopes.push(owned);
  let kept = new Set<Storage>();
  try {
    const result = body();
    if (result instanceof Promise) {
      throw new TypeError("Cannot await inside scope: return tensors and read them after it");
    }
    kept = storagesOf(result);
    return result;
  } finally {
    scopes.pop();
    for (const storage of owned) {
      if (storage.persistent) continue;
      if (kept.has(storage)) scopes.at(-1)?.push(storage);
      else release(storage);
    }
  }
}
