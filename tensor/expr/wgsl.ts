/**
 * Lowers elementwise expressions to WGSL. Sizes, strides and scalars come from the uniform, so that a new size or number needs no new
 * shader; the structure of the expression is in the text.
 * @module
 */
import type { GpuPlan } from "../device/kernel.ts";
import { foldedGrid, GRID_INDEX, type Uniform, uniform } from "../ops/wgsl.ts";
import { isContiguous, show, sizeOf } from "../shape.ts";
import type { ElementwiseArgs, Expr } from "./expr.ts";
import { walk } from "./expr.ts";
import { PHILOX_WGSL } from "./philox.wgsl.ts";

/** Literals are written so that WGSL reads the same float32. */
function literal(value: number, integer: boolean): string {
  if (integer) return value === -2147483648 ? "i32(-2147483647 - 1)" : `i32(${value})`;
  if (!Number.isFinite(value)) throw new RangeError(`internal: WGSL has no literal for ${value}`);
  const text = String(Math.fround(value));
  return `f32(${/[.e]/.test(text) ? text : `${text}.0`})`;
}

const INFIX: Record<string, string> = {
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
  lt: "<",
  le: "<=",
  gt: ">",
  ge: ">=",
  eq: "==",
  ne: "!=",
};
const COMPARISONS = new Set(["lt", "le", "gt", "ge", "eq", "ne"]);

// tanh of a large argument overflows in some drivers; beyond 15 it is 1 in float32 anyway
const HELPERS = `
fn safeTanh(x: f32) -> f32 { return tanh(clamp(x, -15.0, 15.0)); }
fn safePow(x: f32, y: f32) -> f32 {
  if (y == 0.0) { return 1.0; }
  if (x == 0.0) { return select(0.0, 1.0 / x, y < 0.0); }
  let size = exp2(y * log2(abs(x)));
  if (x > 0.0) { return size; }
  let odd = fract(abs(y) * 0.5) != 0.0;
  return select(select(size, -size, odd), sqrt(x), fract(y) != 0.0);
}
`;

/** Text of one node, its operands being names of earlier ones. */
function operation(node: Expr & { args: readonly Expr[] }, name: (e: Expr) => string): string {
  const [a, b, c] = node.args.map(name);
  if (COMPARISONS.has(node.op)) return `select(0, 1, ${a} ${INFIX[node.op]} ${b})`;
  if (node.op in INFIX) return `${a} ${INFIX[node.op]} ${b}`;
  switch (node.op) {
    case "neg":
      return `-${a}`;
    case "select":
      return `select(${c}, ${b}, ${a} != ${node.args[0].dtype === "int32" ? "0" : "0.0"})`;
    case "float":
      return `f32(${a})`;
    case "int":
      return `i32(${a})`;
    case "tanh":
      return `safeTanh(${a})`;
    case "pow":
      return `safePow(${a}, ${b})`;
    default:
      return `${node.op}(${node.args.map(name).join(", ")})`;
  }
}

/** Where numbers lie in the uniform. */
function wordPlaces({ shape, inputs, outputs, scalars }: ElementwiseArgs) {
  const rank = shape.length;
  const inputStart = 1 + rank;
  const outputStart = inputStart + inputs.length * (1 + rank);
  const scalarStart = outputStart + outputs.length;
  return {
    size: (axis: number) => 1 + axis,
    offset: (i: number) => inputStart + i * (1 + rank),
    stride: (i: number, axis: number) => inputStart + i * (1 + rank) + 1 + axis,
    output: (i: number) => outputStart + i,
    scalar: (i: number) => scalarStart + i,
    counter: (i: number) => scalarStart + scalars.length + i,
  };
}

function pack(args: ElementwiseArgs): Uniform {
  const { shape, inputs, outputs, scalars, counters } = args;
  const words = uniform([
    sizeOf(shape),
    ...shape,
    ...inputs.flatMap((i) => [i.offset, ...i.strides]),
    ...outputs.map((o) => o.offset),
    ...scalars.map(() => 0),
    ...counters,
  ]);
  new Float32Array(words.data.buffer).set(scalars, wordPlaces(args).scalar(0));
  return words;
}

