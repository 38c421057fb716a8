/**
 * Runs elementwise expressions on tensors: broadcasting, and the kernel that both devices share.
 * @module
 */
import { type ElementwiseArgs, type ElementwiseInput, type Expr, input } from "../expr/expr.ts";
import { elementwiseGpu } from "../expr/wgsl.ts";
import type { Storage } from "../device/storage.ts";
import type { Kernel } from "../device/kernel.ts";
import { allocate, run } from "../memory.ts";
import { broadcastShapes, broadcastStrides, collapse, contiguousStrides, sizeOf } from "../shape.ts";
import { requireSameDevice, Tensor } from "../tensor.ts";

/** Computes an expression for every element of the iteration space. */
export const elementwiseKernel: Kernel<ElementwiseArgs> = {
  name: "elementwise",
  cpu: (args, inputs, outputs, runtime) => runtime.elementwise(args, inputs, outputs),
  webgpu: elementwiseGpu,
  sizes: ({ shape }) => shape.join("x"),
};

/** Run-time values of an expression. */
export interface MapOptions {
  scalars?: readonly number[];
  counters?: readonly number[];
  /** Shown in profiles. */
  label?: string;
}

/** Notes which inputs read an output in place, and which share a storage (and type), so that WGSL binds each buffer once. */
export function noteSharing<V extends ElementwiseInput>(
  views: readonly V[],
  inputs: readonly Storage[],
  outputs: readonly Storage[],
): V[] {
  return views.map(({ inPlace: _, shares: __, ...view }, i) => {
    const output = outputs.indexOf(inputs[i]);
    if (output >= 0) return { ...view, inPlace: output } as V;
    const first = inputs.findIndex((s, k) => s === inputs[i] && views[k].dtype === view.dtype);
    return (first < i ? { ...view, shares: first } : view) as V;
  });
}

/** Strides of inputs over `shape`, with neighbouring axes merged. */
function layout(inputs: readonly Tensor[], shape: readonly number[], outputs: readonly Storage[]) {
  const strides = inputs.map((t) => broadcastStrides(t.shape, t.strides, shape));
  const merged = collapse(shape, [...strides, contiguousStrides(shape)]);
  const views = inputs.map((t, i) => ({ strides: merged.operands[i], offset: t.offset, dtype: t.dtype }));
  return { shape: merged.shape, inputs: noteSharing(views, inputs.map((t) => t.storage), outputs) };
}

/** A new tensor of `expr` over the broadcast inputs; not tracked. */
export function mapElements(name: string, expr: Expr, inputs: readonly Tensor[], options: MapOptions = {}): Tensor {
  const device = requireSameDevice(name, inputs);
  const shape = broadcastShapes(name, inputs.map((t) => t.shape));
  const out = new Tensor(allocate(device, 4 * sizeOf(shape)), shape, expr.dtype);
  if (out.size === 0) return out;
  const args: ElementwiseArgs = {
    ...layout(inputs, shape, [out.storage]),
    outputs: [{ offset: 0, dtype: expr.dtype, expr }],
    scalars: options.scalars ?? [],
    counters: options.counters ?? [],
  };
  run({ kernel: elementwiseKernel, args, inputs: inputs.map((t) => t.storage), outputs: [out.storage], label: name });
  return out;
}

/** The input itself, or a copy where it lies in a target's memory but not element by element in its place: it would be read too late. */
function readable(x: Tensor, targets: readonly Tensor[]): Tensor {
  const inPlace = (t: Tensor) =>
    x.storage === t.storage && x.offset === t.offset && x.isContiguous && x.size === t.size;
  const clash = targets.some((t) => x.storage.root === t.storage.root && !inPlace(t));
  return clash ? mapElements("copy", input(0, x.dtype), [x]) : x;
}

/**
 * Writes expressions into contiguous tensors of one shape, in one kernel. Targets may be among the inputs (`target = target + x`): each
 * element is read before it is written.
 */
export function mapElementsInto(
  targets: readonly Tensor[],
  exprs: readonly Expr[],
  given: readonly Tensor[],
  options: MapOptions = {},
): void {
  requireSameDevice("update", [...targets, ...given]);
  if (targets[0].size === 0) return;
  const inputs = given.map((x) => readable(x, targets));
  const outputs = targets.map((t) => t.storage);
  const args: ElementwiseArgs = {
    ...layout(inputs, targets[0].shape, outputs),
    outputs: targets.map((t, i) => ({ offset: t.offset, dtype: t.dtype, expr: exprs[i] })),
    scalars: options.scalars ?? [],
    counters: options.counters ?? [],
  };
  const updates = targets.some((t) => t.size * 4 !== t.storage.bytes || inputs.some((x) => x.storage === t.storage));
  run({
    kernel: elementwiseKernel,
    args,
    inputs: inputs.map((t) => t.storage),
    outputs,
    updates,
    label: options.label ?? "update",
  });
}
