/** What pooling ops share: windows along an axis, and kernels over planes of rows and columns. @module */
import { isGradEnabled, track } from "../autograd.ts";
import type { Kernel } from "../device/kernel.ts";
import { allocate, run } from "../memory.ts";
import { type Shape, show, sizeOf } from "../shape.ts";
import { requireFloat, Tensor } from "../tensor.ts";
import { packed } from "./copy.ts";
import { poolBackwardPlan, poolPlan } from "./pool.wgsl.ts";

/** One number for all axes, or one for each: [height, width]. */
export type PoolSize = number | readonly number[];

/** How windows lie along an axis. A kernel of 0 stands for adaptive windows, which divide the axis evenly. */
export interface PoolAxis {
  readonly size: number;
  readonly out: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
}

/** Arguments of the pooling kernels. */
export interface PoolArgs {
  readonly op: "max" | "average";
  readonly planes: number;
  readonly rows: PoolAxis;
  readonly columns: PoolAxis;
  /** An average divides by the window's size with its padding, else by what lies inside. */
  readonly countIncludePad: boolean;
  /** The largest element's place in its plane is written, for the gradient. */
  readonly indices: boolean;
}

/** A window's part inside the axis: first element, number of elements; and what an average divides by. */
export interface Window {
  readonly first: number;
  readonly count: number;
  readonly divisor: number;
}

/** Windows along an axis, in order. */
export function windowsOf(axis: PoolAxis, countIncludePad: boolean): Window[] {
  const { size, out, kernel, stride, padding, dilation } = axis;
  return Array.from({ length: out }, (_, o) => {
    if (kernel === 0) {
      const first = Math.floor(o * size / out);
      const count = Math.ceil((o + 1) * size / out) - first;
      return { first, count, divisor: count };
    }
    const begin = o * stride - padding;
    const skipped = Math.max(0, Math.ceil(-begin / dilation));
    const first = begin + skipped * dilation;
    const count = Math.max(0, Math.min(kernel - skipped, Math.ceil((size - first) / dilation)));
    const divisor = countIncludePad ? Math.min(begin + kernel, size + padding) - begin : count;
    return { first, count, divisor };
  });
}

/** Input [x]; outputs [y], or [y, index]. */
export const poolKernel: Kernel<PoolArgs> = {
  name: "pool",
  cpu: (args, [x], outputs, runtime) => runtime.pooling.forward(args, x, outputs),
  webgpu: poolPlan,
  sizes: ({ planes, rows, columns }) => `${planes}x${rows.size}x${columns.size}`,
};

/** Inputs [dy], or [dy, index] of a maximum; output [dx]. */
export const poolBackwardKernel: Kernel<PoolArgs> = {
  name: "poolBackward",
  cpu: (args, inputs, [dx], runtime) => runtime.pooling.backward(args, inputs, dx),
  webgpu: poolBackwardPlan,
  sizes: ({ planes, rows, columns }) => `${planes}x${rows.size}x${columns.size}`,
};

/** What sliding windows are described by. */
export interface Sliding {
  readonly kernelSize: PoolSize;
  readonly stride?: PoolSize;
  readonly padding?: PoolSize;
  readonly dilation?: PoolSize;
}

/** One number for each axis. */
export function each(op: string, name: string, value: PoolSize, axes: number): number[] {
  const list = typeof value === "number" ? new Array<number>(axes).fill(value) : [...value];
  const least = name === "padding" ? 0 : 1;
  if (list.length !== axes || !list.every((n) => Number.isInteger(n) && n >= least)) {
    const wanted = `${axes === 1 ? "a whole number" : `${axes} whole numbers`} from ${least} on`;
    throw new RangeError(
      `Cannot ${op} with ${name} ${typeof value === "number" ? value : show(value)}: expected ${wanted}`,
    );
  }
  return list;
}

/** Checks that x has the pooled axes and one before. */
export function requireAxes(op: string, x: Tensor, axes: number): void {
  requireFloat(op, x);
  if (x.ndim <= axes) {
    const wanted = axes === 1 ? "(batch, channels, time)" : "(batch, channels, height, width)";
    throw new TypeError(`Cannot ${op} ${show(x.shape)}: expected ${wanted}`);
  }
}

/** Windows of one size along each pooled axis. */
export function slidingAxes(op: string, x: Tensor, options: Sliding, axes: number): PoolAxis[] {
  const { kernelSize, stride = kernelSize, padding = 0, dilation = 1 } = options;
  const [kernels, strides, paddings, dilations] = [
    each(op, "kernelSize", kernelSize, axes),
    each(op, "stride", stride, axes),
    each(op, "padding", padding, axes),
    each(op, "dilation", dilation, axes),
  ];
  return x.shape.slice(-axes).map((size, k) => {
    const axis = { size, kernel: kernels[k], stride: strides[k], padding: paddings[k], dilation: dilations[k] };
    if (2 * axis.padding > axis.kernel) {
      throw new RangeError(
        `Cannot ${op} with padding ${axis.padding}: it is more than half of the window of ${axis.kernel}`,
      );
    }
    const reach = (axis.kernel - 1) * axis.dilation + 1;
    const out = Math.floor((size + 2 * axis.padding - reach) / axis.stride) + 1;
    if (out < 1) {
      throw new RangeError(
        `Cannot ${op} ${show(x.shape)}: a window reaches over ${reach}, and axis ${x.ndim - axes + k} has ${size}` +
          (axis.padding > 0 ? ` with ${axis.padding} before and after` : ""),
      );
    }
    const found = { ...axis, out };
    if (windowsOf(found, true).some(({ count }) => count === 0)) {
      throw new RangeError(`Cannot ${op} ${show(x.shape)}: a window of dilation ${axis.dilation} has padding alone`);
    }
    return found;
  });
}

/** The one row of a pooled line. */
const LINE: PoolAxis = { size: 1, out: 1, kernel: 1, stride: 1, padding: 0, dilation: 1 };

/** Runs the kernel over planes and tracks its gradient. */
export function pool(
  name: string,
  x: Tensor,
  axes: readonly PoolAxis[],
  op: PoolArgs["op"],
  countIncludePad = true,
): Tensor {
  const [rows, columns] = axes.length === 1 ? [LINE, axes[0]] : axes;
  const outer = x.shape.slice(0, -axes.length);
  const indices = op === "max" && x.requiresGrad && isGradEnabled();
  const args: PoolArgs = { op, planes: sizeOf(outer), rows, columns, countIncludePad, indices };
  const source = packed(x.detach());
  const make = (shape: Shape, dtype: "float32" | "int32" = "float32") =>
    new Tensor(allocate(x.device, 4 * sizeOf(shape)), shape, dtype);
  const shape = [...outer, ...axes.map(({ out }) => out)];
  const out = make(shape);
  const places = indices ? [make(shape, "int32").storage] : [];
  if (out.size > 0) run({ kernel: poolKernel, args, inputs: [source.storage], outputs: [out.storage, ...places] });
  return track(name, [x], out, (gradient) => {
    const dx = make(x.shape);
    const inputs = [packed(gradient).storage, ...places];
    if (dx.size > 0) run({ kernel: poolBackwardKernel, args, inputs, outputs: [dx.storage] });
    return [dx];
  });
}
