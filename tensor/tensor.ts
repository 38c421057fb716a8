/**
 * The tensor with its methods. The operations are functions in ops/; the methods here only name them, so that `x.matmul(w)` reads as
 * in PyTorch.
 * @module
 */
import { backward, type BackwardOptions, track } from "./autograd.ts";
import type { Device } from "./device/device.ts";
import type { DType } from "./dtype.ts";
import { allocatePersistent, currentRecorder } from "./memory.ts";
import * as ops from "./ops/mod.ts";
import { type Shape, show, sizeOf } from "./shape.ts";
import { TensorData } from "./tensor_data.ts";

/** An operand: a tensor or a number. */
export type Operand = Tensor | number;

/** Options of reductions. */
export interface ReduceOptions {
  /** Keeps reduced axes with size 1. Default false. */
  keepdim?: boolean;
}

/**
 * An n-dimensional array of float32 or int32 on a device, with PyTorch's names and meaning in camelCase. Made with {@linkcode tensor},
 * {@linkcode zeros} and their like. A negative `dim` counts axes from the last. Operations are checked when they are called: a shape or type
 * that does not fit throws a TypeError, a position out of range a RangeError, both naming what was found.
 *
 * @example
 * ```ts
 * import { tensor } from "./mod.ts";
 * const x = tensor([[1, 2, 3], [4, 5, 6]]);
 * console.log(x.shape, await x.mean(-1, { keepdim: true }).data()); // [2, 3] Float32Array [2, 5]
 * ```
 */
export class Tensor extends TensorData {
  /**
   * An uninitialised tensor that outlives scopes.
   *
   * @ignore
   */
  static persistent(device: Device, shape: Shape, dtype: DType): Tensor {
    return new Tensor(allocatePersistent(device, 4 * sizeOf(shape)), shape, dtype);
  }

  /**
   * Reads the values, row-major, as a copy. Reading waits for everything enqueued before.
   *
   * @throws Error inside a captured step, after dispose, or when the device was lost or a kernel failed.
   */
  async data(): Promise<Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>> {
    if (currentRecorder() !== null) {
      throw new Error("Cannot read a value inside a captured step: return the tensor and read it after the step");
    }
    const whole = this.isContiguous ? this : ops.contiguous(this.detach());
    const { handle } = whole.storage;
    if (handle === null && whole.size > 0) {
      throw new Error(
        "Cannot read a tensor that was freed when its scope ended or by dispose(), or that a captured step did not return",
      );
    }
    // without a handle: an empty tensor of a captured step, for which no kernel runs
    const bytes = handle === null
      ? new ArrayBuffer(0)
      : await whole.device.read(handle, 4 * whole.offset, 4 * whole.size);
    if (whole.storage !== this.storage) whole.dispose();
    return this.dtype === "float32" ? new Float32Array(bytes) : new Int32Array(bytes);
  }

  /** Reads the value of a tensor of one element. TypeError if there are more. */
  async item(): Promise<number> {
    if (this.size !== 1) {
      throw new TypeError(`Cannot read one item of ${show(this.shape)}: it has ${this.size} elements`);
    }
    return (await this.data())[0];
  }

  /** The same values, outside the graph. */
  detach(): Tensor {
    return new Tensor(this.storage, this.shape, this.dtype, this.strides, this.offset);
  }

  /**
   * Marks the tensor as one whose gradient is wanted, or with `required` false no longer wanted, and returns it; PyTorch's
   * `requires_grad_`. Default true.
   *
   * @throws TypeError for int32, or where the tensor is the result of an op and is to require none.
   */
  requireGrad(required = true): this {
    if (required && this.dtype !== "float32") {
      throw new TypeError(`Cannot require a gradient of an ${this.dtype} tensor`);
    }
    if (!required && this.node !== null) {
      throw new TypeError("Cannot require no gradient of a result: take it out of the graph with detach()");
    }
    this.requiresGrad = required;
    if (!required) this.grad = null;
    return this;
  }

  /**
   * Adds the gradient of this tensor with respect to every leaf that requires one to the leaf's `grad`.
   *
   * @throws TypeError if the tensor has several elements and no `gradient` is given; Error if nothing requires one, or on a second walk
   *   through the same graph without `retainGraph`.
   */
  backward(options?: BackwardOptions): void {
    backward(this, options);
  }

