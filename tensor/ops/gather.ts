/** Picking elements by an index tensor. @module */
import { track } from "../autograd.ts";
import type { Kernel } from "../device/kernel.ts";
import type { DType } from "../dtype.ts";
import { allocate, run } from "../memory.ts";
import { normalizeAxis, show, sizeOf } from "../shape.ts";
import { requireSameDevice, Tensor } from "../tensor.ts";
import { packed } from "./copy.ts";
import { foldedGrid, GRID_INDEX, requireTurns, uniform } from "./wgsl.ts";
import { reshape } from "./views.ts";

/**
 * x seen as (outer, from, inner), the index as (to) or, where `full`, (outer, to, inner); the result is (outer, to, inner). An index counts from the end
 * where negative; one beyond the ends picks NaN, or 0 of int32, and passes no gradient on.
 */
interface GatherArgs {
  readonly outer: number;
  readonly from: number;
  readonly to: number;
  readonly inner: number;
  readonly full: boolean;
  readonly dtype: DType;
}

/** The bits of NaN come in a uniform: WGSL has no literal for it. */
const SIZES = (a: GatherArgs) => uniform([a.outer, a.from, a.to, a.inner, 0x7fc00000]);

/** Elements from which on copying a row at once is faster than one by one. */
const LONG = 16;

/** Picks rows of `inner` elements. */
function gatherRows(
  { outer, from, to, inner }: Pick<GatherArgs, "outer" | "from" | "to" | "inner">,
  x: Float32Array | Int32Array,
  index: Int32Array,
  y: Float32Array | Int32Array,
): void {
  for (let o = 0, at = 0; o < outer; o++) {
    for (let t = 0; t < to; t++, at += inner) {
      const f = index[t] < 0 ? index[t] + from : index[t];
      const start = (o * from + f) * inner;
      if (f >= 0 && f < from) y.set(x.subarray(start, start + inner), at);
      else y.fill(NaN, at, at + inner);
    }
  }
}

/** Inputs [x, index]; output [picked]. */
const gatherKernel: Kernel<GatherArgs> = {
  name: "gather",
  cpu({ outer, from, to, inner, full, dtype }, [source, { i32: index }], [target]) {
    const [x, y] = dtype === "float32" ? [source.f32, target.f32] : [source.i32, target.i32];
    if (!full && inner >= LONG) return gatherRows({ outer, from, to, inner }, x, index, y);
    for (let o = 0, at = 0; o < outer; o++) {
      for (let t = 0; t < to; t++) {
        for (let i = 0; i < inner; i++, at++) {
          const wished = index[full ? at : t];
          const f = wished < 0 ? wished + from : wished;
          y[at] = f >= 0 && f < from ? x[(o * from + f) * inner + i] : NaN;
        }
      }
    }
  },
  webgpu(args) {
    const words = SIZES(args);
    const type = args.dtype === "float32" ? "f32" : "i32";
    const source = `
@group(0) @binding(0) var<storage, read> x: array<${type}>;
@group(0) @binding(1) var<storage, read> indices: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<${type}>;
${words.declare(3)}
@compute @workgroup_size(64)
fn main(${GRID_INDEX.parameters}) {
  ${GRID_INDEX.statement}
  let inner = ${words.u(3)}; let to = ${words.u(2)}; let size = ${words.u(1)};
  if (index >= ${words.u(0)} * to * inner) { return; }
  let wished = indices[${args.full ? "index" : "(index / inner) % to"}];
  let f = u32(select(wished, wished + i32(size), wished < 0)); // below 0 it is huge
  let value = x[(index / (inner * to) * size + min(f, size - 1u)) * inner + index % inner];
  y[index] = select(value, ${type === "f32" ? words.f(4) : "0"}, f >= size);
}`;
    const count = args.outer * args.to * args.inner;
    return {
      dispatches: [{
        label: `gather ${count}`,
        source,
        bindings: [0, 1, 2],
        uniform: words.data,
        grid: foldedGrid(count, 64),
      }],
    };
  },
};

