/** Sums, means and extremes along axes. @module */
import { track } from "../autograd.ts";
import type { CpuRuntime, CpuSlice } from "../cpu/runtime.ts";
import type { Kernel } from "../device/kernel.ts";
import type { DType } from "../dtype.ts";
import { allocate, run } from "../memory.ts";
import { collapse, normalizeAxes, sameShape, type Shape, show, sizeOf } from "../shape.ts";
import { type ReduceOptions, requireFloat, Tensor } from "../tensor.ts";
import { fill } from "./copy.ts";
import { foldedGrid, GRID_INDEX, requireTurns, uniform } from "./wgsl.ts";
import { expand, reshape } from "./views.ts";

/** Folds the reduced axes of a strided input into one number for each kept element. */
interface ReduceArgs {
  readonly op: "sum" | "squares" | "max" | "min";
  readonly kept: readonly number[];
  readonly keptStrides: readonly number[];
  readonly reduced: readonly number[];
  readonly reducedStrides: readonly number[];
  readonly offset: number;
  /** Multiplies the result, as a mean does; 1 for int32. */
  readonly scale: number;
  readonly dtype: DType;
}

/** Calls `visit` with the offset of every element of a strided space, row-major. */
function forEachOffset(
  shape: readonly number[],
  strides: readonly number[],
  start: number,
  visit: (offset: number) => void,
): void {
  if (shape.length === 0) return visit(start);
  const [n, rest, below] = [shape[0], shape.slice(1), strides.slice(1)];
  for (let i = 0, at = start; i < n; i++, at += strides[0]) forEachOffset(rest, below, at, visit);
}

type Numbers = Float32Array | Int32Array;

// sums run in float64, which has room to spare for float32 terms and is exact for int32 ones

function sumLine(x: Numbers, at: number, stride: number, n: number): number {
  let total = 0;
  for (let i = 0; i < n; i++, at += stride) total += x[at];
  return total;
}

function sumSquareLine(x: Numbers, at: number, stride: number, n: number): number {
  let total = 0;
  for (let i = 0; i < n; i++, at += stride) total += x[at] * x[at];
  return total;
}

function extremeLine(x: Numbers, at: number, stride: number, n: number, sign: 1 | -1): number {
  let best = x[at];
  for (let i = 1; i < n; i++) {
    const value = x[at + i * stride];
    if (sign * value > sign * best || value !== value) best = value;
  }
  return best;
}

/** Folds a line into what was gathered before; `Math.max` and `Math.min` pass NaN on. */
const LINE: Record<ReduceArgs["op"], (total: number, x: Numbers, at: number, stride: number, n: number) => number> = {
  sum: (total, x, at, stride, n) => total + sumLine(x, at, stride, n),
  squares: (total, x, at, stride, n) => total + sumSquareLine(x, at, stride, n),
  max: (total, x, at, stride, n) => Math.max(total, extremeLine(x, at, stride, n, 1)),
  min: (total, x, at, stride, n) => Math.min(total, extremeLine(x, at, stride, n, -1)),
};
const EMPTY = { sum: 0, squares: 0, max: -Infinity, min: Infinity };

/** Sums over the axis before the last one of (outer, rows, columns), row by row as memory lies. */
function sumRows(x: Numbers, y: Numbers, args: ReduceArgs): void {
  const { kept, keptStrides, reduced: [rows], reducedStrides: [step], offset, scale } = args;
  const columns = kept[kept.length - 1];
  const totals = new Float64Array(columns);
  let place = 0;
  forEachOffset(kept.slice(0, -1), keptStrides.slice(0, -1), offset, (start) => {
    totals.fill(0);
    for (let row = 0, at = start; row < rows; row++, at += step) {
      for (let j = 0; j < columns; j++) totals[j] += x[at + j];
    }
    for (let j = 0; j < columns; j++) y[place++] = totals[j] * scale;
  });
}

/** The routine of the runtime that reduces float32 of this layout, or null. */
function fastRoutine(args: ReduceArgs, { rows }: CpuRuntime): ((x: CpuSlice, y: CpuSlice) => void) | null {
  const { op, kept, keptStrides, reduced, reducedStrides, offset, scale, dtype } = args;
  if (dtype !== "float32" || kept.length > 1 || reduced.length !== 1) return null;
  if (op === "sum" && kept.length === 1 && keptStrides[0] === 1) {
    const shape = { rows: reduced[0], columns: kept[0], rowStride: reducedStrides[0], offset, scale };
    return (x, y) => rows.columnSums(shape, x, y);
  }
  if ((op === "sum" || op === "squares") && reducedStrides[0] === 1) {
    const shape = { rows: kept[0] ?? 1, columns: reduced[0], rowStride: keptStrides[0] ?? reduced[0], offset, scale };
    return (x, y) => (op === "sum" ? rows.rowSums(shape, x, y) : rows.rowSumsOfSquares(shape, x, y));
  }
  return null;
}

