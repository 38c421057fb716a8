/**
 * Fuses elementwise neighbours of a recorded step into one kernel, by putting one's expression in place of the other's input.
 * @module
 */
import type { Call } from "../device/kernel.ts";
import type { Storage } from "../device/storage.ts";
import { type ElementwiseArgs, type ElementwiseInput, type Expr, mapLeaves, walk } from "../expr/expr.ts";
import { noteSharing } from "../ops/elementwise.ts";
import { collapse, contiguousStrides, isContiguous, sizeOf } from "../shape.ts";
import { isElementwise, isTemporary, touches, writes } from "./simplify.ts";

type Elementwise = Call<ElementwiseArgs>;

/** Storage bindings that WebGPU promises for a kernel. */
const MOST_BINDINGS = 8;

/** The coarsest shape that both shapes split into evenly, or null: [6, 4] and [2, 12] give [2, 3, 4]. */
function commonShape(a: readonly number[], b: readonly number[]): number[] | null {
  const out: number[] = [];
  const [left, right] = [[...a], [...b]];
  while (left.length > 0 && right.length > 0) {
    const [x, y] = [left.pop()!, right.pop()!];
    const [small, large] = x < y ? [x, y] : [y, x];
    if (large % small !== 0) return null;
    out.unshift(small);
    if (large > small) (x < y ? right : left).push(large / small);
  }
  return [...left, ...right, ...out];
}

/** Strides over `shape` split to the finer `target`. */
function splitStrides(shape: readonly number[], strides: readonly number[], target: readonly number[]): number[] {
  const out = new Array<number>(target.length);
  let axis = shape.length - 1;
  for (let t = target.length - 1, within = 1; t >= 0; t--) {
    out[t] = axis < 0 ? 0 : strides[axis] * within;
    within *= target[t];
    if (axis >= 0 && within === shape[axis]) [axis, within] = [axis - 1, 1];
  }
  return out;
}

/** True for an expression without inputs, which has the same value everywhere. */
function isConstant({ args }: Elementwise): boolean {
  let constant = true;
  walk(args.outputs.map((o) => o.expr), (e) => (constant &&= e.op !== "input" && e.op !== "random"));
  return constant;
}

/** Number of the consumer's input that is all of the producer's output, place by place; -1 if there is none. */
function matchingInput(producer: Elementwise, consumer: Elementwise): number {
  return consumer.inputs.findIndex((storage, i) => {
    const output = producer.outputs.indexOf(storage);
    if (output < 0) return false;
    if (isConstant(producer)) return true;
    const { offset, strides } = consumer.args.inputs[i];
    const { shape } = consumer.args;
    return offset === producer.args.outputs[output].offset && isContiguous(shape, strides) &&
      sizeOf(shape) === sizeOf(producer.args.shape);
  });
}

/** A fused kernel under construction: inputs and scalars of both, without repetition. */
class Merge {
  readonly storages: Storage[] = [];
  readonly inputs: ElementwiseInput[] = [];
  readonly scalars: number[] = [];
  readonly counters: number[] = [];

  #addInput(storage: Storage, view: ElementwiseInput): number {
    const same = this.inputs.findIndex((v, i) =>
      this.storages[i] === storage && v.offset === view.offset && v.inPlace === view.inPlace &&
      String(v.strides) === String(view.strides)
    );
    if (same >= 0) return same;
    this.storages.push(storage);
    return this.inputs.push(view) - 1;
  }

  /** Takes over a call's expressions over `shape`; `replace` may give another expression for an input. */
  take(
    call: Elementwise,
    shape: readonly number[],
    outputShift: number,
    replace: (input: number) => Expr | null,
  ): Expr[] {
    const { args } = call;
    const [scalarStart, counterStart] = [this.scalars.length, this.counters.length];
    this.scalars.push(...args.scalars);
    this.counters.push(...args.counters);
    const place = (i: number): number => {
      const view = args.inputs[i];
      const inPlace = view.inPlace === undefined ? {} : { inPlace: view.inPlace + outputShift };
      return this.#addInput(call.inputs[i], {
        ...view,
        ...inPlace,
        strides: splitStrides(args.shape, view.strides, shape),
      });
    };
    return mapLeaves(args.outputs.map((o) => o.expr), (leaf) => {
      if (leaf.op === "input") return replace(leaf.index) ?? { ...leaf, index: place(leaf.index) };
      if (leaf.op === "scalar") return { ...leaf, index: leaf.index + scalarStart };
      if (leaf.op === "random") return { ...leaf, state: place(leaf.state), counter: leaf.counter + counterStart };
      return leaf;
    });
  }
}

