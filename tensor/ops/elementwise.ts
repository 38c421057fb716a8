/**
 * Runs elementwise expressions on tensors: broadcasting, and the kernel that both devices share.
 * @module
 */
import { type DType } from "../dtype.ts";
import type { ElementwiseArgs, Expr } from "../expr/expr.ts";
import { elementwiseGpu } from "../expr/wgsl.ts";
import type { Kernel } from "../device/kernel.ts";
import { allocate, run } from "../memory.ts";
import { broadcastShapes, broadcastStrides, collapse, contiguousStrides, sizeOf } from "../shape.ts";
import { requireSameDevice, Tensor } from "../tensor.ts";

/** Computes an expression for every element of the iteration space. */
export const elementwiseKernel: Kernel<ElementwiseArgs> = {
  name: "elementwise",
  cpu: (args, inputs, outputs, runtime) => runtime.elementwise(args, inputs, outputs),
  webgpu: elementwiseGpu,
};

/** Run-time values of an expression. */
export interface MapOptions {
  scalars?: readonly number[];
  counters?: readonly number[];
  /** Inputs that are not walked, such as the random state: appended after the tensors. */
  dtype?: DType;
}

/** Strides of inputs over `shape`, with neighbouring axes merged. */
function layout(inputs: readonly Tensor[], shape: readonly number[]) {
  const strides = inputs.map((t) => broadcastStrides(t.shape, t.strides, shape));
  const merged = collapse(shape, [...strides, contiguousStrides(shape)]);
  return {
    shape: merged.shape,
    inputs: inputs.map((t, i) => ({ strides: merged.operands[i], offset: t.offset, dtype: t.dtype })),
  };
}

/** A new tensor of `expr` over the broadcast inputs; not tracked. */
export function mapElements(name: string, expr: Expr, inputs: readonly Tensor[], options: MapOptions = {}): Tensor {
  const device = requireSameDevice(name, inputs);
  const shape = broadcastShapes(name, inputs.map((t) => t.shape));
  const out = new Tensor(allocate(device, 4 * sizeOf(shape)), shape, expr.dtype);
  if (out.size === 0) return out;
  const args: ElementwiseArgs = {
    ...layout(inputs, shape),
    outputs: [{ offset: 0, dtype: expr.dtype, expr }],
    scalars: options.scalars ?? [],
    counters: options.counters ?? [],
  };
  run({ kernel: elementwiseKernel, args, inputs: inputs.map((t) => t.storage), outputs: [out.storage], label: name });
  return out;
}

/** Writes `expr` into a contiguous tensor, which may be among the inputs (`target = target + x`). */
export function mapElementsInto(target: Tensor, expr: Expr, inputs: readonly Tensor[], options: MapOptions = {}): void {
  requireSameDevice("update", [target, ...inputs]);
  const { shape, inputs: views } = layout(inputs, target.shape);
  const args: ElementwiseArgs = {
    shape,
    inputs: views.map((v, i) => (inputs[i].storage === target.storage ? { ...v, inPlace: 0 } : v)),
    outputs: [{ offset: target.offset, dtype: target.dtype, expr }],
    scalars: options.scalars ?? [],
    counters: options.counters ?? [],
  };
  const whole = target.size * 4 === target.storage.bytes;
  const inPlace = inputs.some((t) => t.storage === target.storage);
  run({
    kernel: elementwiseKernel,
    args,
    inputs: inputs.map((t) => t.storage),
    outputs: [target.storage],
    updates: !whole || inPlace,
    label: "update",
  });
}
