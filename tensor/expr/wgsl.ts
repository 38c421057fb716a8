/**
 * Lowers elementwise expressions to WGSL. Sizes, strides and scalars come from the uniform, so that a new size or number needs no new
 * shader; the structure of the expression is in the text.
 * @module
 */
import type { GpuPlan, GpuTraits } from "../device/kernel.ts";
import { foldedGrid, GRID_INDEX, type Uniform, uniform } from "../ops/wgsl.ts";
import { isContiguous, show, sizeOf } from "../shape.ts";
import type { ElementwiseArgs, ElementwiseInput, Expr } from "./expr.ts";
import { walk } from "./expr.ts";
import { PHILOX_WGSL } from "./philox.wgsl.ts";
import { helpers, literal, operation, splat, wgslType, type Width } from "./wgsl_operation.ts";

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

/** Whether four neighbours can be computed side by side, which a software adapter does in little more time than one. */
function widthOf({ shape, outputs }: ElementwiseArgs, { software }: GpuTraits): Width {
  return software && sizeOf(shape) % 4 === 0 && outputs.every(({ offset }) => offset % 4 === 0) ? 4 : 1;
}

/** Whether four neighbours may lie in two rows of the iteration space, so that each has a place of its own. */
const isRagged = (shape: readonly number[], width: Width): boolean => width === 4 && shape[shape.length - 1] % 4 !== 0;

/** How an input is read: one number for all places, in step with the places, or by strides. */
function pathOf(shape: readonly number[], { strides }: ElementwiseInput): "one" | "along" | "strided" {
  if (strides.every((s) => s === 0)) return "one";
  return isContiguous(shape, strides) ? "along" : "strided";
}

/** Whether an input's four neighbours are one vec4 of its buffer. */
function isWhole(shape: readonly number[], view: ElementwiseInput): boolean {
  const { strides, offset } = view;
  if (offset % 4 !== 0) return false;
  if (pathOf(shape, view) === "along") return true;
  return !isRagged(shape, 4) && strides.at(-1) === 1 && strides.slice(0, -1).every((s) => s % 4 === 0);
}

/** What the parts of a kernel's text have in common. */
interface Text {
  readonly args: ElementwiseArgs;
  readonly words: Uniform;
  readonly width: Width;
  /** Whether the buffer of an input is an array of vec4. */
  readonly isWide: (input: number) => boolean;
}

const bufferOf = (inputs: readonly ElementwiseInput[], i: number): number => inputs[i].shares ?? i;

/** The place on each axis, for inputs that need it; of four neighbours in one row, of the first. */
function placeLets({ args: { shape, ...rest }, words, width }: Text): string {
  const place = wordPlaces({ shape, ...rest });
  const ragged = isRagged(shape, width), times = width === 4 && !ragged ? " * 4" : "";
  const int = ragged ? "vec4<i32>" : "i32";
  // one division an axis, none for the outermost: without hardware for it a division costs more than the rest
  const lines = shape.map((_, axis) => {
    const isRow = axis === shape.length - 1, inFours = isRow ? times : "";
    const size = inFours === "" ? words.u(place.size(axis)) : `(${words.u(place.size(axis))} >> 2u)`;
    return axis === 0
      ? `  let k0 = ${int}(rest)${inFours};`
      : `  let q${axis} = rest / ${size}; let k${axis} = ${int}(rest - q${axis} * ${size})${inFours}; rest = q${axis};`;
  });
  return [`  var rest = ${ragged ? "index * 4u + vec4<u32>(0u, 1u, 2u, 3u)" : "index"};`, ...lines.reverse()].join(
    "\n",
  );
}

