/**
 * Pooling as WGSL. The idea of the gradient: every input element gathers from the windows that it lies in, so that nothing is added
 * atomically.
 * @module
 */
import type { GpuPlan, GpuTraits } from "../device/kernel.ts";
import type { PoolArgs, PoolAxis } from "./pool.ts";
import { foldedGrid, GRID_INDEX, requireTurns, uniform } from "./wgsl.ts";

/** Words of an axis in the uniform, from `at` on: size, out, kernel, stride, padding, dilation. */
const axisWords = (a: PoolAxis) => [a.size, a.out, a.kernel, a.stride, a.padding, a.dilation];

/** WGSL of an axis whose words begin at word `at` of the uniform. */
function axisCode(axis: PoolAxis, at: number, { i }: { i(word: number): string }) {
  const [size, out, kernel, stride, padding, dilation] = [0, 1, 2, 3, 4, 5].map((k) => i(at + k));
  const adaptive = axis.kernel === 0;
  return {
    size,
    out,
    step: adaptive ? "1" : dilation,
    /** First place of window `o`, which may lie before the axis. */
    begin: (o: string) => adaptive ? `(${o} * ${size} / ${out})` : `(${o} * ${stride} - ${padding})`,
    /** Place after its last. */
    end: (o: string) =>
      adaptive
        ? `(((${o} + 1) * ${size} + ${out} - 1) / ${out})`
        : `(${o} * ${stride} - ${padding} + (${kernel} - 1) * ${dilation} + 1)`,
    /** First and last window that may hold place `p`. */
    lowest: (p: string) =>
      adaptive
        ? `(${p} * ${out} / ${size})`
        : `(max(0, ${p} + ${padding} - (${kernel} - 1) * ${dilation} + ${stride} - 1) / ${stride})`,
    highest: (p: string) =>
      adaptive
        ? `(((${p} + 1) * ${out} + ${size} - 1) / ${size} - 1)`
        : `min(${out} - 1, (${p} + ${padding}) / ${stride})`,
    /** True where window `o` steps over place `p`. */
    misses: (o: string, p: string) =>
      axis.dilation > 1 ? `(${p} + ${padding} - ${o} * ${stride}) % ${dilation} != 0` : "false",
    /** What an average divides by along this axis. */
    divisor(o: string, countIncludePad: boolean): string {
      const [begin, end] = [this.begin(o), this.end(o)];
      return adaptive || !countIncludePad
        ? `(min(${end}, ${size}) - max(${begin}, 0))`
        : `(min(${end}, ${size} + ${padding}) - ${begin})`;
    },
  };
}

function header({ planes, rows, columns }: PoolArgs) {
  const words = uniform([planes, 0, 0, 0, ...axisWords(rows), ...axisWords(columns)]);
  return { words, h: axisCode(rows, 4, words), w: axisCode(columns, 10, words) };
}

const NAN = (v: string) => `(bitcast<u32>(${v}) & 0x7fffffffu) > 0x7f800000u`;

/** See `poolKernel`. */
export function poolPlan(args: PoolArgs, traits: GpuTraits): GpuPlan {
  const { op, planes, rows, columns, countIncludePad, indices } = args;
  const { words, h, w } = header(args);
  const reach = (a: PoolAxis) => a.kernel === 0 ? Math.ceil(a.size / a.out) + 1 : a.kernel;
  requireTurns("pool", reach(rows) * (reach(columns) + 1), traits);
  const max = op === "max";
  const source = `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
${indices ? "@group(0) @binding(2) var<storage, read_write> places: array<i32>;" : ""}
${words.declare(indices ? 3 : 2)}
@compute @workgroup_size(64)
fn main(${GRID_INDEX.parameters}) {
  ${GRID_INDEX.statement}
  if (index >= ${words.u(0)} * u32(${h.out} * ${w.out})) { return; }
  let ow = i32(index % u32(${w.out}));
  let oh = i32(index / u32(${w.out}) % u32(${h.out}));
  let plane = i32(index / u32(${h.out} * ${w.out})) * ${h.size} * ${w.size};
  var total = 0.0; var place = -1;
  for (var i = ${h.begin("oh")}; i < ${h.end("oh")}; i += ${h.step}) {
    if (i < 0 || i >= ${h.size}) { continue; }
    for (var j = ${w.begin("ow")}; j < ${w.end("ow")}; j += ${w.step}) {
      if (j < 0 || j >= ${w.size}) { continue; }
      let at = i * ${w.size} + j;
      let value = x[plane + at];
      ${max ? `if (place < 0 || value > total || ${NAN("value")}) { total = value; place = at; }` : "total += value;"}
    }
  }
  y[index] = ${
    max ? "total" : `total / f32(${h.divisor("oh", countIncludePad)} * ${w.divisor("ow", countIncludePad)})`
  };
  ${indices ? "places[index] = place;" : ""}
}`;
  const size = planes * rows.out * columns.out;
  const label = `${op}Pool ${planes}x${rows.size}x${columns.size}`;
  const bindings = indices ? [0, 1, 2] : [0, 1];
  return { dispatches: [{ label, source, bindings, uniform: words.data, grid: foldedGrid(size, 64) }] };
}

/** See `poolBackwardKernel`. */
export function poolBackwardPlan(args: PoolArgs, traits: GpuTraits): GpuPlan {
  const { op, planes, rows, columns, countIncludePad } = args;
  const { words, h, w } = header(args);
  const reach = (a: PoolAxis) =>
    a.kernel === 0 ? Math.ceil(a.out / a.size) + 1 : Math.ceil(a.kernel * a.dilation / a.stride);
  requireTurns("pool", reach(rows) * (reach(columns) + 1), traits);
  const max = op === "max";
  const source = `
@group(0) @binding(0) var<storage, read> dy: array<f32>;
${max ? "@group(0) @binding(1) var<storage, read> places: array<i32>;" : ""}
@group(0) @binding(${max ? 2 : 1}) var<storage, read_write> dx: array<f32>;
${words.declare(max ? 3 : 2)}
@compute @workgroup_size(64)
fn main(${GRID_INDEX.parameters}) {
  ${GRID_INDEX.statement}
  if (index >= ${words.u(0)} * u32(${h.size} * ${w.size})) { return; }
  let j = i32(index % u32(${w.size}));
  let i = i32(index / u32(${w.size}) % u32(${h.size}));
  let plane = i32(index / u32(${h.size} * ${w.size})) * ${h.out} * ${w.out};
  var total = 0.0;
  for (var oh = ${h.lowest("i")}; oh <= ${h.highest("i")}; oh++) {
    if (${h.misses("oh", "i")}) { continue; }
    for (var ow = ${w.lowest("j")}; ow <= ${w.highest("j")}; ow++) {
      if (${w.misses("ow", "j")}) { continue; }
      let at = plane + oh * ${w.out} + ow;
      ${
    max
      ? `if (places[at] == i * ${w.size} + j) { total += dy[at]; }`
      : `total += dy[at] / f32(${h.divisor("oh", countIncludePad)} * ${w.divisor("ow", countIncludePad)});`
  }
    }
  }
  dx[index] = total;
}`;
  const size = planes * rows.size * columns.size;
  const label = `${op}PoolBackward ${planes}x${rows.size}x${columns.size}`;
  const bindings = max ? [0, 1, 2] : [0, 1];
  return { dispatches: [{ label, source, bindings, uniform: words.data, grid: foldedGrid(size, 64) }] };
}