/** WGSL that turns a linear index into an offset by sizes and strides in the uniform. */
function decode(
  rank: number,
  sizes: (axis: number) => string,
  strides: (axis: number) => string,
  index: string,
): string {
  const axes = Array.from({ length: rank }, (_, k) => rank - 1 - k);
  return `var rest = ${index};` +
    axes.map((a) => `at += i32(rest % ${sizes(a)}) * ${strides(a)}; rest = rest / ${sizes(a)};`).join(" ");
}

const FOLD = { sum: "total + value", squares: "total + value", max: "max(total, value)", min: "min(total, value)" };

/** Lanes that share one result where results are few and lines long. */
const LANES = 64;

/** Terms that are summed before their sum joins the others. */
const BLOCK = 32;

/** Reduces strided input; the inner loop runs over the last reduced axis. */
const reduceKernel: Kernel<ReduceArgs> = {
  name: "reduce",
  cpu(args, [source], [goal], runtime) {
    const fast = fastRoutine(args, runtime);
    if (fast !== null) return fast(source, goal);
    const { op, kept, keptStrides, reduced, reducedStrides, offset, scale, dtype } = args;
    const [x, y] = dtype === "float32" ? [source.f32, goal.f32] : [source.i32, goal.i32];
    if (op === "sum" && keptStrides.at(-1) === 1 && reduced.length === 1) return sumRows(x, y, args);
    const n = reduced.at(-1) ?? 1;
    const stride = reducedStrides.at(-1) ?? 0;
    const [outer, outerStrides] = [reduced.slice(0, -1), reducedStrides.slice(0, -1)];
    let place = 0;
    forEachOffset(kept, keptStrides, offset, (start) => {
      let total = EMPTY[op];
      forEachOffset(outer, outerStrides, start, (at) => total = LINE[op](total, x, at, stride, n));
      y[place++] = total * scale;
    });
  },
  webgpu({ op, kept, keptStrides, reduced, reducedStrides, offset, scale, dtype }, traits) {
    const [k, r] = [kept.length, reduced.length];
    const [results, line] = [sizeOf(kept), sizeOf(reduced)];
    const words = uniform([results, line, offset, ...kept, ...keptStrides, ...reduced, ...reducedStrides, 0]);
    new Float32Array(words.data.buffer)[3 + 2 * k + 2 * r] = scale;
    const [type, zero, scaled] = dtype === "float32"
      ? ["f32", "0.0", ` * ${words.f(3 + 2 * k + 2 * r)}`]
      : ["i32", "0", ""];
    const keptAt = decode(k, (a) => words.u(3 + a), (a) => words.i(3 + k + a), "place");
    const reducedAt = decode(r, (a) => words.u(3 + 2 * k + a), (a) => words.i(3 + 2 * k + r + a), "i");
    // long lines: a workgroup for each result, with partial results in shared memory
    const shared = line >= 4 * LANES && results < 4096;
    requireTurns(op, (1 + 1 / BLOCK) * (shared ? line / LANES : line), traits);
    const [from, step] = shared ? ["lane", `${LANES}u`] : ["0u", "1u"];
    const isSum = op === "sum" || op === "squares";
    // an extreme starts from the first value, as WGSL has no infinity
    const fold = isSum ? `total = ${FOLD[op]};` : `total = select(${FOLD[op]}, value, i == ${from});`;
    const source = `
@group(0) @binding(0) var<storage, read> x: array<${type}>;
@group(0) @binding(1) var<storage, read_write> out: array<${type}>;
${words.declare(2)}
${shared ? `var<workgroup> part: array<${type}, ${LANES}>;` : ""}
@compute @workgroup_size(${LANES})
fn main(${GRID_INDEX.parameters}) {
  ${shared ? "let place = group.y * groups.x + group.x;" : `${GRID_INDEX.statement} let place = index;`}
  ${shared ? "" : `if (place >= ${words.u(0)}) { return; }`}
  var at = ${words.i(2)}; { ${keptAt} }
  let base = at; var whole = ${zero}; var total = ${zero};
  // sums of blocks are summed, so that the error grows slowly; a compensation would be optimised away
  for (var block = ${from}; block < ${words.u(1)}; block += ${BLOCK}u * ${step}) {
    ${isSum ? `total = ${zero};` : ""}
    for (var i = block; i < min(block + ${BLOCK}u * ${step}, ${words.u(1)}); i += ${step}) {
      at = base; { ${reducedAt} }
      let value = ${op === "squares" ? "x[at] * x[at]" : "x[at]"};
      ${fold}
    }
    ${isSum ? "whole += total;" : ""}
  }
  ${isSum ? "total = whole;" : ""}
  ${
      shared
        ? `part[lane] = total; workgroupBarrier();
  for (var half = ${LANES / 2}u; half > 0u; half = half / 2u) {
    if (lane < half) { let total = part[lane]; let value = part[lane + half]; part[lane] = ${FOLD[op]}; }
    workgroupBarrier();
  }
  if (lane == 0u && place < ${words.u(0)}) { out[place] = part[0]${scaled}; }`
        : `out[place] = total${scaled};`
    }
}`;
    const grid = foldedGrid(results, shared ? 1 : LANES);
    return { dispatches: [{ label: `${op} ${results}x${line}`, source, bindings: [0, 1], uniform: words.data, grid }] };
  },
  flops: ({ kept, reduced }) => sizeOf(kept) * sizeOf(reduced),
  sizes: ({ kept, reduced }) => `${sizeOf(kept)}x${sizeOf(reduced)}`,
};