/** Reads one input: `let x3 = …`. */
function load(text: Text, i: number): string {
  const { args, words, width, isWide } = text;
  const { shape, inputs } = args;
  const view = inputs[i], path = pathOf(shape, view), place = wordPlaces(args);
  const buffer = view.inPlace === undefined ? `in${bufferOf(inputs, i)}` : `out${view.inPlace}`;
  const offset = words.u(place.offset(i)), wide = view.inPlace !== undefined ? width === 4 : isWide(i);
  const steps = shape.map((_, axis) => ` + k${axis} * ${words.i(place.stride(i, axis))}`).join("");
  const strided = `i32(${offset})${steps}`;
  const value = path === "one"
    ? splat(`${buffer}[${offset}]`, view.dtype, width)
    : width === 1
    ? `${buffer}[${path === "along" ? `index + ${offset}` : `u32(${strided})`}]`
    : wide
    ? `${buffer}[${path === "along" ? `index + (${offset} >> 2u)` : `u32(${strided}) >> 2u`}]`
    : null;
  if (value !== null) return `  let x${i} = ${value};`;
  return `  let a${i} = ${fourPlaces(text, { i, path, strided })};
  let x${i} = ${wgslType(view.dtype, 4)}(${[0, 1, 2, 3].map((k) => `${buffer}[a${i}[${k}]]`).join(", ")});`;
}

/** Where four neighbours lie that are no vec4 of their buffer. */
function fourPlaces(
  { args, words }: Text,
  { i, path, strided }: { i: number; path: "along" | "strided" | "one"; strided: string },
): string {
  const { shape } = args, place = wordPlaces(args);
  if (path === "along") return `index * 4u + ${words.u(place.offset(i))} + vec4<u32>(0u, 1u, 2u, 3u)`;
  if (isRagged(shape, 4)) return `vec4<u32>(${strided})`;
  return `vec4<u32>(${strided} + ${words.i(place.stride(i, shape.length - 1))} * vec4<i32>(0, 1, 2, 3))`;
}

/** Inputs that the expressions read, each loaded once. Only those that are neither contiguous nor one number need the place on each axis. */
function loads(text: Text, used: readonly number[]): string {
  const { shape, inputs } = text.args;
  const needsPlace = used.some((i) => pathOf(shape, inputs[i]) === "strided");
  return [...(needsPlace ? [placeLets(text)] : []), ...used.map((i) => load(text, i))].join("\n");
}

/** Random words of an invocation: names of Philox blocks by what their counter is followed by. */
type Draws = Map<string, string>;

/** The random number of this element, or of each of four: those lie in four blocks. */
function randomValue(id: string, width: Width): string {
  const of = (unit: number) => `randomFloat(${id}_${unit}[k])`;
  return width === 1 ? of(0) : `vec4<f32>(${[0, 1, 2, 3].map(of).join(", ")})`;
}

/** Statements that compute every node, and names of nodes. */
function statements(
  { args, words, width }: Omit<Text, "isWide">,
): { lines: string; name: (e: Expr) => string; inputs: number[]; draws: Draws; states: number[] } {
  const place = wordPlaces(args);
  const names = new Map<Expr, string>();
  const name = (e: Expr): string => names.get(e)!;
  const [inputs, states, lines] = [new Set<number>(), new Set<number>(), [] as string[]];
  const draws: Draws = new Map();
  walk(args.outputs.map((o) => o.expr), (node) => {
    let value: string;
    if (node.op === "const") value = splat(literal(node.value, node.dtype), node.dtype, width);
    else if (node.op === "input") {
      inputs.add(node.index);
      value = `x${node.index}`;
    } else if (node.op === "scalar") value = splat(words.f(place.scalar(node.index)), "float32", width);
    else if (node.op === "random") {
      states.add(node.state);
      const state = `in${bufferOf(args.inputs, node.state)}`;
      const [key0, key1, base0, base1] = [0, 1, 2, 3].map((k) => `u32(${state}[${k}])`);
      const block = `${base0} + ${words.u(place.counter(node.counter))}, ${base1}, ${key0}, ${key1}`;
      if (!draws.has(block)) draws.set(block, `r${draws.size}`);
      value = randomValue(draws.get(block)!, width);
    } else value = operation(node, { width, name });
    names.set(node, `t${names.size}`);
    lines.push(`  let ${name(node)} = ${value};`);
  });
  return {
    lines: lines.join("\n"),
    name,
    inputs: [...inputs].sort((a, b) => a - b),
    draws,
    states: [...states],
  };
}

