/**
 * Splits in which the user says what is held out: folds of a table, or utterances by name.
 */
import { nearNames } from "../near_names.ts";
import { quoteSome } from "./quote_some.ts";
import type { Split } from "./split.ts";
import type { SplitTable } from "./split_table.ts";
import type { Utterance } from "./utterances.ts";

/** A split with a part that neither trains nor chooses a model; indices in ascending order. */
export interface HeldOutSplit extends Split {
  /** For testing; empty if there is none. */
  readonly test: number[];
}

/** Options for {@linkcode splitByFolds}. */
export interface FoldOptions {
  /** Fold for validation. */
  readonly validFold: string | number;
  /** Fold for testing; default none. */
  readonly testFold?: string | number;
  /** Names of all classes, for messages, and to notice one without any utterance. */
  readonly classes?: readonly string[];
}

/**
 * Splits by the folds of a table: one fold for validation, maybe one for testing, the others for training.
 *
 * @example
 * ```ts ignore
 * import { openDataSet } from "./data_set.ts";
 * import { readSplitTable } from "./split_table.ts";
 * import { splitByFolds } from "./split_held_out.ts";
 *
 * using data = await openDataSet("Dataset");
 * const { train, valid } = splitByFolds(data.utterances, await readSplitTable("clips.csv"), { validFold: 1 });
 * ```
 * @throws {RangeError} there is no such fold, or both are the same
 * @throws {Error} an utterance is not in the table or not clearly so, a part is empty, or training lacks a class
 */
export function splitByFolds(
  utterances: readonly Pick<Utterance, "id" | "label">[],
  table: SplitTable,
  options: FoldOptions,
): HeldOutSplit {
  const what = `Cannot split by ${JSON.stringify(table.path)}`;
  const validFold = String(options.validFold);
  const testFold = options.testFold === undefined ? undefined : String(options.testFold);
  for (const fold of [validFold, testFold]) if (fold !== undefined) checkFold(what, fold, table.folds);
  if (validFold === testFold) {
    throw new RangeError(`${what}: fold ${validFold} is to be both for validation and for testing`);
  }
  const parts: HeldOutSplit = { train: [], valid: [], test: [] };
  for (const [i, fold] of table.foldsOf(utterances.map(({ id }) => id)).entries()) {
    parts[fold === validFold ? "valid" : fold === testFold ? "test" : "train"].push(i);
  }
  if (parts.valid.length === 0) throw new Error(`${what}: no utterance is in fold ${validFold}`);
  if (testFold !== undefined && parts.test.length === 0) {
    throw new Error(`${what}: no utterance is in fold ${testFold}`);
  }
  if (parts.train.length === 0) throw new Error(`${what}: all utterances are held out, none is left for training`);
  checkClasses(what, utterances, parts, options.classes);
  return parts;
}

function checkFold(what: string, fold: string, folds: readonly string[]): void {
  if (folds.includes(fold)) return;
  if (folds.length === 0) throw new RangeError(`${what}: there is no fold "${fold}", and no other`);
  const [near] = nearNames(fold, folds.filter((name) => !/^\d+$/.test(name)));
  const hint = near === undefined ? `its folds are ${folds.slice(0, 20).join(", ")}` : `did you mean "${near}"?`;
  throw new RangeError(`${what}: there is no fold "${fold}"; ${hint}`);
}

/**
 * Holds out for validation the utterances whose id matches a pattern, for instance all recordings of some words.
 *
 * @param pattern a regular expression, or its source
 * @param options names of all classes, for messages, and to notice one without any utterance
 * @throws {SyntaxError} the pattern does not parse
 * @throws {Error} it matches none or all utterances, or training lacks a class
 */
export function splitByPattern(
  utterances: readonly Pick<Utterance, "id" | "label">[],
  pattern: string | RegExp,
  { classes }: { classes?: readonly string[] } = {},
): HeldOutSplit {
  const { source, flags } = typeof pattern === "string" ? compile(pattern) : pattern;
  const matcher = new RegExp(source, flags.replace(/[gy]/g, "")), what = `Cannot hold out ${matcher}`;
  const parts: HeldOutSplit = { train: [], valid: [], test: [] };
  for (const [i, { id }] of utterances.entries()) parts[matcher.test(id) ? "valid" : "train"].push(i);
  const names = `${utterances.length} utterances (${quoteSome(utterances.map(({ id }) => id))})`;
  if (parts.valid.length === 0) throw new Error(`${what}: it matches none of ${names}`);
  if (parts.train.length === 0) throw new Error(`${what}: it matches all of ${names}, none is left for training`);
  checkClasses(what, utterances, parts, classes);
  return parts;
}

function compile(pattern: string): RegExp {
  try {
    return new RegExp(pattern, "u");
  } catch (cause) {
    throw new SyntaxError(`Cannot hold out "${pattern}": ${(cause as Error).message}`, { cause });
  }
}

/** A class that training never sees could not be told from the others. */
function checkClasses(
  what: string,
  utterances: readonly Pick<Utterance, "id" | "label">[],
  parts: HeldOutSplit,
  classes?: readonly string[],
) {
  const seen = new Set(parts.train.map((i) => utterances[i].label));
  const wanted = new Set([...parts.valid, ...parts.test].map((i) => utterances[i].label).filter((label) => label >= 0));
  const named = classes === undefined ? wanted : wanted.union(new Set(classes.keys()));
  const unseen = [...named.difference(seen)].sort((a, b) => a - b);
  if (unseen.length === 0) return;
  const count = `${unseen.length} of ${named.union(seen).size} classes`;
  throw new Error(
    `${what}: training never sees ${count} (${quoteSome(unseen.map((label) => classes?.[label] ?? `class ${label}`))})`,
  );
}
