/**
 * Capture and replay: a step runs once while its calls are written down; afterwards the list is simplified, fused, given memory, and run
 * again and again without any graph work in JavaScript.
 * @module
 */
import type { Device, Program } from "../device/device.ts";
import type { Storage } from "../device/storage.ts";
import { newRecorder, type Recorder, recordInto, release, storagesOf } from "../memory.ts";
import { copyInto } from "../ops/copy.ts";
import { Tensor } from "../tensor.ts";
import { fuse } from "./fuse.ts";
import { assignMemory } from "./plan.ts";
import { dropCopies, dropUnused } from "./simplify.ts";

/** One recorded step for one set of input shapes. */
interface Recording<R> {
  readonly inputs: readonly Tensor[];
  readonly beforeRun: readonly (() => void)[];
  readonly program: Program;
  readonly result: R;
  readonly free: () => void;
}

/** A captured function. */
export interface Captured<A extends readonly Tensor[], R> {
  (...inputs: A): R;
  /** Kernels that the last call ran. */
  readonly kernels: number;
  /** Sets of input shapes recorded so far. */
  readonly recordings: number;
  /** Frees memory of all recordings. */
  dispose(): void;
}

/** Recordings kept at once; the one used longest ago makes way. */
const MOST_RECORDINGS = 16;

function shapesOf(inputs: readonly Tensor[]): string {
  return inputs.map((t) => `${t.dtype}${t.shape}`).join(";");
}

/** Turns recorded calls into a program. */
function build(recorder: Recorder, result: unknown): { program: Program; device: Device; free: () => void } {
  const results = storagesOf(result);
  const calls = fuse(dropCopies(dropUnused(recorder.calls, results), results), results);
  if (calls.length === 0) throw new Error("Cannot capture a step that computes nothing");
  const { device } = calls[0].outputs[0];
  const free = assignMemory(device, calls, results);
  return { program: device.compile(calls), device, free };
}

function record<A extends readonly Tensor[], R>(step: (...inputs: A) => R, like: A): Recording<R> {
  const inputs = like.map((t) => Tensor.persistent(t.device, t.shape, t.dtype)) as unknown as A;
  const recorder = newRecorder();
  const result = recordInto(recorder, () => step(...inputs));
  if (result instanceof Promise) {
    result.catch(() => {}); // told below; it has nothing to add
    throw new TypeError("Cannot capture an async function: read values after the step");
  }
  const { program, free } = build(recorder, result);
  const freeAll = () => {
    program.dispose();
    free();
    recorder.constants.forEach(release);
    inputs.forEach((t) => t.dispose());
  };
  return { inputs, beforeRun: recorder.beforeRun, program, result, free: freeAll };
}

/**
 * Makes a function whose tensor work is recorded at its first call and replayed afterwards. Tensors that change from step to step are
 * arguments (copied in), or are overwritten with {@linkcode Tensor.assign}. Everything else that the function reads from the host, such as
 * whether a module is in training mode, is fixed by the first call. New input shapes are recorded anew, by themselves. The tensors in the
 * result are overwritten by the next call.
 *
 * @example
 * ```ts
 * import { capture, tensor } from "../mod.ts";
 * const double = capture((x) => x.mul(2));
 * console.log(await double(tensor([1, 2, 3])).data()); // Float32Array [2, 4, 6]
 * ```
 * @throws TypeError if the function is async; Error if it reads a value inside.
 */
export function capture<A extends readonly Tensor[], R>(step: (...inputs: A) => R): Captured<A, R> {
  const recordings = new Map<string, Recording<R>>();
  let kernels = 0;
  const run = (...inputs: A): R => {
    const key = shapesOf(inputs);
    const recording = recordings.get(key) ?? record(step, inputs);
    recordings.delete(key); // the most recent stands last
    recordings.set(key, recording);
    if (recordings.size > MOST_RECORDINGS) {
      const [oldest, { free }] = recordings.entries().next().value!;
      free();
      recordings.delete(oldest);
    }
    inputs.forEach((t, i) => copyInto(recording.inputs[i], t.detach()));
    for (const work of recording.beforeRun) work();
    recording.program.run();
    kernels = recording.program.kernels;
    return recording.result;
  };
  const dispose = () => {
    for (const { free } of recordings.values()) free();
    recordings.clear();
  };
  return Object.defineProperties(run as Captured<A, R>, {
    kernels: { get: () => kernels },
    recordings: { get: () => recordings.size },
    dispose: { value: dispose },
  });
}

/**
 * Runs a step call by call and reads every result: the first kernel that turns finite inputs into NaN or infinity, as
 * "log [2, 3]", or null. Slow; for finding where a loss went wrong.
 */
export async function findNonFinite(step: () => unknown): Promise<string | null> {
  const recorder = newRecorder();
  recordInto(recorder, step);
  const made: Storage[] = [];
  for (const work of recorder.beforeRun) work();
  try {
    for (const call of recorder.calls) {
      for (const storage of call.outputs) {
        if (storage.handle !== null) continue;
        storage.handle = storage.device.allocate(storage.bytes);
        made.push(storage);
      }
      call.outputs[0].device.run(call);
      if (await isNonFinite(call.outputs)) return call.label ?? call.kernel.name;
    }
    return null;
  } finally {
    [...made, ...recorder.constants].forEach(release);
  }
}

async function isNonFinite(storages: readonly Storage[]): Promise<boolean> {
  for (const { device, handle, bytes } of storages) {
    const words = new Uint32Array(await device.read(handle!, 0, bytes));
    // by bits; of the negative ones only −∞ and the processor's own NaN, since small negative int32 look like the others
    if (words.some((w) => (w & 0xff800000) === 0x7f800000 || w === 0xff800000 || w === 0xffc00000)) return true;
  }
  return false;
}
