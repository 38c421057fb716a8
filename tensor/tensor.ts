/**
 * The tensor: a typed, strided view of a storage, and how it came to be. Its operations are functions in ops/; the methods here
 * only name them, so that `x.matmul(w)` reads as in PyTorch.
 * @module
 */
import { backward, type BackwardOptions, type Node, track } from "./autograd.ts";
import { type Device } from "./device/device.ts";
import type { Storage } from "./device/storage.ts";
import type { DType } from "./dtype.ts";
import { allocatePersistent, currentRecorder, release } from "./memory.ts";
import * as ops from "./ops/mod.ts";
import { contiguousStrides, isContiguous, type Shape, show, sizeOf } from "./shape.ts";

/** An operand: a tensor or a number. */
export type Operand = Tensor | number;

/** Options of reductions. */
export interface ReduceOptions {
  /** Keeps reduced axes with size 1. Default false. */
  keepdim?: boolean;
}

/** An n-dimensional array of float32 or int32 on a device. Made with `tensor`, `zeros` and their like. */
export class Tensor {
  /** Memory behind the tensor; views share it. An optimizer moves parameters into one flat storage. */
  storage: Storage;
  /** Sizes of the axes, outermost first. */
  readonly shape: readonly number[];
  /** Element type. */
  readonly dtype: DType;
  /** Steps between neighbours along each axis, in elements. */
  readonly strides: readonly number[];
  /** First element, counted from the start of the storage. */
  readonly offset: number;
  /** True where {@linkcode Tensor.backward} should bring a gradient here. */
  requiresGrad = false;
  /**
   * The gradient gathered so far, of a tensor made by the user (a leaf); `null` before. Set it to `null` to start anew: the next backward then
   * uses the same memory again, so clone a gradient that has to stay.
   */
  grad: Tensor | null = null;
  /** How the tensor was computed; `null` for a leaf. Read by the autograd walk. */
  node: Node | null = null;
  /** Where the gradient is written: memory beside the tensor, or a place that an optimizer sets aside. */
  gradSlot: Tensor | null = null;

  /** For ops: wraps a storage. Users call `tensor`. */
  constructor(
    storage: Storage,
    shape: Shape,
    dtype: DType,
    strides: readonly number[] = contiguousStrides(shape),
    offset = 0,
  ) {
    this.storage = storage;
    this.shape = shape;
    this.dtype = dtype;
    this.strides = strides;
    this.offset = offset;
  }

  /** An uninitialised tensor that outlives scopes. */
  static persistent(device: Device, shape: Shape, dtype: DType): Tensor {
    return new Tensor(allocatePersistent(device, 4 * sizeOf(shape)), shape, dtype);
  }

  /** The device the tensor lives on. */
  get device(): Device {
    return this.storage.device;
  }

