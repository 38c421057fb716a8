/**
 * Removes calls from a recorded step: those that nobody reads, and copies into a waiting place that the producer could fill itself.
 * @module
 */
import type { Call } from "../device/kernel.ts";
import type { Storage } from "../device/storage.ts";
import type { ElementwiseArgs } from "../expr/expr.ts";
import { elementwiseKernel } from "../ops/elementwise.ts";
import { isContiguous, sizeOf } from "../shape.ts";

/** True for an elementwise call, whose arguments can be read. */
export function isElementwise(call: Call): call is Call<ElementwiseArgs> {
  return call.kernel === elementwiseKernel;
}

/** True where two storages share memory. */
export function overlaps(a: Storage, b: Storage): boolean {
  return a === b || a.parent === b || b.parent === a;
}

/** True where a call reads or writes any of the storages. */
export function touches(call: Call, storages: readonly Storage[]): boolean {
  return [...call.inputs, ...call.outputs].some((s) => storages.some((t) => overlaps(s, t)));
}

/** True where a call writes any of the storages. */
export function writes(call: Call, storages: readonly Storage[]): boolean {
  return call.outputs.some((s) => storages.some((t) => overlaps(s, t)));
}

/** True for memory of the step alone: virtual, and not part of its result. */
export function isTemporary(storage: Storage, results: ReadonlySet<Storage>): boolean {
  return storage.handle === null && !results.has(storage);
}

/** Drops calls whose results reach neither memory outside the step nor its result. */
export function dropUnused(calls: readonly Call[], results: ReadonlySet<Storage>): Call[] {
  const needed = new Set<Storage>();
  const kept: Call[] = [];
  for (const call of calls.toReversed()) {
    if (!call.outputs.some((s) => !isTemporary(s, results) || needed.has(s))) continue;
    kept.push(call);
    for (const s of call.inputs) needed.add(s);
  }
  return kept.reverse();
}

/** The temporary that a call copies whole and unchanged, or null. */
function copiedTemporary(call: Call, results: ReadonlySet<Storage>): Storage | null {
  if (!isElementwise(call) || call.updates || call.outputs.length !== 1) return null;
  const { shape, inputs, outputs: [{ expr, dtype }] } = call.args;
  if (expr.op !== "input" || expr.dtype !== dtype) return null;
  const { strides, offset } = inputs[expr.index];
  const source = call.inputs[expr.index];
  const whole = offset === 0 && isContiguous(shape, strides) && 4 * sizeOf(shape) === source.bytes;
  return whole && isTemporary(source, results) && call.outputs[0].bytes === source.bytes ? source : null;
}

/** Lets the producer of a copied temporary write to the copy's goal, as a product does into a gradient's slot. */
export function dropCopies(calls: readonly Call[], results: ReadonlySet<Storage>): Call[] {
  const out = [...calls];
  for (let i = 0; i < out.length; i++) {
    const source = copiedTemporary(out[i], results);
    if (source === null) continue;
    const goal = out[i].outputs[0];
    const producers = out.filter((c) => c.outputs.includes(source));
    const readers = out.filter((c) => c.inputs.includes(source));
    const at = out.indexOf(producers[0]);
    // the goal's buffer must not be read by its new writer, nor touched before the copy
    const blocked = out.slice(at + 1, i).some((c) => touches(c, [goal])) ||
      producers[0].inputs.some((s) => s.root === goal.root);
    if (producers.length !== 1 || readers.length !== 1 || producers[0].updates || blocked) continue;
    out[at] = { ...producers[0], outputs: producers[0].outputs.map((s) => (s === source ? goal : s)) };
    out.splice(i--, 1);
  }
  return out;
}
