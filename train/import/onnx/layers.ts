/**
 * A graph as its layers see it: convolutions, linear maps, normalisations and activations, each with the layers that its input comes from and the
 * arithmetic in between. What only moves numbers about (reshapes, transpositions) and what computes sizes leaves no trace, since
 * exporters write it in many ways.
 * @module
 */
import type { OnnxGraph, OnnxNode } from "./file.ts";

/** Where the numbers of a value come from. */
export interface Origin {
  /** Places in the list of layers, ascending; −1 is the graph's input. */
  readonly layers: readonly number[];
  /** Arithmetic on the way, such as "Add" and "ReduceMean". */
  readonly ops: ReadonlySet<string>;
  /** Single numbers that took part in it. */
  readonly constants: ReadonlySet<number>;
  /** Names of tensors of more numbers that took part in it. */
  readonly vectors: ReadonlySet<string>;
}

/** A layer of a graph. */
export interface GraphLayer {
  readonly node: OnnxNode;
  /** Where its input comes from. */
  readonly from: Origin;
}

/** A graph's layers in the order of computation, and where its last result comes from. */
export interface GraphLayers {
  readonly layers: readonly GraphLayer[];
  readonly result: Origin;
}

/** What moves numbers about, or computes sizes. */
const silent = new Set(
  "Cast Concat ConstantOfShape Equal Expand Flatten Gather Identity Range Reshape Slice Split Squeeze Transpose Unsqueeze Where"
    .split(" "),
);

/** Arithmetic between layers. */
const arithmetic = new Set("Add Clip Div Max Mul Neg Pad Pow ReduceMean ReduceProd ReduceSum Sub".split(" "));

const nothing: Origin = { layers: [], ops: new Set(), constants: new Set(), vectors: new Set() };

/** More layers than any of ours is fed by, or more constants: a graph that wants memory. */
const MOST_ORIGINS = 256;

/**
 * The layers of a graph.
 *
 * @throws {RangeError} A node reads what no node before it makes, or too many things; the message is the fact alone.
 */
export async function layersOf(graph: OnnxGraph): Promise<GraphLayers> {
  const origins = new Map<string, Origin>(graph.inputs.map(({ name }) => [name, { ...nothing, layers: [-1] }]));
  for (const name of graph.tensors.keys()) origins.set(name, nothing);
  const layers: GraphLayer[] = [];
  for (const node of graph.nodes) {
    if (node.op === "Constant" || node.op === "Shape") {
      for (const output of node.outputs) origins.set(output, nothing);
      continue;
    }
    const isLayer = !silent.has(node.op) && !arithmetic.has(node.op);
    const origin = joined(node.inputs.map((name) => originOf(origins, name, node)), node);
    const found = origin.layers.length === 0 || !arithmetic.has(node.op) ? origin : await computed(origin, node, graph);
    if (isLayer && origin.layers.length > 0) layers.push({ node, from: origin });
    const made = isLayer && origin.layers.length > 0 ? { ...nothing, layers: [layers.length - 1] } : found;
    for (const output of node.outputs) origins.set(output, made);
  }
  const last = graph.outputs[graph.outputs.length - 1] ?? "";
  const result = origins.get(last);
  if (result === undefined) throw new RangeError(`no node makes its result "${last}"`);
  return { layers, result };
}

function originOf(origins: ReadonlyMap<string, Origin>, name: string, node: OnnxNode): Origin {
  if (name === "") return nothing;
  const found = origins.get(name);
  if (found !== undefined) return found;
  throw new RangeError(`its node ${node.op} "${node.name}" reads "${name}", which no node before it makes`);
}

/** All of several origins. */
function joined(origins: readonly Origin[], node: OnnxNode): Origin {
  const seen = origins.filter(({ layers }) => layers.length > 0); // the rest are weights and sizes
  if (seen.length === 0) return nothing;
  if (seen.length === 1) return seen[0];
  const all = <T>(pick: (origin: Origin) => Iterable<T>) => new Set(seen.flatMap((origin) => [...pick(origin)]));
  const layers = [...all((origin) => origin.layers)].sort((a, b) => a - b);
  const constants = all((origin) => origin.constants), vectors = all((origin) => origin.vectors);
  if (layers.length + constants.size + vectors.size > MOST_ORIGINS) {
    throw new RangeError(`its node ${node.op} "${node.name}" joins more than ${MOST_ORIGINS} things`);
  }
  return { layers, ops: all((origin) => origin.ops), constants, vectors };
}

/** An origin after arithmetic. */
async function computed(origin: Origin, { op, inputs }: OnnxNode, { tensors }: OnnxGraph): Promise<Origin> {
  const constants = new Set(origin.constants), vectors = new Set(origin.vectors);
  for (const name of op.startsWith("Reduce") || op === "Pad" ? [] : inputs) {
    const tensor = tensors.get(name);
    if (tensor === undefined) continue;
    if (tensor.shape.reduce((count, size) => count * size, 1) === 1) constants.add((await tensor.read()).data[0]);
    else vectors.add(name);
  }
  return { layers: origin.layers, ops: new Set([...origin.ops, op]), constants, vectors };
}