  /** Number of axes. */
  get ndim(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** True where elements lie in row-major order without gaps. */
  get isContiguous(): boolean {
    return isContiguous(this.shape, this.strides);
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
    if (whole.storage.handle === null) {
      throw new Error("Cannot read a tensor that was freed when its scope ended or by dispose()");
    }
    const bytes = await whole.device.read(whole.storage.handle, 4 * whole.offset, 4 * whole.size);
    if (whole.storage !== this.storage) whole.dispose();
    return this.dtype === "float32" ? new Float32Array(bytes) : new Int32Array(bytes);
  }

  /** Reads the value of a tensor of one element. */
  async item(): Promise<number> {
    if (this.size !== 1) {
      throw new TypeError(`Cannot read one item of ${show(this.shape)}: it has ${this.size} elements`);
    }
    return (await this.data())[0];
  }

  /** Overwrites the values from the host, row-major; for tensors that a captured step reads anew each time. */
  assign(values: Float32Array | Int32Array): void {
    const wanted = this.dtype === "float32" ? Float32Array : Int32Array;
    if (!(values instanceof wanted) || values.length !== this.size || !this.isContiguous) {
      throw new TypeError(
        `Cannot assign ${values.constructor.name} of ${values.length} to ${this.dtype} ${show(this.shape)}`,
      );
    }
    if (this.storage.handle === null) {
      throw new Error("Cannot assign to a tensor that was freed or belongs to a captured step");
    }
    this.device.write(this.storage.handle, 4 * this.offset, values);
  }

  /** Frees the memory behind the tensor and its views now. Rarely needed: {@linkcode scope} does it for many at once. */
  dispose(): void {
    if (this.gradSlot !== null) release(this.gradSlot.storage);
    release(this.storage);
  }

  /** The same values, outside the graph. */
  detach(): Tensor {
    return new Tensor(this.storage, this.shape, this.dtype, this.strides, this.offset);
  }

  /** Marks the tensor as one whose gradient is wanted, and returns it. */
  requireGrad(): this {
    if (this.dtype !== "float32") throw new TypeError(`Cannot require a gradient of an ${this.dtype} tensor`);
    this.requiresGrad = true;
    return this;
  }

  /**
   * Adds the gradient of this tensor with respect to every leaf that requires one to the leaf's `grad`.
   *
   * @throws TypeError if the tensor has several elements and no `gradient` is given.
   */
  backward(options?: BackwardOptions): void {
    backward(this, options);
  }

  /** Another view of the same memory; `backward` turns the view's gradient into this tensor's. */
  view(name: string, shape: Shape, strides: readonly number[], offset: number, undo: (grad: Tensor) => Tensor): Tensor {
    const out = new Tensor(this.storage, shape, this.dtype, strides, offset);
    return track(name, [this], out, (g) => [undo(g)]);
  }

  // Elementwise; operands broadcast.
  add(other: Operand): Tensor {
    return ops.add(this, other);
  }
  sub(other: Operand): Tensor {
    return ops.sub(this, other);
  }
  mul(other: Operand): Tensor {
    return ops.mul(this, other);
  }
  div(other: Operand): Tensor {
    return ops.div(this, other);
  }
  pow(exponent: Operand): Tensor {
    return ops.pow(this, exponent);
  }
  maximum(other: Operand): Tensor {
    return ops.maximum(this, other);
  }
  minimum(other: Operand): Tensor {
    return ops.minimum(this, other);
  }
  neg(): Tensor {
    return ops.neg(this);
  }
  abs(): Tensor {
    return ops.abs(this);
  }
  sign(): Tensor {
    return ops.sign(this);
  }
  floor(): Tensor {
    return ops.floor(this);
  }
  exp(): Tensor {
    return ops.exp(this);
  }
  log(): Tensor {
    return ops.log(this);
  }
  log1p(): Tensor {
    return ops.log1p(this);
  }
  sqrt(): Tensor {
    return ops.sqrt(this);
  }
  rsqrt(): Tensor {
    return ops.rsqrt(this);
  }
  reciprocal(): Tensor {
    return ops.reciprocal(this);
  }
  square(): Tensor {
    return ops.square(this);
  }
  sin(): Tensor {
    return ops.sin(this);
  }
  cos(): Tensor {
    return ops.cos(this);
  }
  tanh(): Tensor {
    return ops.tanh(this);
  }
  sigmoid(): Tensor {
    return ops.sigmoid(this);
  }
  erf(): Tensor {
    return ops.erf(this);
  }
  relu(): Tensor {
    return ops.relu(this);
  }
  leakyRelu(slope?: number): Tensor {
    return ops.leakyRelu(this, slope);
  }
  elu(alpha?: number): Tensor {
    return ops.elu(this, alpha);
  }
  gelu(options?: ops.GeluOptions): Tensor {
    return ops.gelu(this, options);
  }
  silu(): Tensor {
    return ops.silu(this);
  }
  softplus(): Tensor {
    return ops.softplus(this);
  }
  clamp(min?: number, max?: number): Tensor {
    return ops.clamp(this, min, max);
  }
  lt(other: Operand): Tensor {
    return ops.lt(this, other);
  }
  le(other: Operand): Tensor {
    return ops.le(this, other);
  }
  gt(other: Operand): Tensor {
    return ops.gt(this, other);
  }
  ge(other: Operand): Tensor {
    return ops.ge(this, other);
  }
  eq(other: Operand): Tensor {
    return ops.eq(this, other);
  }
  ne(other: Operand): Tensor {
    return ops.ne(this, other);
  }
  maskedFill(mask: Tensor, value: number): Tensor {
    return ops.maskedFill(this, mask, value);
  }
  toFloat(): Tensor {
    return ops.toFloat(this);
  }
  toInt(): Tensor {
    return ops.toInt(this);
  }

  // Reductions; `dim` is one axis, several, or all where absent.
  sum(dim?: number | readonly number[], options?: ReduceOptions): Tensor {
    return ops.sum(this, dim, options);
  }
  mean(dim?: number | readonly number[], options?: ReduceOptions): Tensor {
    return ops.mean(this, dim, options);
  }
  amax(dim?: number | readonly number[], options?: ReduceOptions): Tensor {
    return ops.amax(this, dim, options);
  }
  amin(dim?: number | readonly number[], options?: ReduceOptions): Tensor {
    return ops.amin(this, dim, options);
  }
  variance(dim?: number | readonly number[], options?: ops.VarianceOptions): Tensor {
    return ops.variance(this, dim, options);
  }
  std(dim?: number | readonly number[], options?: ops.VarianceOptions): Tensor {
    return ops.std(this, dim, options);
  }
  norm(dim?: number | readonly number[], options?: ops.NormOptions): Tensor {
    return ops.norm(this, dim, options);
  }
  logSumExp(dim?: number | readonly number[], options?: ReduceOptions): Tensor {
    return ops.logSumExp(this, dim, options);
  }
  argmax(dim?: number, options?: ReduceOptions): Tensor {
    return ops.argmax(this, dim, options);
  }
  cumsum(dim: number): Tensor {
    return ops.cumsum(this, dim);
  }
  softmax(dim?: number): Tensor {
    return ops.softmax(this, dim);
  }
  logSoftmax(dim?: number): Tensor {
    return ops.logSoftmax(this, dim);
  }

  // Movement; views where memory allows.
  reshape(shape: Shape): Tensor {
    return ops.reshape(this, shape);
  }
  flatten(start?: number, end?: number): Tensor {
    return ops.flatten(this, start, end);
  }
  permute(dims: readonly number[]): Tensor {
    return ops.permute(this, dims);
  }
  transpose(dim0: number, dim1: number): Tensor {
    return ops.transpose(this, dim0, dim1);
  }
  expand(shape: Shape): Tensor {
    return ops.expand(this, shape);
  }
  slice(dim: number, start?: number, end?: number, step?: number): Tensor {
    return ops.slice(this, dim, start, end, step);
  }
  select(dim: number, index: number): Tensor {
    return ops.select(this, dim, index);
  }
  squeeze(dim?: number): Tensor {
    return ops.squeeze(this, dim);
  }
  unsqueeze(dim: number): Tensor {
    return ops.unsqueeze(this, dim);
  }
  flip(dims: number | readonly number[]): Tensor {
    return ops.flip(this, dims);
  }
  roll(shift: number, dim: number): Tensor {
    return ops.roll(this, shift, dim);
  }
  chunk(chunks: number, dim?: number): Tensor[] {
    return ops.chunk(this, chunks, dim);
  }
  pad(pad: readonly number[], options?: ops.PadOptions): Tensor {
    return ops.pad(this, pad, options);
  }
  indexSelect(dim: number, index: Tensor): Tensor {
    return ops.indexSelect(this, dim, index);
  }
  gather(dim: number, index: Tensor): Tensor {
    return ops.gather(this, dim, index);
  }
  tril(diagonal?: number): Tensor {
    return ops.tril(this, diagonal);
  }
  triu(diagonal?: number): Tensor {
    return ops.triu(this, diagonal);
  }
  topk(k: number, dim?: number): { values: Tensor; indices: Tensor } {
    return ops.topk(this, k, dim);
  }
  unfold(dim: number, size: number, step: number): Tensor {
    return ops.unfold(this, dim, size, step);
  }
  contiguous(): Tensor {
    return ops.contiguous(this);
  }
  clone(): Tensor {
    return ops.clone(this);
  }

  // Products.
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