  /**
   * For ops: another view of the same memory; `undo` turns the view's gradient into this tensor's.
   *
   * @ignore
   */
  alias(
    name: string,
    shape: Shape,
    strides: readonly number[],
    offset: number,
    undo: (grad: Tensor) => Tensor,
  ): Tensor {
    const out = new Tensor(this.storage, shape, this.dtype, strides, offset);
    return track(name, [this], out, (g) => [undo(g)]);
  }

  // Elementwise.
  /** this + other. Operands broadcast, as in all of these; int32 with int32 stays int32, anything else is float32. */
  add(other: Operand): Tensor {
    return ops.add(this, other);
  }
  /** this − other. */
  sub(other: Operand): Tensor {
    return ops.sub(this, other);
  }
  /** this · other. */
  mul(other: Operand): Tensor {
    return ops.mul(this, other);
  }
  /** this / other, float32. */
  div(other: Operand): Tensor {
    return ops.div(this, other);
  }
  /** this to the power `exponent`, float32; a negative base needs a whole exponent. */
  pow(exponent: Operand): Tensor {
    return ops.pow(this, exponent);
  }
  /** The larger of each pair. */
  maximum(other: Operand): Tensor {
    return ops.maximum(this, other);
  }
  /** The smaller of each pair. */
  minimum(other: Operand): Tensor {
    return ops.minimum(this, other);
  }
  /** −x. */
  neg(): Tensor {
    return ops.neg(this);
  }
  /** |x|. */
  abs(): Tensor {
    return ops.abs(this);
  }
  /** −1, 0 or 1. */
  sign(): Tensor {
    return ops.sign(this);
  }
  /** The largest whole number not above x. */
  floor(): Tensor {
    return ops.floor(this);
  }
  /** e to the power x. */
  exp(): Tensor {
    return ops.exp(this);
  }
  /** Natural logarithm. */
  log(): Tensor {
    return ops.log(this);
  }
  /** log(1 + x), exact for small x. */
  log1p(): Tensor {
    return ops.log1p(this);
  }
  /** √x. */
  sqrt(): Tensor {
    return ops.sqrt(this);
  }
  /** 1 / √x. */
  rsqrt(): Tensor {
    return ops.rsqrt(this);
  }
  /** 1 / x. */
  reciprocal(): Tensor {
    return ops.reciprocal(this);
  }
  /** x². */
  square(): Tensor {
    return ops.square(this);
  }
  /** Sine of x radians. */
  sin(): Tensor {
    return ops.sin(this);
  }
  /** Cosine of x radians. */
  cos(): Tensor {
    return ops.cos(this);
  }
  /** Hyperbolic tangent. */
  tanh(): Tensor {
    return ops.tanh(this);
  }
  /** 1 / (1 + e⁻ˣ). */
  sigmoid(): Tensor {
    return ops.sigmoid(this);
  }
  /** The error function. */
  erf(): Tensor {
    return ops.erf(this);
  }
  /** max(x, 0). */
  relu(): Tensor {
    return ops.relu(this);
  }
  /** x where positive, else slope · x. Default slope 0.01. */
  leakyRelu(slope?: number): Tensor {
    return ops.leakyRelu(this, slope);
  }
  /** x where positive, else alpha · (eˣ − 1). Default alpha 1. */
  elu(alpha?: number): Tensor {
    return ops.elu(this, alpha);
  }
  /** x · Φ(x), Φ the normal distribution function; exact unless `approximate` is "tanh". */
  gelu(options?: ops.GeluOptions): Tensor {
    return ops.gelu(this, options);
  }
  /** x · sigmoid(x), also known as Swish. */
  silu(): Tensor {
    return ops.silu(this);
  }
  /** log(1 + eˣ). */
  softplus(): Tensor {
    return ops.softplus(this);
  }
  /** x limited to [min, max], one of which may be absent; the gradient outside is 0. TypeError without any limit. */
  clamp(min?: number, max?: number): Tensor {
    return ops.clamp(this, min, max);
  }
  /** 1 where this < other, else 0; int32, as all comparisons. */
  lt(other: Operand): Tensor {
    return ops.lt(this, other);
  }
  /** 1 where this ≤ other. */
  le(other: Operand): Tensor {
    return ops.le(this, other);
  }
  /** 1 where this > other. */
  gt(other: Operand): Tensor {
    return ops.gt(this, other);
  }
  /** 1 where this ≥ other. */
  ge(other: Operand): Tensor {
    return ops.ge(this, other);
  }
  /** 1 where this = other. */
  eq(other: Operand): Tensor {
    return ops.eq(this, other);
  }
  /** 1 where this ≠ other. */
  ne(other: Operand): Tensor {
    return ops.ne(this, other);
  }
  /** A copy with `value` where the mask (broadcast) is not 0; no gradient flows there. */
  maskedFill(mask: Tensor, value: number): Tensor {
    return ops.maskedFill(this, mask, value);
  }
  /** The values as float32; int32 values carry no gradient. */
  toFloat(): Tensor {
    return ops.toFloat(this);
  }
  /** The values as int32, truncated towards zero; carries no gradient. */
  toInt(): Tensor {
    return ops.toInt(this);
  }

