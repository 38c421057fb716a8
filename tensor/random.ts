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

/** Takes the next call number: the buffer that holds key and base, and the counter to add to the base. */
export function nextRandomCall(device: Device): { state: Tensor; counter: number } {
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
