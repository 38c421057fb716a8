/** Copies: filling, making contiguous, joining, and writing into parts. @module */
import { track } from "../autograd.ts";
import type { Device } from "../device/device.ts";
import type { Kernel } from "../device/kernel.ts";
import type { DType } from "../dtype.ts";
import { input } from "../expr/expr.ts";
import { allocate, run } from "../memory.ts";
import { collapse, contiguousStrides, normalizeAxis, sameShape, type Shape, show, sizeOf } from "../shape.ts";
import { requireSameDevice, Tensor } from "../tensor.ts";
import { foldedGrid, GRID_INDEX, uniform } from "./wgsl.ts";
import { mapElements, mapElementsInto } from "./elementwise.ts";
import { numberExpr } from "./number_operand.ts";
import { slice, unsqueeze } from "./views.ts";

/** Sizes and strides of a copy between any two layouts of one shape. */
interface CopyArgs {
  readonly shape: readonly number[];
  readonly from: readonly number[];
  readonly fromOffset: number;
  readonly to: readonly number[];
  readonly toOffset: number;
  /** Adds to what is there. Elements of the target must not repeat. */
  readonly accumulate: boolean;
  readonly dtype: DType;
}

/** Copies (or adds) 4-byte elements from one strided layout into another. */
const copyKernel: Kernel<CopyArgs> = {
  name: "copy",
  cpu({ shape, from, fromOffset, to, toOffset, accumulate, dtype }, [source], [target]) {
    const [a, b] = accumulate && dtype === "float32" ? [source.f32, target.f32] : [source.i32, target.i32];
    const walk = (axis: number, i: number, j: number): void => {
      if (axis === shape.length) {
        b[j] = accumulate ? b[j] + a[i] : a[i];
        return;
      }
      const [n, si, sj] = [shape[axis], from[axis], to[axis]];
      if (axis < shape.length - 1) {
        for (let k = 0; k < n; k++) walk(axis + 1, i + k * si, j + k * sj);
      } else if (accumulate) {
        for (let k = 0; k < n; k++) b[j + k * sj] += a[i + k * si];
      } else {
        for (let k = 0; k < n; k++) b[j + k * sj] = a[i + k * si];
      }
    };
    walk(0, fromOffset, toOffset);
  },
  webgpu({ shape, from, fromOffset, to, toOffset, accumulate, dtype }) {
    const type = dtype === "float32" ? "f32" : "i32";
    const rank = shape.length;
    const words = uniform([sizeOf(shape), fromOffset, toOffset, ...shape, ...from, ...to]);
    const decode = shape.map((_, k) => rank - 1 - k).map((axis) => `
  { let k = i32(rest % ${words.u(3 + axis)}); rest = rest / ${words.u(3 + axis)};
    a += k * ${words.i(3 + rank + axis)}; b += k * ${words.i(3 + 2 * rank + axis)}; }`).join("");
    const source = `
@group(0) @binding(0) var<storage, read> source: array<${type}>;
@group(0) @binding(1) var<storage, read_write> goal: array<${type}>;
${words.declare(2)}
@compute @workgroup_size(64)
fn main(${GRID_INDEX.parameters}) {
  ${GRID_INDEX.statement}
  if (index >= ${words.u(0)}) { return; }
  var rest = index; var a = ${words.i(1)}; var b = ${words.i(2)};${decode}
  goal[b] = ${accumulate ? "goal[b] + " : ""}source[a];
}`;
    return {
      dispatches: [{
        label: `copy ${show(shape)}`,
        source,
        bindings: [0, 1],
        uniform: words.data,
        grid: foldedGrid(sizeOf(shape), 64),
      }],
    };
  },
};

/**
 * Writes x into any view of the same shape (for ops; not tracked).
 *
 * @ignore
 */
export function copyIntoView(target: Tensor, x: Tensor, accumulate = false): void {
  requireSameDevice("copy", [target, x]);
  const merged = collapse(x.shape, [x.strides, target.strides]);
  const args: CopyArgs = {
    shape: merged.shape,
    from: merged.operands[0],
    fromOffset: x.offset,
    to: merged.operands[1],
    toOffset: target.offset,
    accumulate,
    dtype: x.dtype,
  };
  if (x.size > 0) run({ kernel: copyKernel, args, inputs: [x.storage], outputs: [target.storage], updates: true });
}

