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
  /** Only arrays whose names begin so are loaded, by the rest of their names: `"model."`, `"module."`. Default "". */
  prefix?: string;
  /**
   * New names, after the prefix has come off: a table, in which names that stay need not stand, or a function. `null` leaves an array out.
   * Default: names stay.
   */
  rename?: Readonly<Record<string, string | null>> | ((name: string) => string | null);
  /** Refuses missing and extra names. Shapes must agree either way. Default true. */
  strict?: boolean;
  /** Where the arrays come from, for the error message. */
  source?: string;
}

/** Names that did not meet; both empty after a strict load. */
export interface LoadReport {
  /** In the module, not in the arrays: left as they were. */
  readonly missing: readonly string[];
  /** In the arrays, not in the module: not used. Names as they are there, whatever `prefix` and `rename` make of them. */
  readonly extra: readonly string[];
}

/** Names of a list that a message shows. */
const SHOWN = 3;
/** Of the module's own names it shows more, since they tell what to rename to. */
const OWN_SHOWN = 6;

/** An array under the name that the module is to know it by. */
interface Found {
  /** Its name among the arrays. */
  readonly from: string;
  readonly array: StateArray;
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

/** "2 missing (a, b)", with a few names. */
function count(names: readonly string[], what: string): string[] {
  return names.length === 0 ? [] : [`${names.length} ${what} (${some(names, SHOWN)})`];
}

function some(names: readonly string[], most: number): string {
  const shown = names.slice(0, most).map((name) => name.length > 200 ? `${name.slice(0, 200)}…` : name);
  return [...shown, ...(names.length > most ? ["…"] : [])].join(", ");
}

/** The arrays by the names that the module is to know them by. */
function renamed(
  arrays: Readonly<Record<string, StateArray>>,
  { prefix = "", rename = {} }: LoadOptions,
): Map<string, Found> {
  const newName = typeof rename === "function"
    ? rename
    : (name: string) => Object.hasOwn(rename, name) ? rename[name] : name;
  const found = new Map<string, Found>();
  for (const [from, array] of Object.entries(arrays)) {
    const name = from.startsWith(prefix) ? newName(from.slice(prefix.length)) : null;
    if (name === null) continue;
    const before = found.get(name);
    if (before !== undefined) throw new TypeError(`both ${before.from} and ${from} are renamed to ${name}`);
    found.set(name, { from, array });
  }
  if (found.size === 0 && prefix !== "") throw new TypeError(`none of its names begins with "${prefix}"`);
  return found;
}

/** What may help where names miss each other: the prefix that was forgotten, or else the module's own names. */
function hint(missing: readonly string[], extra: readonly string[], own: readonly string[]): string {
  if (missing.length === 0 || extra.length === 0) return "";
  const known = new Set(extra), wanted = missing[0];
  const prefix = extra.find((name) => name.endsWith(`.${wanted}`))?.slice(0, -wanted.length);
  if (prefix !== undefined && missing.every((name) => known.has(prefix + name))) {
    return `; all of these are there behind "${prefix}": give prefix "${prefix}"`;
  }
  return `; its own names are ${some(own, OWN_SHOWN)}`;
}

/** Copies `arrays` into `tensors` by name; see {@linkcode Module.loadStateDict}. */
export function loadState(
  into: string,
  tensors: Readonly<Record<string, Tensor>>,
  arrays: Readonly<Record<string, StateArray>>,
  options: LoadOptions = {},
): LoadReport {
  const { strict = true, source } = options;
  const refuse = (what: string) =>
    new TypeError(
      `Cannot load ${source === undefined ? "the state dict" : JSON.stringify(source)} into ${into}: ${what}`,
    );
  let found;
  try {
    found = renamed(arrays, options);
  } catch (error) {
    throw error instanceof TypeError ? refuse(error.message) : error;
  }
  const own = Object.keys(tensors);
  const missing = own.filter((name) => !found.has(name));
  const extra = [...found].filter(([name]) => !Object.hasOwn(tensors, name)).map(([, { from }]) => from);
  const shared = [...found].filter(([name]) => Object.hasOwn(tensors, name));
  const conflicts = shared.map(([name, { array }]) => conflict(name, tensors[name], array)).filter((text) =>
    text !== ""
  );
  const complaints = [
    ...(strict ? [...count(missing, "missing"), ...count(extra, "extra")] : []),
    ...count(conflicts, conflicts.length === 1 ? "shape conflict" : "shape conflicts"),
  ];
  if (complaints.length > 0) throw refuse(complaints.join(", ") + (strict ? hint(missing, extra, own) : ""));
  for (const [name, { array }] of shared) tensors[name].assign(array.data);
  return { missing, extra };
}