/** Shape after reduction. */
function reducedShape(shape: Shape, axes: readonly number[], keepdim: boolean): number[] {
  return keepdim ? shape.map((n, i) => (axes.includes(i) ? 1 : n)) : shape.filter((_, i) => !axes.includes(i));
}

/** Runs the kernel; not tracked. `name` is the op's, for errors. */
function reduce(
  name: string,
  op: ReduceArgs["op"],
  x: Tensor,
  axes: readonly number[],
  { keepdim, scale = 1 }: { keepdim: boolean; scale?: number },
): Tensor {
  const { dtype } = x;
  const isKept = x.shape.map((_, i) => !axes.includes(i));
  const pick = (list: readonly number[], keep: boolean) => list.filter((_, i) => isKept[i] === keep);
  const kept = collapse(pick(x.shape, true), [pick(x.strides, true)]);
  const reduced = collapse(pick(x.shape, false), [pick(x.strides, false)]);
  const shape = reducedShape(x.shape, axes, keepdim);
  if (sizeOf(shape) > 0 && sizeOf(reduced.shape) === 0) {
    if (op === "max" || op === "min") {
      throw new RangeError(`Cannot take the ${name} of ${show(x.shape)} along ${show(axes)}: there are no elements`);
    }
    return fill(x.device, shape, 0 * scale, dtype);
  }
  const out = new Tensor(allocate(x.device, 4 * sizeOf(shape)), shape, dtype);
  if (out.size === 0) return out;
  const args: ReduceArgs = {
    op,
    kept: kept.shape,
    keptStrides: kept.operands[0],
    reduced: reduced.shape,
    reducedStrides: reduced.operands[0],
    offset: x.offset,
    scale,
    dtype,
  };
  run({ kernel: reduceKernel, args, inputs: [x.storage], outputs: [out.storage], label: name });
  return out;
}

/**
 * Σ x² over all elements, as one number; not tracked. For gradient norms.
 *
 * @ignore
 */
export function sumOfSquares(x: Tensor): Tensor {
  const axes = normalizeAxes("sumOfSquares", undefined, x.ndim);
  return reduce("sumOfSquares", "squares", x, axes, { keepdim: false });
}

/** Gives a reduced result its reduced axes back with size 1, so that it broadcasts against x. */
function keep(y: Tensor, x: Tensor, axes: readonly number[]): Tensor {
  return reshape(y, reducedShape(x.shape, axes, true));
}

/** Sum along axes; of int32 an int32. The sum of nothing is 0. */
export function sum(x: Tensor, dim?: number | readonly number[], { keepdim = false }: ReduceOptions = {}): Tensor {
  const axes = normalizeAxes("sum", dim, x.ndim);
  return track("sum", [x], reduce("sum", "sum", x, axes, { keepdim }), (g) => [expand(keep(g, x, axes), x.shape)]);
}

/**
 * Mean along axes; of nothing it is NaN.
 *
 * @throws TypeError for int32.
 */
export function mean(x: Tensor, dim?: number | readonly number[], { keepdim = false }: ReduceOptions = {}): Tensor {
  requireFloat("mean", x);
  const axes = normalizeAxes("mean", dim, x.ndim);
  const scale = 1 / axes.reduce((n, a) => n * x.shape[a], 1);
  return track(
    "mean",
    [x],
    reduce("mean", "sum", x, axes, { keepdim, scale }),
    (g) => [expand(keep(g.mul(scale), x, axes), x.shape)],
  );
}

function extreme(
  name: "amax" | "amin",
  x: Tensor,
  dim: number | readonly number[] | undefined,
  keepdim: boolean,
): Tensor {
  const axes = normalizeAxes(name, dim, x.ndim);
  const out = reduce(name, name === "amax" ? "max" : "min", x, axes, { keepdim });
  return track(name, [x], out, (g) => {
    // equal extremes share the gradient
    const hits = x.detach().eq(keep(out.detach(), x, axes));
    return [hits.mul(keep(g, x, axes).div(reduce(name, "sum", hits, axes, { keepdim: true })))];
  });
}

/** Largest element along axes; equal ones share the gradient. */
export function amax(x: Tensor, dim?: number | readonly number[], { keepdim = false }: ReduceOptions = {}): Tensor {
  return extreme("amax", x, dim, keepdim);
}

/** Smallest element along axes; equal ones share the gradient. */
export function amin(x: Tensor, dim?: number | readonly number[], { keepdim = false }: ReduceOptions = {}): Tensor {
  return extreme("amin", x, dim, keepdim);
}

/**
 * Sums a broadcast tensor back to the shape it came from.
 *
 * @ignore
 */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const skip = x.ndim - shape.length;
  const axes = x.shape.map((_, i) => i).filter((i) => i < skip || (shape[i - skip] === 1 && x.shape[i] !== 1));
  return reshape(sum(x, axes, { keepdim: true }), shape);
}
