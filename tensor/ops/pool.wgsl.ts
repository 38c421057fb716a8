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
    /** Blocks that begin where windows do and hold the whole axis. */
    blocks: `((${size} + ${padding} + ${stride} - 1) / ${stride})`,
    /** `body` for each window `o` that holds place `p`. */
    eachWindow(o: string, p: string, body: string): string {
      if (adaptive) {
        const [from, to] = [`${p} * ${out} / ${size}`, `((${p} + 1) * ${out} + ${size} - 1) / ${size}`];
        return `for (var ${o} = ${from}; ${o} < ${to}; ${o}++) { ${body} }`;
      }
      const first = `max(0, ${p} + ${padding} - (${kernel} - 1) * ${dilation} + ${stride} - 1) / ${stride}`;
      const last = `min(${out} - 1, (${p} + ${padding}) / ${stride})`;
      const steps = axis.dilation > 1 ? `(${p} + ${padding} - ${o} * ${stride}) % ${dilation} == 0` : "true";
      return `for (var ${o} = ${first}; ${o} <= ${last}; ${o}++) { if (${steps}) { ${body} } }`;
    },
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

/** Statements that turn `index` into a row, a column, and the number of the plane. */
function place(row: string, column: string, { rows, columns }: Record<"rows" | "columns", string>): string {
  return `let line = i32(index) / ${columns}; let ${column} = i32(index) - line * ${columns};
  var plane = line / ${rows}; let ${row} = line - plane * ${rows};`;
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
  ${place("oh", "ow", { rows: h.out, columns: w.out })}
  plane *= ${h.size} * ${w.size};
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

/** True where windows do not overlap, so that each can write its own part of the gradient. */
const liesApart = ({ kernel, stride, dilation }: PoolAxis) => kernel > 0 && stride > (kernel - 1) * dilation;

/** See `poolBackwardKernel`. */
export function poolBackwardPlan(args: PoolArgs, traits: GpuTraits): GpuPlan {
  const { op, planes, rows, columns } = args;
  const apart = liesApart(rows) && liesApart(columns);
  const reach = (a: PoolAxis) =>
    a.kernel === 0 ? Math.ceil(a.out / a.size) + 1 : apart ? a.stride : Math.ceil(a.kernel * a.dilation / a.stride);
  requireTurns("pool", reach(rows) * (reach(columns) + 1), traits);
  const { words, h, w } = header(args);
  const max = op === "max";
  const source = `
@group(0) @binding(0) var<storage, read> dy: array<f32>;
${max ? "@group(0) @binding(1) var<storage, read> places: array<i32>;" : ""}
@group(0) @binding(${max ? 2 : 1}) var<storage, read_write> dx: array<f32>;
${words.declare(max ? 3 : 2)}
@compute @workgroup_size(64)
fn main(${GRID_INDEX.parameters}) {
  ${GRID_INDEX.statement}
${apart ? scatter(args, h, w) : gather(args, h, w)}
}`;
  // blocks that begin where windows do, the last ones perhaps beyond the last window
  const blocks = (a: PoolAxis) => Math.ceil((a.size + a.padding) / a.stride);
  const units = apart ? blocks(rows) * blocks(columns) : rows.size * columns.size;
  const label = `${op}PoolBackward ${planes}x${rows.size}x${columns.size}`;
  const bindings = max ? [0, 1, 2] : [0, 1];
  return { dispatches: [{ label, source, bindings, uniform: words.data, grid: foldedGrid(planes * units, 64) }] };
}

type Axis = ReturnType<typeof axisCode>;

/** Every lane has one window and writes all elements up to where the next ones begin. */
function scatter({ op, countIncludePad }: PoolArgs, h: Axis, w: Axis): string {
  const divisor = `f32(${h.divisor("oh", countIncludePad)} * ${w.divisor("ow", countIncludePad)})`;
  const max = op === "max";
  return `  let blockRows = ${h.blocks}; let blockColumns = ${w.blocks};
  ${place("oh", "ow", { rows: "blockRows", columns: "blockColumns" })}
  if (plane >= i32(P[0].x)) { return; }
  var gradient = 0.0; ${max ? "var top = -1;" : ""}
  if (oh < ${h.out} && ow < ${w.out}) {
    let at = (plane * ${h.out} + oh) * ${w.out} + ow;
    gradient = dy[at]${max ? "; top = places[at]" : ` / ${divisor}`};
  }
  plane *= ${h.size} * ${w.size};
  for (var i = ${h.begin("oh")}; i < ${h.begin("(oh + 1)")}; i++) {
    if (i < 0 || i >= ${h.size}) { continue; }
    for (var j = ${w.begin("ow")}; j < ${w.begin("(ow + 1)")}; j++) {
      if (j < 0 || j >= ${w.size}) { continue; }
      let hit = ${max ? `i * ${w.size} + j == top` : `i < ${h.end("oh")} && j < ${w.end("ow")}`};
      dx[plane + i * ${w.size} + j] = select(0.0, gradient, hit);
    }
  }`;
}

/** Every lane has one input element and sums over the windows that hold it. */
function gather({ op, countIncludePad }: PoolArgs, h: Axis, w: Axis): string {
  const part = `dy[at] / f32(${h.divisor("oh", countIncludePad)} * ${w.divisor("ow", countIncludePad)})`;
  const add = `let at = plane + oh * ${w.out} + ow;
      ${op === "max" ? `if (places[at] == i * ${w.size} + j) { total += dy[at]; }` : `total += ${part};`}`;
  return `  ${place("i", "j", { rows: h.size, columns: w.size })}
  if (plane >= i32(P[0].x)) { return; }
  plane *= ${h.out} * ${w.out};
  var total = 0.0;
  ${h.eachWindow("oh", "i", w.eachWindow("ow", "j", add))}
  dx[index] = total;`;
}
