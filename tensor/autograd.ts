/**
 * The reverse walk: which tensors need gradients, and in which order they get them.
 * @module
 */
import { add, copyInto } from "./ops/mod.ts";
import { apply, input } from "./expr/expr.ts";
import { allocateBeside } from "./memory.ts";
import { sameShape, show } from "./shape.ts";
import { mapElementsInto } from "./ops/elementwise.ts";
import { sumTo } from "./ops/reduce.ts";
import { onesLike } from "./create.ts";
import { Tensor } from "./tensor.ts";

/** Gradients of an op's inputs from the gradient of its output; `null` where `needs` is false or there is none. */
export type Backward = (grad: Tensor, needs: readonly boolean[]) => readonly (Tensor | null)[];

/** How a tensor came to be. */
export interface Node {
  /** Rises with creation, so that descending order is a valid reverse order. */
  readonly id: number;
  readonly name: string;
  readonly inputs: readonly Tensor[];
  /** `null` once it was used and freed. */
  backward: Backward | null;
}

let enabled = true;
let nextId = 0;

/**
 * Runs `body` without recording gradients, as for evaluation or in-place updates of parameters. Synchronous only.
 *
 * @throws TypeError if `body` returns a promise, since the mode could not follow it.
 */
export function noGrad<T>(body: () => T): T {
  const before = enabled;
  enabled = false;
  try {
    const result = body();
    if (result instanceof Promise) throw new TypeError("Cannot await inside noGrad: await before or after it");
    return result;
  } finally {
    enabled = before;
  }
}

/**
 * Runs `body` with gradients recorded, also inside {@linkcode noGrad}.
 *
 * @ignore
 */
export function withGrad<T>(body: () => T): T {
  const before = enabled;
  enabled = true;
  try {
    return body();
  } finally {
    enabled = before;
  }
}

/**
 * The number that the next node gets: nodes from it on are made from now on.
 *
 * @ignore
 */
export function nextNode(): number {
  return nextId;
}

/** True outside {@linkcode noGrad}. */
export function isGradEnabled(): boolean {
  return enabled;
}

/** Notes how `output` was made, if a gradient may be wanted. */
export function track(name: string, inputs: readonly Tensor[], output: Tensor, backward: Backward): Tensor {
  if (enabled && inputs.some((t) => t.requiresGrad)) {
    output.requiresGrad = true;
    output.node = { id: nextId++, name, inputs, backward };
  }
  return output;
}

/** The node of a tensor that a walk goes on from: null at leaves, and at what was made before node `first`. */
function nodeOf({ node }: Tensor, first: number): Node | null {
  return node === null || node.id < first ? null : node;
}

/** Every node from `first` on that `root` came from, latest first. */
function history(root: Tensor, first: number): { tensor: Tensor; node: Node }[] {
  const found = new Map<Node, Tensor>();
  const stack = [root];
  for (let tensor = stack.pop(); tensor !== undefined; tensor = stack.pop()) {
    const node = nodeOf(tensor, first);
    if (node === null || found.has(node)) continue;
    found.set(node, tensor);
    stack.push(...node.inputs);
  }
  return [...found].map(([node, tensor]) => ({ tensor, node })).sort((a, b) => b.node.id - a.node.id);
}

/**
 * What `root` was made of by the nodes from `first` on: tensors that were there before and want a gradient.
 *
 * @ignore
 */
export function originsOf(root: Tensor, first: number): Tensor[] {
  const inputs = [root, ...history(root, first).flatMap(({ node }) => node.inputs)];
  return [...new Set(inputs)].filter((t) => t.requiresGrad && nodeOf(t, first) === null);
}

/**
 * The gradients of {@linkcode originsOf} a tensor, for its own gradient; its nodes are used up. For ops: nothing is added to `grad`.
 *
 * @ignore
 */