  // Reductions; `dim` is one axis, several, or all where absent.
  /** Sum; of int32 an int32, of nothing 0. */
  sum(dim?: number | readonly number[], options?: ReduceOptions): Tensor {
    return ops.sum(this, dim, options);
  }
  /** Mean; of nothing NaN. TypeError for int32. */
  mean(dim?: number | readonly number[], options?: ReduceOptions): Tensor {
    return ops.mean(this, dim, options);
  }
  /** Largest element; equal ones share the gradient. RangeError where there is none. */
  amax(dim?: number | readonly number[], options?: ReduceOptions): Tensor {
    return ops.amax(this, dim, options);
  }
  /** Smallest element; equal ones share the gradient. RangeError where there is none. */
  amin(dim?: number | readonly number[], options?: ReduceOptions): Tensor {
    return ops.amin(this, dim, options);
  }
  /** Variance, divided by n − 1 unless `unbiased` is false. */
  variance(dim?: number | readonly number[], options?: ops.VarianceOptions): Tensor {
    return ops.variance(this, dim, options);
  }
  /** Standard deviation, the root of {@linkcode Tensor.variance}; the gradient where it is 0 is 0. */
  std(dim?: number | readonly number[], options?: ops.VarianceOptions): Tensor {
    return ops.std(this, dim, options);
  }
  /** Euclidean length (`p` 2, the default) or sum of absolute values (`p` 1); the gradient at 0 is 0. */
  norm(dim?: number | readonly number[], options?: ops.NormOptions): Tensor {
    return ops.norm(this, dim, options);
  }
  /** log Σ eˣ, safe for large x. */
  logSumExp(dim?: number | readonly number[], options?: ReduceOptions): Tensor {
    return ops.logSumExp(this, dim, options);
  }
  /** Position (int32) of the largest element along one axis, the first of equal ones; of the flattened tensor without `dim`. */
  argmax(dim?: number, options?: ReduceOptions): Tensor {
    return ops.argmax(this, dim, options);
  }
  /** Sum of the elements up to and including each one, along an axis. */
  cumsum(dim: number): Tensor {
    return ops.cumsum(this, dim);
  }
  /** eˣ / Σ eˣ along an axis (default the last). */
  softmax(dim?: number): Tensor {
    return ops.softmax(this, dim);
  }
  /** x − log Σ eˣ along an axis (default the last). */
  logSoftmax(dim?: number): Tensor {
    return ops.logSoftmax(this, dim);
  }

