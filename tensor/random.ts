/**
 * Random numbers by a counter-based generator, Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"):
 * each call has a number, each element a counter, and nothing is stored. The stream is the same on both devices, in eager mode and in
 * a replayed step.
 * @module
 */
import type { Device } from "./device/device.ts";
import { currentDevice } from "./device/current.ts";
import { allocateForHost, beforeEachRun, currentRecorder } from "./memory.ts";
import { type Expr, scalar } from "./expr/expr.ts";
import { parse } from "./expr/parse.ts";
import { mapElements } from "./ops/elementwise.ts";
import type { Shape } from "./shape.ts";
import type { TensorOptions } from "./create.ts";
import { Tensor } from "./tensor.ts";

/** The state that a run of random calls continues from. */
export interface RandomState {
  /** What {@linkcode manualSeed} was given; 0 before. */
  readonly seed: number;
  /** Calls made so far. */
  readonly calls: number;
}

let seed = 0;
let calls = 0;
let states = new WeakMap<Device, Tensor>();

// While a step is recorded: its own state buffer for each device, and how many calls it has made.
interface Recording {
  state: Tensor;
  count: number;
}
const recordings = new WeakMap<object, Recording>();

/** Seeds the generator of every device. A whole number; the default stream has seed 0. */
export function manualSeed(newSeed: number): void {
  setRandomState({ seed: newSeed, calls: 0 });
}

/** The state to save in a checkpoint. */
export function randomState(): RandomState {
  return { seed, calls };
}

/** Continues from a saved state. */
export function setRandomState(state: RandomState): void {
  if (!Number.isSafeInteger(state.seed) || !Number.isSafeInteger(state.calls) || state.calls < 0) {
    throw new RangeError(`Cannot seed with ${state.seed}: expected a whole number`);
  }
  seed = state.seed;
  calls = state.calls;
  states = new WeakMap(); // graphs made before keep the buffer they were made with
}

/** Key and base counter as the kernels read them. */
function stateWords(base: number): Int32Array {
  return Int32Array.of(seed | 0, Math.floor(seed / 2 ** 32) | 0, base | 0, Math.floor(base / 2 ** 32) | 0);
}

/** A random call: the buffer that holds key and base, and the counter to add to the base. */
export interface RandomCall {
  readonly state: Tensor;
  readonly counter: number;
}

// Lists that note the calls being made, and the noted calls that are made again.
const noted: RandomCall[][] = [];
let again: { readonly calls: readonly RandomCall[]; done: number } | null = null;

/**
 * Runs `body` and notes its random calls.
 *
 * @ignore
 */
export function noteRandomCalls<T>(body: () => T): { result: T; calls: readonly RandomCall[] } {
  const made: RandomCall[] = [];
  noted.push(made);
  try {
    return { result: body(), calls: made };
  } finally {
    noted.pop();
  }
}

/**
 * Runs `body` with the random calls that were noted before in place of new ones.
 *
 * @throws Error if `body` does not make as many.
 * @ignore
 */
export function repeatRandomCalls<T>(calls: readonly RandomCall[], body: () => T): T {
  const before = again;
  const { length } = calls;
  const current = again = { calls, done: 0 };
  try {
    const result = body();
    if (current.done < length) throw new Error(otherCalls(length, current.done));
    return result;
  } finally {
    again = before;
  }
}

const otherCalls = (before: number, now: number | "more") =>
  `Cannot compute again what a checkpoint left out: its function made ${before} random draws at first and ${now} now; ` +
  "it must do the same both times";

/** Takes the next random call. */
export function nextRandomCall(device: Device): RandomCall {
  const call = again === null ? newCall(device) : again.calls[again.done++];
  if (call === undefined) throw new Error(otherCalls(again?.calls.length ?? 0, "more"));
  for (const list of noted) list.push(call);
  return call;
}

function newCall(device: Device): RandomCall {
  const recorder = currentRecorder();
  if (recorder === null) {
    let state = states.get(device);
    if (state === undefined) {
      states.set(device, state = Tensor.persistent(device, [4], "int32"));
      state.assign(stateWords(0));
    }
    return { state, counter: calls++ };
  }
  let recording = recordings.get(recorder);
  if (recording === undefined) {
    const made: Recording = { state: new Tensor(allocateForHost(device, 16), [4], "int32"), count: 0 };
    recordings.set(recorder, recording = made);
    beforeEachRun(() => {
      made.state.assign(stateWords(calls));
      calls += made.count;
    });
  }
  return { state: recording.state, counter: recording.count++ };
}

/** A tensor of `text` over random numbers u (and v, another draw), each uniform in [0, 1). */
function draw(
  shape: Shape,
  text: string,
  scalars: readonly number[],
  { device = currentDevice(), requiresGrad = false }: TensorOptions,
): Tensor {
  const { state, counter } = nextRandomCall(device);
  const { counter: second } = nextRandomCall(device);
  const random = (index: number): Expr => ({ op: "random", state: 0, counter: index, dtype: "float32" });
  const names = { u: random(0), v: random(1), p: scalar(0), q: scalar(1) };
  const key = new Tensor(state.storage, shape, "int32", shape.map(() => 0));
  const out = mapElements("random", parse(text, names), [key], { scalars, counters: [counter, second] });
  return requiresGrad ? out.requireGrad() : out;
}

/** Uniform random numbers in [0, 1), or in [low, high). */
export function rand(shape: Shape, options: TensorOptions & { low?: number; high?: number } = {}): Tensor {
  const { low = 0, high = 1 } = options;
  return draw(shape, "p + q * u", [low, high - low], options);
}

/** Normal random numbers of mean 0 and deviation 1, or as given (Box–Muller). */
export function randn(shape: Shape, options: TensorOptions & { mean?: number; std?: number } = {}): Tensor {
  const { mean = 0, std = 1 } = options;
  return draw(shape, "p + q * sqrt(-2 * log(1 - u)) * cos(6.283185307 * v)", [mean, std], options);
}
