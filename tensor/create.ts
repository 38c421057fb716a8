/**
 * Making tensors: of given numbers, of one value, or counting.
 * @module
 */
import { currentDevice } from "./device/current.ts";
import type { Device } from "./device/device.ts";
import type { DType } from "./dtype.ts";
import { allocateForHost } from "./memory.ts";
import { fill } from "./ops/copy.ts";
import { type Shape, show, sizeOf } from "./shape.ts";
import { Tensor } from "./tensor.ts";

/** Numbers, or nested arrays of numbers of equal length. */
export type Nested = number | readonly Nested[];

/** Options of functions that make tensors. */
export interface TensorOptions {
  /** Sizes of the axes. Default: the nesting of the data, or its length. */
  shape?: Shape;
  /** Element type. Default: int32 for an Int32Array, else float32. */
  dtype?: DType;
  /** Device. Default: the current one, see `setDevice`. */
  device?: Device;
  /** Default false. */
  requiresGrad?: boolean;
}

function nestedShape(data: Nested): number[] {
  if (typeof data === "number") return [];
  const inner = data.length === 0 ? [] : nestedShape(data[0]);
  for (const row of data) {
    if (String(nestedShape(row)) !== String(inner)) {
      throw new TypeError("Cannot make a tensor of nested arrays of different lengths");
    }
  }
  return [data.length, ...inner];
}

function flatten(data: Nested): number[] {
  return typeof data === "number" ? [data] : data.flatMap(flatten);
}

/**
 * Makes a tensor from numbers, nested arrays or a typed array.
 *
 * @example
 * ```ts
 * import { tensor } from "./mod.ts";
 * const x = tensor([[1, 2], [3, 4]], { requiresGrad: true });
 * x.square().sum().backward();
 * console.log(await x.grad!.data()); // Float32Array [2, 4, 6, 8]
 * ```
 * @throws TypeError if the data do not fill the shape.
 */
export function tensor(data: Nested | Float32Array | Int32Array, options: TensorOptions = {}): Tensor {
  const typed = data instanceof Float32Array || data instanceof Int32Array;
  const dtype = options.dtype ?? (data instanceof Int32Array ? "int32" : "float32");
  const shape = [...(options.shape ?? (typed ? [data.length] : nestedShape(data)))];
  const flat = typed ? data : flatten(data);
  if (flat.length !== sizeOf(shape)) throw new TypeError(`Cannot make ${show(shape)} from ${flat.length} numbers`);
  const out = new Tensor(allocateForHost(options.device ?? currentDevice(), 4 * flat.length), shape, dtype);
  if (flat.length > 0) {
    const Typed = dtype === "float32" ? Float32Array : Int32Array;
    out.device.write(out.storage.handle!, 0, flat instanceof Typed ? flat : Typed.from(flat));
  }
  return options.requiresGrad === true ? out.requireGrad() : out;
}

/** A tensor filled with one value. */
export function full(shape: Shape, value: number, options: TensorOptions = {}): Tensor {
  if (!shape.every((n) => Number.isInteger(n) && n >= 0)) {
    throw new TypeError(`Cannot make a tensor of shape ${show(shape)}: sizes are whole numbers from 0 on`);
  }
  const device = options.device ?? currentDevice();
  const out = fill(device, shape, value, options.dtype ?? "float32");
  return options.requiresGrad === true ? out.requireGrad() : out;
}

/** A tensor of zeros. */
export function zeros(shape: Shape, options?: TensorOptions): Tensor {
  return full(shape, 0, options);
}

/** A tensor of ones. */
export function ones(shape: Shape, options?: TensorOptions): Tensor {
  return full(shape, 1, options);
}

/** Zeros of another tensor's shape, type and device. */
export function zerosLike(like: Tensor): Tensor {
  return full(like.shape, 0, { dtype: like.dtype, device: like.device });
}

/** Ones of another tensor's shape, type and device. */
export function onesLike(like: Tensor): Tensor {
  return full(like.shape, 1, { dtype: like.dtype, device: like.device });
}

/** The numbers start, start + step, … below end; int32 if they are whole, unless `dtype` says otherwise. */
export function arange(start: number, end: number, step = 1, options: TensorOptions = {}): Tensor {
  if (!(Number.isFinite(start) && Number.isFinite(end) && Number.isFinite(step) && step !== 0)) {
    throw new RangeError(`Cannot count from ${start} to ${end} by ${step}`);
  }
  const count = Math.max(0, Math.ceil((end - start) / step));
  const values = Array.from({ length: count }, (_, i) => start + i * step);
  const dtype = Number.isInteger(start) && Number.isInteger(step) ? "int32" : "float32";
  return tensor(values, { dtype, ...options });
}