/** Inputs [gradient (outer, to, inner), index]; output [dx (outer, from, inner)]: each element sums what was picked from it, in order. */
const gatherBackwardKernel: Kernel<GatherArgs> = {
  name: "gatherBackward",
  cpu({ outer, from, to, inner, full }, [{ f32: g }, { i32: index }], [{ f32: dx }]) {
    dx.fill(0, 0, outer * from * inner);
    for (let o = 0, at = 0; o < outer; o++) {
      for (let t = 0; t < to; t++) {
        for (let i = 0; i < inner; i++, at++) {
          const wished = index[full ? at : t];
          const f = wished < 0 ? wished + from : wished;
          if (f >= 0 && f < from) dx[(o * from + f) * inner + i] += g[at];
        }
      }
    }
  },
  webgpu(args, traits) {
    requireTurns("run backward through a gather of", args.to, traits);
    const words = SIZES(args);
    const source = `
@group(0) @binding(0) var<storage, read> g: array<f32>;
@group(0) @binding(1) var<storage, read> indices: array<i32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;
${words.declare(3)}
@compute @workgroup_size(64)
fn main(${GRID_INDEX.parameters}) {
  ${GRID_INDEX.statement}
  let inner = ${words.u(3)}; let to = ${words.u(2)}; let size = ${words.u(1)};
  if (index >= ${words.u(0)} * size * inner) { return; }
  let outer = index / (inner * size); let f = (index / inner) % size; let i = index % inner;
  var total = 0.0;
  for (var t = 0u; t < to; t++) {
    let wished = indices[${args.full ? "(outer * to + t) * inner + i" : "t"}];
    if (u32(select(wished, wished + i32(size), wished < 0)) == f) { total += g[(outer * to + t) * inner + i]; }
  }
  dx[index] = total;
}`;
    const count = args.outer * args.from * args.inner;
    return {
      dispatches: [{
        label: `gatherBackward ${count}`,
        source,
        bindings: [0, 1, 2],
        uniform: words.data,
        grid: foldedGrid(count, 64),
      }],
    };
  },
};

function pick(name: string, x: Tensor, index: Tensor, shape: readonly number[], args: GatherArgs): Tensor {
  const device = requireSameDevice(name, [x, index]);
  if (index.dtype !== "int32") throw new TypeError(`Cannot ${name} by a ${index.dtype} index: make it int32`);
  const [values, places] = [packed(x.detach()), packed(index)];
  const out = new Tensor(allocate(device, 4 * sizeOf(shape)), shape, x.dtype);
  if (out.size > 0) {
    run({ kernel: gatherKernel, args, inputs: [values.storage, places.storage], outputs: [out.storage] });
  }
  return track(name, [x], out, (g) => {
    const dx = new Tensor(allocate(device, 4 * x.size), x.shape, "float32");
    if (x.size === 0) return [dx];
    run({ kernel: gatherBackwardKernel, args, inputs: [packed(g).storage, places.storage], outputs: [dx.storage] });
    return [dx];
  });
}

/** x with the positions `index` (1 axis, int32) along an axis, in that order. */
export function indexSelect(x: Tensor, dim: number, index: Tensor): Tensor {
  const axis = normalizeAxis("indexSelect", dim, x.ndim);
  if (index.ndim !== 1) throw new TypeError(`Cannot indexSelect by ${show(index.shape)}: the index must have one axis`);
  const shape = x.shape.map((n, i) => (i === axis ? index.size : n));
  const [outer, inner] = [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis + 1))];
  return pick("indexSelect", x, index, shape, {
    outer,
    from: x.shape[axis],
    to: index.size,
    inner,
    full: false,
    dtype: x.dtype,
  });
}

/** out[…, t, …] = x[…, index[…, t, …], …] along an axis; the other axes of x and index are equal. */
export function gather(x: Tensor, dim: number, index: Tensor): Tensor {
  const axis = normalizeAxis("gather", dim, x.ndim);
  if (index.ndim !== x.ndim || index.shape.some((n, i) => i !== axis && n !== x.shape[i])) {
    throw new TypeError(
      `Cannot gather from ${show(x.shape)} by ${show(index.shape)} along axis ${axis}: the other axes must be equal`,
    );
  }
  const [outer, inner] = [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis + 1))];
  return pick("gather", x, index, index.shape, {
    outer,
    from: x.shape[axis],
    to: index.shape[axis],
    inner,
    full: true,
    dtype: x.dtype,
  });
}

/** Rows of weight (entries, dim) by index (…), int32 → (…, dim). */
export function embedding(weight: Tensor, index: Tensor): Tensor {
  if (weight.ndim !== 2) throw new TypeError(`Cannot embed with weight ${show(weight.shape)}: expected [entries, dim]`);
  return reshape(indexSelect(weight, 0, reshape(index, [-1])), [...index.shape, weight.shape[1]]);
}
