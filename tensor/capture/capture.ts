/**
 * Capture and replay: a step runs once while its calls are written down; afterwards the list is simplified, fused, given memory, and run
 * again and again without any graph work in JavaScript.
 * @module
 */
import type { Program } from "../device/device.ts";
import type { Storage } from "../device/storage.ts";
import { newRecorder, type Recorder, recordInto, refuseNested, release, storagesOf } from "../memory.ts";
import { copyInto } from "../ops/copy.ts";
import { Tensor } from "../tensor.ts";
import type { TensorData } from "../tensor_data.ts";
import { fuse } from "./fuse.ts";
import { assignMemory } from "./plan.ts";
import { dropCopies, dropUnused } from "./simplify.ts";

/** One recorded step for one set of input shapes. */
interface Recording<R> {
  readonly shapes: string;
  readonly inputs: readonly Tensor[];
  readonly beforeRun: readonly (() => void)[];
  readonly program: Program;
  readonly result: R;
  /** Memory of others that the program reads or writes. */
  readonly outside: readonly Storage[];
  /** What the step does to gradients of tensors it did not make. */
  readonly grads: readonly GradChange[];
  readonly free: () => void;
}

/** A gradient before and after a step; `before` is absent where the step does not look at it. */
interface GradChange {
  readonly of: TensorData;
  readonly before?: Tensor | null;
  readonly after: Tensor | null;
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

/** Turns recorded calls into a program; `outside` is the memory of others that it uses. */
function build(recorder: Recorder, result: unknown): { program: Program; outside: Storage[]; free: () => void } {
  const results = storagesOf(result);
  const calls = fuse(dropCopies(dropUnused(recorder.calls, results), results), results);
  if (calls.length === 0) throw new Error("Cannot capture a step that computes nothing");
  const { device } = calls[0].outputs[0];
  const storages = new Set(calls.flatMap((call) => [...call.inputs, ...call.outputs]));
  const outside = [...storages].filter((s) => s.handle !== null);
  const plan = assignMemory(device, calls, results);
  try {
    const program = device.compile(calls);
    plan.hideTemporaries();
    return { program, outside, free: plan.free };
  } catch (error) {
    plan.free();
    throw error;
  }
}

function record<A extends readonly Tensor[], R>(step: (...inputs: A) => R, like: A): Recording<R> {
  const inputs = like.map((t) => Tensor.persistent(t.device, t.shape, t.dtype)) as unknown as A;
  const recorder = newRecorder();
  const { beforeRun, constants, made, grads: found } = recorder;
  for (const t of inputs) made.add(t);
  const freeHost = () => {
    constants.forEach(release);
    inputs.forEach((t) => t.dispose());
  };
  try {
    const result = recordInto(recorder, () => step(...inputs));
    if (result instanceof Promise) {
      result.catch(() => {}); // told below; it has nothing to add
      throw new TypeError("Cannot capture an async function: read values after the step");
    }
    const { program, outside, free } = build(recorder, result);
    const freeAll = () => {
      program.dispose();
      free();
      freeHost();
    };
    const grads = [...found].map(([of, { grad, isRead }]) => ({
      of,
      before: isRead ? grad : undefined,
      after: of.grad,
    }));
    return { shapes: shapesOf(like), inputs, beforeRun, program, result, outside, grads, free: freeAll };
  } catch (error) {
    for (const [of, { grad }] of found) of.grad = grad; // nothing ran that could have filled a new one
    freeHost();
    throw error;
  }
}

/** True where the memory that a recording uses is still there; an optimizer, for one, moves parameters. */
function isAlive({ outside }: Recording<unknown>): boolean {
  return outside.every((storage) => !storage.freed);
}

/** True where gradients are as the recording found them: there or not decides between adding and writing. */
function findsGrads({ grads }: Recording<unknown>): boolean {
  return grads.every(({ of, before }) => before === undefined || of.grad === before);
}

/**
 * Makes a function whose tensor work is recorded at its first call and replayed afterwards. Tensors that change from step to step are
 * arguments (copied in), or are overwritten with {@linkcode Tensor.assign}. Everything else that the function reads from the host, such as
 * whether a module is in training mode, is fixed by the first call. What asks for a new recording gets it by itself: new input shapes,
 * gradients that are to be added to instead of written, parameters that an optimizer moved. The tensors in the result are overwritten by the
 * next call and freed with the recording, and no others of the step can be read.
 *
 * @example
 * ```ts
 * import { capture, tensor } from "../mod.ts";
 * const double = capture((x) => x.mul(2));
 * console.log(await double(tensor([1, 2, 3])).data()); // Float32Array [2, 4, 6]
 * ```
 * @throws TypeError if the function is async; Error if it reads a value or calls a captured function inside.
 */
export function capture<A extends readonly Tensor[], R>(step: (...inputs: A) => R): Captured<A, R> {
  let recordings: Recording<R>[] = []; // the most recent stands last
  let kernels = 0;
  const drop = (isStale: (r: Recording<R>) => boolean) => {
    recordings.filter(isStale).forEach(({ free }) => free());
    recordings = recordings.filter((r) => !isStale(r));
  };
  const run = (...inputs: A): R => {
    refuseNested();
    drop((r) => !isAlive(r));
    const shapes = shapesOf(inputs);
    const recording = recordings.find((r) => r.shapes === shapes && findsGrads(r)) ?? record(step, inputs);
    recordings = [...recordings.filter((r) => r !== recording), recording];
    if (recordings.length > MOST_RECORDINGS) recordings.shift()!.free();
    inputs.forEach((t, i) => copyInto(recording.inputs[i], t.detach()));
    for (const work of recording.beforeRun) work();
    recording.program.run();
    for (const { of, after } of recording.grads) of.grad = after;
    kernels = recording.program.kernels;
    return recording.result;
  };
  const dispose = () => drop(() => true);
  return Object.defineProperties(run as Captured<A, R>, {
    kernels: { get: () => kernels },
    recordings: { get: () => recordings.length },
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
