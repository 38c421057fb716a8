/**
 * Kinds of settings: what a value has to be, how it is written on a command line, and how it is described. Recipes and
 * the flags of all tasks are made of these.
 * @module
 */

/** One setting with values of type T. */
export interface Field<T> {
  /** What it does, in a few words, for `--help`. */
  readonly help: string;
  /** What is accepted, as errors say it: "a whole number of at least 1". */
  readonly expects: string;
  /** Stands for the value in `--help`, such as `N`; empty where the flag alone says it all (`--norm-first`). */
  readonly placeholder: string;
  /** The value, where one read from a file is acceptable; else `undefined`. */
  check(value: unknown): T | undefined;
  /** The value that a command line's text means; `undefined` where it means none. */
  parse(text: string): T | undefined;
}

/** Bounds of a number, each inclusive but for `above` and `below`. */
export interface Bounds {
  /** At least this. */
  readonly min?: number;
  /** At most this. */
  readonly max?: number;
  /** More than this. */
  readonly above?: number;
  /** Less than this. */
  readonly below?: number;
}

/** A whole number within bounds. */
export function integer(help: string, bounds: Bounds = {}): Field<number> {
  const accept = (x: unknown) => typeof x === "number" && Number.isSafeInteger(x) && within(x, bounds) ? x : undefined;
  const expects = `a whole number${boundsText(bounds)}`;
  return { help, expects, placeholder: "N", check: accept, parse: (text) => accept(numberOf(text)) };
}

/** A finite number within bounds. */
export function number(help: string, bounds: Bounds = {}): Field<number> {
  const accept = (x: unknown) => typeof x === "number" && Number.isFinite(x) && within(x, bounds) ? x : undefined;
  const expects = `a number${boundsText(bounds)}`;
  return { help, expects, placeholder: "X", check: accept, parse: (text) => accept(numberOf(text)) };
}

/** A list of numbers within bounds, on the command line with commas: `0.9,0.999`. */
export function numbers(help: string, options: Bounds & { length?: number } = {}): Field<readonly number[]> {
  const { length } = options;
  const accept = (x: unknown) => {
    if (!Array.isArray(x) || (length !== undefined && x.length !== length)) return undefined;
    return x.every((v) => typeof v === "number" && Number.isFinite(v) && within(v, options))
      ? x as number[]
      : undefined;
  };
  const count = length === undefined ? "numbers" : `${length} numbers`;
  return {
    help,
    expects: `${count}${boundsText(options, ", each")}, separated by commas`,
    placeholder: "X,X",
    check: accept,
    parse: (text) => accept(text.trim() === "" ? [] : text.split(",").map(numberOf)),
  };
}

/** A list of at most `most` whole numbers within bounds, on the command line with commas: `512,512,1536`. */
export function integers(help: string, { most, ...bounds }: Bounds & { most: number }): Field<readonly number[]> {
  const field = numbers(help, bounds);
  const whole = (list: readonly number[] = [NaN]) =>
    list.length <= most && list.every(Number.isSafeInteger) ? list : undefined;
  return {
    ...field,
    expects: field.expects.replace("numbers", `up to ${most} whole numbers`),
    placeholder: "N,N",
    check: (value) => whole(field.check(value)),
    parse: (text) => whole(field.parse(text)),
  };
}

/** Some text; not empty unless `empty` is set. */
export function text(help: string, options: { placeholder?: string; empty?: boolean } = {}): Field<string> {
  const accept = (x: unknown) => typeof x === "string" && (options.empty || x !== "") ? x : undefined;
  return {
    help,
    expects: options.empty ? "text" : "text that is not empty",
    placeholder: options.placeholder ?? "TEXT",
    check: accept,
    parse: accept,
  };
}

/** A list of texts, none of them empty, on the command line with commas: `encoder.*,*.bias`. */
export function texts(help: string, options: { placeholder?: string } = {}): Field<readonly string[]> {
  const accept = (x: unknown) =>
    Array.isArray(x) && x.every((v) => typeof v === "string" && v.trim() !== "") ? x as string[] : undefined;
  return {
    help,
    expects: "texts separated by commas, none of them empty",
    placeholder: options.placeholder ?? "TEXT,TEXT",
    check: accept,
    parse: (text) => accept(text.trim() === "" ? [] : text.split(",").map((part) => part.trim())),
  };
}

/** One of several words. */
export function choice<const T extends string>(help: string, choices: readonly T[]): Field<T> {
  const accept = (x: unknown) => choices.find((c) => c === x);
  const expects = `one of ${choices.map((c) => `"${c}"`).join(", ")}`;
  return { help, expects, placeholder: choices.join("|"), check: accept, parse: accept };
}

/** Yes or no: `--norm-first` and `--no-norm-first`. */
export function flag(help: string): Field<boolean> {
  return {
    help,
    expects: "true or false",
    placeholder: "",
    check: (x) => typeof x === "boolean" ? x : undefined,
    parse: (x) => x === "true" ? true : x === "false" ? false : undefined,
  };
}

/** `totalSteps` → `--total-steps`. */
export function flagOf(key: string): string {
  return "--" + key.replaceAll(/[A-Z]/g, (letter) => "-" + letter.toLowerCase());
}

function numberOf(text: string): number {
  return text.trim() === "" ? NaN : Number(text);
}

function within(x: number, { min, max, above, below }: Bounds): boolean {
  return !(x < (min ?? -Infinity) || x > (max ?? Infinity) || x <= (above ?? -Infinity) || x >= (below ?? Infinity));
}

function boundsText({ min, max, above, below }: Bounds, lead?: string): string {
  const low = min !== undefined ? `at least ${min}` : above !== undefined ? `above ${above}` : "";
  const high = max !== undefined ? `at most ${max}` : below !== undefined ? `below ${below}` : "";
  const both = [low, high].filter(Boolean).join(" and ");
  if (both === "") return "";
  return `${lead ?? (both.startsWith("at") ? " of" : "")} ${both}`;
}
