/**
 * Loading weights by name: all complaints in one message, and nothing changed where there are any.
 * @module
 */
import { sameShape, show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/mod.ts";

/** An array as files hold it: row-major values and their shape. */
export interface StateArray {
  /** Sizes of the axes, outermost first. */
  readonly shape: readonly number[];
  /** Values, row-major. */
  readonly data: Float32Array | Int32Array;
}

/** Options of {@linkcode Module.loadStateDict}. */
export interface LoadOptions {
  /** Refuses missing and extra names. Shapes must agree either way. Default true. */
  strict?: boolean;
  /** Where the arrays come from, for the error message. */
  source?: string;
}

/** Names that did not meet; both empty after a strict load. */
export interface LoadReport {
  /** In the module, not in the arrays: left as they were. */
  readonly missing: readonly string[];
  /** In the arrays, not in the module: not used. */
  readonly extra: readonly string[];
}

/** Why an array cannot be copied into a tensor, or "". */
function conflict(name: string, { shape, dtype, size }: Tensor, array: StateArray): string {
  if (!sameShape(shape, array.shape)) {
    return `${name} is ${show(array.shape)}, wanted ${show(shape)}`;
  }
  if (array.data.length !== size) return `${name} holds ${array.data.length} numbers, wanted ${size}`;
  const found = array.data instanceof Float32Array ? "float32" : "int32";
  return found === dtype ? "" : `${name} is ${found}, wanted ${dtype}`;
}

/** "2 missing (a, b)", with at most three names. */
function count(names: readonly string[], what: string): string[] {
  if (names.length === 0) return [];
  return [`${names.length} ${what} (${names.slice(0, 3).join(", ")}${names.length > 3 ? ", …" : ""})`];
}

/** Copies `arrays` into `tensors` by name; see {@linkcode Module.loadStateDict}. */
export function loadState(
  into: string,
  tensors: Readonly<Record<string, Tensor>>,
  arrays: Readonly<Record<string, StateArray>>,
  { strict = true, source }: LoadOptions = {},
): LoadReport {
  const missing = Object.keys(tensors).filter((name) => !Object.hasOwn(arrays, name));
  const extra = Object.keys(arrays).filter((name) => !Object.hasOwn(tensors, name));
  const shared = Object.keys(tensors).filter((name) => Object.hasOwn(arrays, name));
  const conflicts = shared.map((name) => conflict(name, tensors[name], arrays[name])).filter((text) => text !== "");
  const complaints = [
    ...(strict ? [...count(missing, "missing"), ...count(extra, "extra")] : []),
    ...count(conflicts, conflicts.length === 1 ? "shape conflict" : "shape conflicts"),
  ];
  if (complaints.length > 0) {
    const what = source === undefined ? "the state dict" : JSON.stringify(source);
    throw new TypeError(`Cannot load ${what} into ${into}: ${complaints.join(", ")}`);
  }
  for (const name of shared) tensors[name].assign(arrays[name].data);
  return { missing, extra };
}