/** One call that does the work of both, or null where they do not fit together. `isNeeded` says which of the producer's outputs stay. */
function merge(producer: Elementwise, consumer: Elementwise, isNeeded: (s: Storage) => boolean): Elementwise | null {
  if (matchingInput(producer, consumer) < 0) return null;
  const constant = isConstant(producer);
  const shape = constant ? consumer.args.shape : commonShape(producer.args.shape, consumer.args.shape);
  if (shape === null) return null;
  const merged = new Merge();
  const stays = producer.outputs.map(isNeeded);
  if (constant && stays.some(Boolean)) return null;
  const shift = consumer.outputs.length;
  const produced = merged.take(producer, shape, shift, () => null);
  // every input of the consumer that reads the producer must be replaced, or its memory would be read before it is written
  let misfit = false;
  const expressions = merged.take(consumer, shape, 0, (i) => {
    const output = producer.outputs.indexOf(consumer.inputs[i]);
    if (output < 0) return null;
    const { offset, strides } = consumer.args.inputs[i];
    misfit ||= !constant &&
      !(offset === producer.args.outputs[output].offset && isContiguous(consumer.args.shape, strides));
    return produced[output];
  });
  const outputs = [
    ...consumer.args.outputs.map((o, i) => ({ ...o, expr: expressions[i] })),
    ...producer.args.outputs.map((o, i) => ({ ...o, expr: produced[i] })).filter((_, i) => stays[i]),
  ];
  const targets = [...consumer.outputs, ...producer.outputs.filter((_, i) => stays[i])];
  const inPlace = (view: ElementwiseInput, target: number) =>
    view.offset === outputs[target].offset && isContiguous(shape, view.strides);
  const clash = merged.storages.some((s, i) =>
    targets.some((t, k) => s.root === t.root && !(s === t && inPlace(merged.inputs[i], k)))
  );
  const bindings = new Set([...merged.storages, ...targets]).size;
  if (misfit || clash || bindings > MOST_BINDINGS || new Set(targets).size < targets.length) return null;
  const packed = collapse(shape, [...merged.inputs.map((v) => v.strides), contiguousStrides(shape)]);
  const views = merged.inputs.map((v, i) => ({ ...v, strides: packed.operands[i] }));
  const inputs = noteSharing(views, merged.storages, targets);
  const args: ElementwiseArgs = {
    shape: packed.shape,
    inputs,
    outputs,
    scalars: merged.scalars,
    counters: merged.counters,
  };
  const label = `${producer.label ?? "elementwise"} + ${consumer.label ?? "elementwise"}`;
  return {
    kernel: consumer.kernel,
    args,
    inputs: merged.storages,
    outputs: targets,
    updates: producer.updates || consumer.updates,
    ...(producer.rerun === undefined ? {} : { rerun: producer.rerun }),
    label,
  };
}

/** True where `call` may move across `between` (in either direction). */
function mayCross(call: Call, between: readonly Call[]): boolean {
  return between.every((other) => !touches(other, call.outputs) && !writes(other, call.inputs));
}

/** Tries to fuse the producer at i with the consumer at j, at either place; returns true if it did. */
function tryFuse(calls: Call[], i: number, j: number, results: ReadonlySet<Storage>): boolean {
  const [producer, consumer] = [calls[i], calls[j]];
  if (!isElementwise(producer) || !isElementwise(consumer)) return false;
  // computed before its time, what a checkpoint computes again would have to be kept after all
  if ((consumer.rerun ?? 0) > (producer.rerun ?? 0)) return false;
  const isNeeded = (s: Storage) =>
    !isTemporary(s, results) || calls.some((c, k) => k !== i && k !== j && c.inputs.includes(s));
  const writtenOnce = producer.outputs.every((s) =>
    !isTemporary(s, results) || calls.filter((c) => c.outputs.includes(s)).length === 1
  );
  if (!writtenOnce || !consumer.inputs.some((s) => producer.outputs.includes(s))) return false;
  const between = calls.slice(i + 1, j);
  const sinks = mayCross(producer, between);
  if (!sinks && !mayCross(consumer, between)) return false;
  const fused = merge(producer, consumer, isNeeded);
  if (fused === null) return false;
  calls[sinks ? j : i] = fused as Call;
  calls.splice(sinks ? i : j, 1);
  return true;
}

/** Fuses until nothing more fits. */
export function fuse(recorded: readonly Call[], results: ReadonlySet<Storage>): Call[] {
  const calls = [...recorded];
  for (let j = 0; j < calls.length; j++) {
    for (let i = j - 1; i >= 0; i--) {
      if (!tryFuse(calls, i, j, results)) continue;
      j = Math.max(-1, i - 1); // look again from the fused call on
      break;
    }
  }
  return calls;
}
