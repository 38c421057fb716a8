/** Finding a model's weights in a state dict whose names may have something before them. @module */
import type { ArrayDict } from "../../data/files/mod.ts";
import type { InitialModel } from "./initial_model.ts";

/** The arrays of a state dict by the model's names. */
export interface Matched {
  readonly arrays: ArrayDict;
  /** Names of the model's body that are not there. */
  readonly missing: readonly string[];
  /** Names that the model does not have, without what was taken off. */
  readonly extra: readonly string[];
}

/** What stands before a name in the file, where the model has something else: `module.` for ``. */
interface Prefixes {
  readonly theirs: string;
  readonly ours: string;
}

/**
 * The arrays by the model's names. What stands before all names of one side, as `module.`, `state_dict.model.` or `encoder.`, is taken off
 * so that as many names as possible meet.
 *
 * @param names `body` has to be there for the most part, the rest need not
 * @throws {RangeError} Where less than half of the body is there.
 */
export function matchNames({ path, arrays }: InitialModel, names: {
  readonly body: readonly string[];
  readonly all: readonly string[];
}): Matched {
  const { theirs, ours } = commonPrefixes(Object.keys(arrays), names.body);
  const own = new Set(names.all);
  const found: ArrayDict = {}, extra: string[] = [];
  for (const [name, array] of Object.entries(arrays)) {
    const renamed = name.startsWith(theirs) ? ours + name.slice(theirs.length) : name;
    if (own.has(renamed)) found[renamed] = array;
    else extra.push(renamed);
  }
  const missing = names.body.filter((name) => !Object.hasOwn(found, name) && !name.endsWith("num_batches_tracked"));
  if (2 * missing.length > names.body.length) {
    throw new RangeError(
      `Cannot start from "${path}": of the model's ${names.body.length} weights it has ${
        names.body.length - missing.length
      }; ` +
        `it has ${list(Object.keys(arrays))}, the model ${
          list(names.body)
        }; another toolkit's model becomes one of ours by deno task import`,
    );
  }
  return { arrays: found, missing, extra };
}

function list(names: readonly string[]): string {
  return names.length === 0
    ? "none"
    : `${names.slice(0, 2).map((name) => `"${name}"`).join(", ")}${names.length > 2 ? ", …" : ""}`;
}

/** What to take off, and to put there, so that most names meet. */
function commonPrefixes(theirs: readonly string[], ours: readonly string[]): Prefixes {
  const bySuffix = new Map<string, string[]>();
  for (const name of ours) {
    for (const [prefix, rest] of splits(name)) bySuffix.set(rest, [...(bySuffix.get(rest) ?? []), prefix]);
  }
  const counts = new Map<string, { prefixes: Prefixes; count: number }>();
  for (const name of theirs) {
    for (const [prefix, rest] of splits(name)) {
      for (const other of bySuffix.get(rest) ?? []) {
        const key = `${prefix} ${other}`;
        const before = counts.get(key) ?? { prefixes: { theirs: prefix, ours: other }, count: 0 };
        counts.set(key, { ...before, count: before.count + 1 });
      }
    }
  }
  const none = { prefixes: { theirs: "", ours: "" }, count: counts.get(" ")?.count ?? 0 };
  const best = [...counts.values()].reduce((a, b) => b.count > a.count ? b : a, none);
  return (2 * best.count < ours.length ? none : best).prefixes; // a few short names meet by chance
}

/** Parts of a name that may be taken off: no state dict nests deeper, and a file may be made to. */
const DEEPEST = 12;

/** `a.b.c` as nothing and itself, `a.` and `b.c`, `a.b.` and `c`. */
function splits(name: string): [string, string][] {
  const parts = name.split(".");
  return parts.slice(0, DEEPEST).map((
    _,
    i,
  ) => [parts.slice(0, i).map((part) => `${part}.`).join(""), parts.slice(i).join(".")]);
}