/** Inputs that the expressions read, each loaded once. Only those that are neither contiguous nor one number need the place on each axis. */
function loads(args: ElementwiseArgs, words: Uniform, used: readonly number[]): string {
  const { shape, inputs } = args;
  const place = wordPlaces(args);
  const walks = used.filter((i) => !isContiguous(shape, inputs[i].strides) && inputs[i].strides.some((s) => s !== 0));
  const axes = walks.length === 0 ? [] : shape.map((_, k) => shape.length - 1 - k);
  // one division an axis, none for the outermost: without hardware for it a division costs more than the rest
  const decode = axes.map((axis) => {
    const size = words.u(place.size(axis));
    return axis === 0
      ? "  let k0 = i32(rest);"
      : `  let q${axis} = rest / ${size}; let k${axis} = i32(rest - q${axis} * ${size}); rest = q${axis};`;
  });
  const loadOf = (i: number): string => {
    const offset = words.u(place.offset(i));
    const steps = shape.map((_, axis) => ` + k${axis} * ${words.i(place.stride(i, axis))}`).join("");
    const at = walks.includes(i)
      ? `u32(i32(${offset})${steps})`
      : isContiguous(shape, inputs[i].strides)
      ? `index + ${offset}`
      : offset;
    const buffer = inputs[i].inPlace === undefined ? `in${inputs[i].shares ?? i}` : `out${inputs[i].inPlace}`;
    return `  let x${i} = ${buffer}[${at}];`;
  };
  return [...(axes.length > 0 ? ["  var rest = index;"] : []), ...decode, ...used.map(loadOf)].join("\n");
}

/** Statements that compute every node, and names of nodes. */
function statements(
  args: ElementwiseArgs,
  words: Uniform,
): { text: string; name: (e: Expr) => string; inputs: number[]; draws: Map<string, string>; states: number[] } {
  const place = wordPlaces(args);
  const names = new Map<Expr, string>();
  const name = (e: Expr): string => names.get(e)!;
  const [inputs, states, lines] = [new Set<number>(), new Set<number>(), [] as string[]];
  const draws = new Map<string, string>(); // Philox blocks by the text that computes them
  walk(args.outputs.map((o) => o.expr), (node) => {
    let value: string;
    if (node.op === "const") value = literal(node.value, node.dtype === "int32");
    else if (node.op === "input") {
      inputs.add(node.index);
      value = `x${node.index}`;
    } else if (node.op === "scalar") value = words.f(place.scalar(node.index));
    else if (node.op === "random") {
      states.add(node.state);
      const [key0, key1, base0, base1] = [0, 1, 2, 3].map((k) =>
        `u32(in${args.inputs[node.state].shares ?? node.state}[${k}])`
      );
      const block = `philox(unit, ${base0} + ${words.u(place.counter(node.counter))}, ${base1}, ${key0}, ${key1})`;
      if (!draws.has(block)) draws.set(block, `r${draws.size}`);
      value = `randomFloat(${draws.get(block)}[k])`;
    } else value = operation(node, name);
    names.set(node, `t${names.size}`);
    lines.push(`  let ${name(node)} = ${value};`);
  });
  return { text: lines.join("\n"), name, inputs: [...inputs].sort((a, b) => a - b), draws, states: [...states] };
}

/** Plans the elementwise kernel. */
export function elementwiseGpu(args: ElementwiseArgs): GpuPlan {
  const { shape, inputs, outputs } = args;
  const words = pack(args);
  const { text, name, inputs: used, draws, states } = statements(args, words);
  const read = [
    ...new Set([...used, ...states].filter((i) => inputs[i].inPlace === undefined).map((i) => inputs[i].shares ?? i)),
  ];
  const bindings = [...read, ...outputs.map((_, i) => inputs.length + i)];
  const type = (dtype: string) => (dtype === "float32" ? "f32" : "i32");
  const declarations = [
    ...read.map((i, b) => `@group(0) @binding(${b}) var<storage, read> in${i}: array<${type(inputs[i].dtype)}>;`),
    ...outputs.map((o, i) =>
      `@group(0) @binding(${read.length + i}) var<storage, read_write> out${i}: array<${type(o.dtype)}>;`
    ),
    words.declare(bindings.length),
  ];
  const stores = outputs.map((o, i) => `  out${i}[index + ${words.u(wordPlaces(args).output(i))}] = ${name(o.expr)};`);
  const element = `${loads(args, words, used)}\n${text}\n${stores.join("\n")}`;
  const count = words.u(0);
  // one block of random words serves the four elements unit, + 4, + 8 and + 12 of a group of 16
  const body = draws.size === 0
    ? `  if (index >= ${count}) { return; }\n${element}`
    : `  let unit = index; let first = (unit >> 2u) * 16u + (unit & 3u);
  if (first >= ${count}) { return; }
${[...draws].map(([block, id]) => `  let ${id} = ${block};`).join("\n")}
  for (var k = 0u; k < 4u; k++) {
  let index = first + 4u * k;
  if (index >= ${count}) { break; }
${element}
  }`;
  const source = `${declarations.join("\n")}
${HELPERS}${draws.size > 0 ? PHILOX_WGSL : ""}
@compute @workgroup_size(64)
fn main(${GRID_INDEX.parameters}) {
  ${GRID_INDEX.statement}
${body}
}`;
  const units = draws.size === 0 ? sizeOf(shape) : 4 * Math.ceil(sizeOf(shape) / 16);
  const label = `elementwise ${show(shape)}`;
  return { dispatches: [{ label, source, bindings, uniform: words.data, grid: foldedGrid(units, 64) }] };
}