/**
 * Writes x into a contiguous tensor of the same shape, as the elementwise kernel so that it can fuse (not tracked).
 *
 * @ignore
 */
export function copyInto(target: Tensor, x: Tensor): void {
  if (!sameShape(target.shape, x.shape)) throw new TypeError(`Cannot copy ${show(x.shape)} into ${show(target.shape)}`);
  mapElementsInto([target], [input(0, x.dtype)], [x], { label: "copy" });
}

/**
 * A tensor of one value (for ops; users call {@linkcode full}).
 *
 * @ignore
 */
export function fill(device: Device, shape: Shape, value: number, dtype: DType): Tensor {
  const out = new Tensor(allocate(device, 4 * sizeOf(shape)), shape, dtype);
  if (out.size > 0) {
    mapElementsInto([out], [numberExpr(value, dtype, 0)], [], { scalars: [value], label: "fill" });
  }
  return out;
}

/** The tensor itself if it lies row-major without gaps, else a copy that does. */
export function contiguous(x: Tensor): Tensor {
  if (x.isContiguous) return x;
  return track("contiguous", [x], mapElements("contiguous", input(0, x.dtype), [x]), (g) => [g]);
}

/** A copy in memory of its own; gradients pass. */
export function clone(x: Tensor): Tensor {
  return track("clone", [x], mapElements("clone", input(0, x.dtype), [x]), (g) => [g]);
}

/**
 * A tensor whose storage holds its elements row-major from the start and nothing else, as simple kernels want it.
 *
 * @ignore
 */
export function packed(x: Tensor): Tensor {
  if (x.isContiguous && x.offset === 0) return x;
  return track("contiguous", [x], mapElements("contiguous", input(0, x.dtype), [x]), (g) => [g]);
}

/**
 * Zeros of `shape` with x written at start, start + step, … along an axis: the gradient of a slice.
 *
 * @ignore
 */
export function scatterSlice(x: Tensor, shape: Shape, axis: number, start: number, step: number): Tensor {
  const out = fill(x.device, shape, 0, x.dtype);
  const strides = contiguousStrides(shape);
  const part = strides.map((s, i) => (i === axis ? s * step : s));
  copyIntoView(new Tensor(out.storage, x.shape, x.dtype, part, start * strides[axis]), x);
  return track("scatterSlice", [x], out, (g) => [slice(g, axis, start, start + (x.shape[axis] - 1) * step + 1, step)]);
}

/** Joins tensors along an existing axis; the other axes must agree. */
export function cat(tensors: readonly Tensor[], dim = 0): Tensor {
  if (tensors.length === 0) throw new TypeError("Cannot cat nothing: give at least one tensor");
  const device = requireSameDevice("cat", tensors);
  const axis = normalizeAxis("cat", dim, tensors[0].ndim);
  const [{ shape: first, dtype }] = tensors;
  for (const { shape, dtype: type } of tensors) {
    const fits = shape.length === first.length && shape.every((n, i) => i === axis || n === first[i]) && type === dtype;
    if (!fits) {
      throw new TypeError(
        `Cannot cat ${show(first)} and ${show(shape)} along axis ${axis}: the other axes and types must agree`,
      );
    }
  }
  const sizes = tensors.map((t) => t.shape[axis]);
  const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((a, b) => a + b, 0));
  const shape = first.map((n, i) => (i === axis ? sizes.reduce((a, b) => a + b, 0) : n));
  const out = new Tensor(allocate(device, 4 * sizeOf(shape)), shape, dtype);
  tensors.forEach((t, i) =>
    copyIntoView(new Tensor(out.storage, t.shape, dtype, out.strides, starts[i] * out.strides[axis]), t)
  );
  return track(
    "cat",
    tensors,
    out,
    (g, needs) => tensors.map((_, i) => (needs[i] ? slice(g, axis, starts[i], starts[i] + sizes[i]) : null)),
  );
}

/** Joins tensors of one shape along a new axis. */
export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  return cat(tensors.map((t) => unsqueeze(t, dim)), dim);
}
