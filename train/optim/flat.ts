/**
 * Parameters, gradients and optimizer state as flat buffers, so that one kernel updates a whole model.
 * @module
 */
import { copyInto } from "../../tensor/ops/copy.ts";
import { markFreed, release } from "../../tensor/memory.ts";
import { noGrad } from "../../tensor/autograd.ts";
import { EVERY_GPU_BINDS } from "../../tensor/device/device.ts";
import { Storage } from "../../tensor/device/storage.ts";
import { show } from "../../tensor/shape.ts";
import { Tensor } from "../../tensor/tensor.ts";

/** Parameters start at multiples of this many elements, WebGPU's 256 bytes. */
const ALIGNMENT = 64;

/** Elements of the largest flat buffer. The same on all devices, for kernels are counted by it. */
export const MOST_ELEMENTS = EVERY_GPU_BINDS / 4;

/** A range of the flat buffers, in elements. */
export interface Run {
  readonly start: number;
  readonly end: number;
}

/** A view of elements start … end of a flat tensor. */
export function part(flat: Tensor, { start, end }: Run): Tensor {
  return new Tensor(flat.storage, [end - start], flat.dtype, [1], start);
}

/** Elements that a parameter takes up. */
const room = ({ size }: Tensor) => Math.ceil(Math.max(1, size) / ALIGNMENT) * ALIGNMENT;

/**
 * Flat buffers of parameters, in their order: one, or several of at most `most` elements each (a larger parameter has one to itself).
 *
 * @throws TypeError if there is no parameter, one repeats, is a view, or not to be optimized.
 */
export function flatten(parameters: readonly Tensor[], most: number): FlatParameters[] {
  if (parameters.length === 0) throw new TypeError("Cannot optimize nothing: the list of parameters is empty");
  if (new Set(parameters).size < parameters.length) {
    throw new TypeError("Cannot optimize a parameter twice: it is listed more than once");
  }
  const parts: Tensor[][] = [];
  let free = 0;
  for (const p of parameters) {
    if (parts.length === 0 || room(p) > free) {
      parts.push([]);
      free = most;
    }
    parts[parts.length - 1].push(p);
    free -= room(p);
  }
  return parts.map((part) => new FlatParameters(part));
}

/** Flat buffers of some parameters: their values move here, and their gradients are written here. */
export class FlatParameters {
  readonly parameters: readonly Tensor[];
  readonly values: Tensor;
  readonly gradients: Tensor;
  readonly #runs: readonly Run[];

  /** @throws TypeError if a parameter is a view, or not to be optimized. */
  constructor(parameters: readonly Tensor[]) {
    for (const p of parameters) {
      if (!p.requiresGrad || p.node !== null) {
        throw new TypeError(
          `Cannot optimize a tensor ${show(p.shape)} that is no parameter: call requireGrad() on a leaf`,
        );
      }
      if (!p.isContiguous || p.offset !== 0) {
        throw new TypeError(
          `Cannot optimize a view ${show(p.shape)} of other memory: give it memory of its own with clone()`,
        );
      }
    }
    this.parameters = parameters;
    let end = 0;
    this.#runs = parameters.map((p) => {
      const start = end;
      end += room(p);
      return { start, end };
    });
    const { device } = parameters[0];
    this.values = Tensor.persistent(device, [end], "float32");
    this.gradients = Tensor.persistent(device, [end], "float32");
    const clear = new Float32Array(end); // the gaps between parameters stay 0 for ever
    this.values.assign(clear);
    this.gradients.assign(clear);
    parameters.forEach((p, i) => this.#adopt(p, this.#runs[i].start));
  }

  /** Moves one parameter into the flat buffer. */
  #adopt(p: Tensor, start: number): void {
    const child = (flat: Tensor): Storage => {
      const handle = p.device.range(flat.storage.handle!, 4 * start, 4 * p.size);
      const storage = new Storage(p.device, 4 * p.size, handle, flat.storage);
      storage.persistent = true;
      return storage;
    };
    const old = p.storage;
    const moved = new Tensor(child(this.values), p.shape, "float32");
    noGrad(() => copyInto(moved, p.detach()));
    p.storage = moved.storage;
    p.gradSlot = new Tensor(child(this.gradients), p.shape, "float32");
    p.grad = null;
    release(old);
    markFreed(old); // a range of another optimizer's buffer too: nobody may go on with it
  }

  /** A flat buffer of zeros for optimizer state. */
  state(): Tensor {
    const state = Tensor.persistent(this.values.device, this.values.shape, "float32");
    state.assign(new Float32Array(state.size));
    return state;
  }

  /**
   * Ranges of parameters that have a gradient, neighbours joined: one range as a rule.
   *
   * @throws Error if an optimizer made later has moved a parameter into its own buffer.
   */
  activeRuns(): Run[] {
    const moved = this.parameters.find((p) => p.storage.parent !== this.values.storage);
    if (moved !== undefined) {
      throw new Error(
        `Cannot optimize the parameter ${show(moved.shape)}: another optimizer, made later, has taken it over`,
      );
    }
    const runs: Run[] = [];
    this.parameters.forEach((p, i) => {
      if (p.grad === null) return;
      const last = runs.at(-1);
      if (last?.end === this.#runs[i].start) runs[runs.length - 1] = { start: last.start, end: this.#runs[i].end };
      else runs.push(this.#runs[i]);
    });
    return runs;
  }
}