/** Plans the elementwise kernel. */
export function elementwiseGpu(args: ElementwiseArgs, traits: GpuTraits): GpuPlan {
  const { shape, inputs, outputs } = args;
  const words = pack(args), width = widthOf(args, traits);
  const { lines, name, inputs: used, draws, states } = statements({ args, words, width });
  const read = [
    ...new Set([...used, ...states].filter((i) => inputs[i].inPlace === undefined).map((i) => bufferOf(inputs, i))),
  ];
  const bindings = [...read, ...outputs.map((_, i) => inputs.length + i)];
  // a buffer is an array of vec4 where all that read it read whole ones
  const isWide = (i: number) =>
    width === 4 && !states.some((state) => bufferOf(inputs, state) === bufferOf(inputs, i)) &&
    used.every((other) => bufferOf(inputs, other) !== bufferOf(inputs, i) || isWhole(shape, inputs[other]));
  const arrayOf = (i: number) => `array<${wgslType(inputs[i].dtype, isWide(i) ? 4 : 1)}>`;
  const declarations = [
    ...read.map((i, b) => `@group(0) @binding(${b}) var<storage, read> in${i}: ${arrayOf(i)};`),
    ...outputs.map((o, i) =>
      `@group(0) @binding(${read.length + i}) var<storage, read_write> out${i}: array<${wgslType(o.dtype, width)}>;`
    ),
    words.declare(bindings.length),
  ];
  const stores = outputs.map((o, i) => {
    const offset = words.u(wordPlaces(args).output(i));
    return `  out${i}[index + ${width === 4 ? `(${offset} >> 2u)` : offset}] = ${name(o.expr)};`;
  });
  const element = `${loads({ args, words, width, isWide }, used)}\n${lines}\n${stores.join("\n")}`;
  const count = width === 4 ? `(${words.u(0)} >> 2u)` : words.u(0);
  const source = `${declarations.join("\n")}
${helpers(width)}${draws.size > 0 ? PHILOX_WGSL : ""}
@compute @workgroup_size(64)
fn main(${GRID_INDEX.parameters}) {
  ${GRID_INDEX.statement}
${draws.size === 0 ? `  if (index >= ${count}) { return; }\n${element}` : withDraws(element, { draws, count, width })}
}`;
  const size = sizeOf(shape);
  const units = draws.size === 0 ? size / width : Math.ceil(size / 16) * (4 / width);
  const label = `elementwise ${show(shape)}`;
  return { dispatches: [{ label, source, bindings, uniform: words.data, grid: foldedGrid(units, 64) }] };
}

/**
 * Blocks of random words, and a loop over the elements that they serve: block `unit` those at unit, + 4, + 8 and + 12 of a group of 16.
 * Four at a time, an invocation has the whole group, and four blocks.
 */
function withDraws(element: string, { draws, count, width }: { draws: Draws; count: string; width: Width }): string {
  const first = width === 4 ? "index * 4u" : "(index >> 2u) * 16u + (index & 3u)";
  const unit = (k: number) => width === 4 ? `index * 4u + ${k}u` : "index";
  const blocks = [...draws].flatMap(([block, id]) =>
    Array.from({ length: width }, (_, k) => `  let ${id}_${k} = philox(${unit(k)}, ${block});`)
  );
  return `  let first = ${first};
  if (first >= ${count}) { return; }
${blocks.join("\n")}
  for (var k = 0u; k < 4u; k++) {
  let index = first + ${width === 4 ? "k" : "4u * k"};
  if (index >= ${count}) { break; }
${element}
  }`;
}
