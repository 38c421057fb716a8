/**
 * What a tensor is, without what can be done with it: shape, type, memory and gradient.
 * @module
 */
import type { Node } from "./autograd.ts";
import type { Device } from "./device/device.ts";
import type { Storage } from "./device/storage.ts";
import type { DType } from "./dtype.ts";
import { currentRecorder, release } from "./memory.ts";
import { contiguousStrides, isContiguous, type Shape, show, sizeOf } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** The data of a {@linkcode Tensor}: shape, element type, memory on a device, gradient. */
export abstract class TensorData {
  /**
   * Memory behind the tensor; views share it. An optimizer moves parameters into one flat storage.
   *
   * @ignore
   */
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
  #grad: Tensor | null = null;
  /**
   * How the tensor was computed; `null` for a leaf. Read by the autograd walk.
   *
   * @ignore
   */
  node: Node | null = null;
  /**
   * Where the gradient is written: memory beside the tensor, or a place that an optimizer sets aside.
   *
   * @ignore
   */
  gradSlot: Tensor | null = null;

  /**
   * For ops: wraps a storage. Users call `tensor`.
   *
   * @ignore
   */
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
    currentRecorder()?.made.add(this);
  }

  /**
   * The gradient gathered so far, of a tensor made by the user (a leaf); `null` before. Set it to `null` to start anew: the next backward then
   * uses the same memory again, so clone a gradient that has to stay.
   */
  get grad(): Tensor | null {
    this.#noteGrad(true);
    return this.#grad;
  }

  set grad(grad: Tensor | null) {
    this.#noteGrad(false);
    this.#grad = grad;
  }

  /** A replay must find gradients as the recording did, and leave them so. */
  #noteGrad(isRead: boolean): void {
    const recorder = currentRecorder();
    if (recorder === null || recorder.made.has(this) || recorder.grads.has(this)) return;
    recorder.grads.set(this, { grad: this.#grad, isRead });
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
   * Overwrites the values from the host, row-major; for tensors that a captured step reads anew each time.
   *
   * @throws TypeError if type or number of values differ, Error if the memory was freed or belongs to a captured step.
   */
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
}