export function gradientsOf(root: Tensor, first: number, gradient: Tensor): Map<Tensor, Tensor> {
  const found = new Map<Tensor, Tensor>();
  const arrive = (t: Tensor, grad: Tensor) => addTo(found, t, grad);
  noGrad(() => walk(root, gradient, { first, retainGraph: false, arrive }));
  return found;
}

function addTo(grads: Map<Tensor, Tensor>, tensor: Tensor, grad: Tensor): void {
  const before = grads.get(tensor);
  grads.set(tensor, before === undefined ? grad : add(before, grad));
}

const SUM = apply("add", [input(0), input(1)]);

/** Adds `grad` to a leaf's gradient, writing it straight into the place that an optimizer set aside for it. */
function accumulateLeaf(leaf: Tensor, grad: Tensor): void {
  if (leaf.grad === null) {
    if (leaf.gradSlot?.storage.freed) leaf.gradSlot = null; // by `grad.dispose()`
    leaf.grad = leaf.gradSlot ??= new Tensor(allocateBeside(leaf.storage, 4 * leaf.size), leaf.shape, "float32");
    copyInto(leaf.grad, grad);
  } else {
    mapElementsInto([leaf.grad], [SUM], [leaf.grad, grad], { label: "accumulate" });
  }
}

/** Options of {@linkcode Tensor.backward}. */
export interface BackwardOptions {
  /** Gradient of the tensor itself; needed unless it has one element, whose gradient is 1. */
  gradient?: Tensor;
  /** Keeps the graph, so that backward can run through it again. Default false. */
  retainGraph?: boolean;
}

/** See {@linkcode Tensor.backward}. */
export function backward(root: Tensor, { gradient, retainGraph = false }: BackwardOptions = {}): void {
  if (!root.requiresGrad) {
    throw new Error("Cannot run backward: the tensor depends on nothing that requires a gradient");
  }
  if (gradient === undefined && root.size !== 1) {
    throw new TypeError(
      `Cannot run backward from ${show(root.shape)} without a gradient: reduce to one element or pass { gradient }`,
    );
  }
  if (gradient !== undefined && !sameShape(gradient.shape, root.shape)) {
    throw new TypeError(`Cannot run backward from ${show(root.shape)} with a gradient of ${show(gradient.shape)}`);
  }
  noGrad(() => {
    walk(root, gradient ?? onesLike(root), { first: 0, retainGraph, arrive: accumulateLeaf });
  });
}

interface Walk {
  /** The walk stays among the nodes from this one on. */
  readonly first: number;
  readonly retainGraph: boolean;
  /** Takes a gradient of a tensor where the walk ends; one that is used several times gets several. */
  readonly arrive: (tensor: Tensor, grad: Tensor) => void;
}

/** The reverse walk from `root`. */
function walk(root: Tensor, gradient: Tensor, { first, retainGraph, arrive }: Walk): void {
  if (nodeOf(root, first) === null) return arrive(root, gradient);
  const grads = new Map<Tensor, Tensor>([[root, gradient]]);
  for (const { tensor, node } of history(root, first)) {
    const grad = grads.get(tensor);
    grads.delete(tensor);
    if (grad !== undefined) {
      step(node, grad, (t, g) => nodeOf(t, first) === null ? arrive(t, g) : addTo(grads, t, g));
    }
    if (!retainGraph) node.backward = null;
  }
}

/** One node of the walk: hands the output's gradient to the inputs. */
function step(node: Node, grad: Tensor, give: Walk["arrive"]): void {
  if (node.backward === null) {
    throw new Error(
      `Cannot run backward twice through the same ${node.name}: pass { retainGraph: true } the first time`,
    );
  }
  const needs = node.inputs.map((t) => t.requiresGrad);
  const inputGrads = node.backward(grad, needs);
  node.inputs.forEach((tensor, i) => {
    const given = inputGrads[i];
    if (!needs[i] || given === null || given === undefined) return;
    const fitted = sumTo(given, tensor.shape); // undoes broadcasting, for every op, here and nowhere else
    give(tensor, fitted);
  });
}