  // Movement; views where memory allows.
  /** The same elements row-major in another shape; one size may be −1. A view where strides allow. TypeError if sizes differ. */
  reshape(shape: Shape): Tensor {
    return ops.reshape(this, shape);
  }
  /** As {@linkcode Tensor.reshape}, but never a copy: TypeError where strides do not allow. */
  view(shape: Shape): Tensor {
    return ops.view(this, shape);
  }
  /** Merges the axes start … end (inclusive; default all) into one. */
  flatten(start?: number, end?: number): Tensor {
    return ops.flatten(this, start, end);
  }
  /** A view with axes in another order: axis i of the result is axis dims[i]. */
  permute(dims: readonly number[]): Tensor {
    return ops.permute(this, dims);
  }
  /** A view with two axes swapped. */
  transpose(dim0: number, dim1: number): Tensor {
    return ops.transpose(this, dim0, dim1);
  }
  /** A view that repeats axes of size 1 and adds leading ones; −1 keeps a size. TypeError for other axes. */
  expand(shape: Shape): Tensor {
    return ops.expand(this, shape);
  }
  /** A view of elements start, start + step, … below end along an axis; negative positions count from the end. */
  slice(dim: number, start?: number, end?: number, step?: number): Tensor {
    return ops.slice(this, dim, start, end, step);
  }
  /** A view of one position along an axis, without that axis. RangeError if there is no such position. */
  select(dim: number, index: number): Tensor {
    return ops.select(this, dim, index);
  }
  /** Drops axes of size 1: all of them, or one. */
  squeeze(dim?: number): Tensor {
    return ops.squeeze(this, dim);
  }
  /** Adds an axis of size 1 at `dim`. */
  unsqueeze(dim: number): Tensor {
    return ops.unsqueeze(this, dim);
  }
  /** A view with the order reversed along axes. */
  flip(dims: number | readonly number[]): Tensor {
    return ops.flip(this, dims);
  }
  /** Moves elements along an axis by `shift`; what leaves at one end comes back at the other. */
  roll(shift: number, dim: number): Tensor {
    return ops.roll(this, shift, dim);
  }
  /** Views of ⌈size / chunks⌉ elements each along an axis (default 0); the last may be smaller. */
  chunk(chunks: number, dim?: number): Tensor[] {
    return ops.chunk(this, chunks, dim);
  }
  /** Widens the last axes by pairs (before, after), from the last axis backwards; zeros unless `options` say otherwise. */
  pad(pad: readonly number[], options?: ops.PadOptions): Tensor {
    return ops.pad(this, pad, options);
  }
  /** The positions `index` (int32, one axis) along an axis, in that order. */
  indexSelect(dim: number, index: Tensor): Tensor {
    return ops.indexSelect(this, dim, index);
  }
  /** out[…, t, …] = x[…, index[…, t, …], …] along an axis; the other axes of x and the int32 index are equal. */
  gather(dim: number, index: Tensor): Tensor {
    return ops.gather(this, dim, index);
  }
  /** Zeros above a diagonal (default 0, the main one) of the last two axes. */
  tril(diagonal?: number): Tensor {
    return ops.tril(this, diagonal);
  }
  /** Zeros below a diagonal (default 0, the main one) of the last two axes. */
  triu(diagonal?: number): Tensor {
    return ops.triu(this, diagonal);
  }
  /** The k largest along an axis (default the last), largest first, and their positions (int32). RangeError if there are fewer. */
  topk(k: number, dim?: number): { values: Tensor; indices: Tensor } {
    return ops.topk(this, k, dim);
  }
  /** A view of windows of `size` every `step` along an axis; a new last axis holds the elements of a window. */
  unfold(dim: number, size: number, step: number): Tensor {
    return ops.unfold(this, dim, size, step);
  }
  /** The tensor itself if it lies row-major without gaps, else a copy that does. */
  contiguous(): Tensor {
    return ops.contiguous(this);
  }
  /** A copy in memory of its own; gradients pass. */
  clone(): Tensor {
    return ops.clone(this);
  }

  // Products.
  /** Matrix product (…, n, k) · (…, k, m) → (…, n, m); leading axes broadcast, one-axis tensors are vectors. TypeError if k differs. */
  matmul(other: Tensor): Tensor {
    return ops.matmul(this, other);
  }
}

/** Checks that operands share a device and returns it. */
export function requireSameDevice(op: string, operands: readonly Tensor[]): Device {
  const device = operands[0].device;
  const other = operands.find((t) => t.device !== device);
  if (other !== undefined) {
    throw new TypeError(
      `Cannot ${op} a tensor on ${device.type} and one on ${other.device.type}: make both on one device`,
    );
  }
  return device;
}

/** Throws a TypeError unless every operand is float32. */
export function requireFloat(op: string, ...operands: readonly Tensor[]): void {
  if (operands.some((t) => t.dtype !== "float32")) {
    throw new TypeError(`Cannot take the ${op} of an int32 tensor: convert it with toFloat()`);
  }
}
