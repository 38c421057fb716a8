/** One key that a search varies, read from text: `lr=1e-3,5e-4` or `lr=1e-4..1e-2`. @module */
import type { Random } from "../../data/random.ts";
import type { Field } from "../fields.ts";
import { nameHint } from "../name_hint.ts";
import type { TrainConfig } from "../train_config.ts";
import { trainFields } from "../train_fields.ts";

/** What a key of a config may hold. */
export type Value = TrainConfig[keyof TrainConfig];

/** A key with the values that it takes. */
export interface Choices {
  readonly key: SearchKey;
  readonly values: readonly Value[];
}

/** A key with the range that it is drawn from. */
export interface Range {
  readonly key: SearchKey;
  readonly low: number;
  readonly high: number;
  /** Whether only whole numbers will do. */
  readonly whole: boolean;
  /** Whether draws are uniform in the logarithm. */
  readonly log: boolean;
}

/** One key that a search varies. */
export type Axis = Choices | Range;

/** Keys that a search may vary. */
export type SearchKey = Exclude<keyof TrainConfig, "recipe" | "out" | "device">;

/** Keys that it may not, and why. */
const notSearched: Readonly<Record<string, string>> = {
  recipe: "a search is about one recipe",
  out: "each trial has a folder of its own",
  device: "both devices give the same numbers",
};

/** Significant digits of a drawn number, so that a trial can be repeated from what a table says of it. */
const DIGITS = 4;

/**
 * `key=a,b,c`, the key in camelCase or as a flag. Values with commas in them (lists) are separated by `;`.
 *
 * @throws {SyntaxError} Where the text has another form, or there is no such key; near ones are named.
 * @throws {RangeError} Where a value is none for this key or stands there twice, or the key may not be searched over.
 *
 * @example
 * ```ts
 * import { parseChoices } from "./axis.ts";
 *
 * parseChoices("d-model=80,160"); // { key: "dModel", values: [80, 160] }
 * parseChoices("betas=0.9,0.999;0.8,0.99").values.length; // 2
 * ```
 */
export function parseChoices(text: string): Choices {
  const { key, field, rest } = splitKey(text);
  return choicesOf(key, field, rest);
}

/**
 * `key=low..high`, or `key=a,b,c` of which each draw takes one. Draws are uniform; log-uniform where the range is positive
 * and spans more than a decade.
 *
 * @throws {SyntaxError} As {@linkcode parseChoices}.
 * @throws {RangeError} As {@linkcode parseChoices}; or where a range is empty.
 */
export function parseAxis(text: string): Axis {
  const { key, field, rest } = splitKey(text);
  const ends = rest.split("..");
  if (ends.length !== 2) return choicesOf(key, field, rest);
  const [low, high] = ends.map((end) => field.parse(end));
  if (typeof low !== "number" || typeof high !== "number") {
    const wrong = ends[typeof low === "number" ? 1 : 0];
    throw new RangeError(`Cannot search over ${key} from "${wrong}": expected ${field.expects}`);
  }
  if (!(low < high)) throw new RangeError(`Cannot search over ${key} from ${low} to ${high}: the range is empty`);
  // A key is of whole numbers if it refuses what lies between two of them.
  const whole = Number.isInteger(low) && Number.isInteger(high) && field.check(low + 0.5) === undefined;
  return { key, low, high, whole, log: spansDecades(low, high) };
}

/** Whether numbers up to `high` are best seen, and drawn, by their logarithm: positive, and more than a decade apart. */
export function spansDecades(low: number, high: number): boolean {
  return low > 0 && high / low > 10 * (1 + 1e-9); // 1e-3 / 1e-4 is a hair above 10
}

/** Draws a value. */
export function draw(axis: Axis, random: Random): Value {
  if ("values" in axis) return axis.values[random.below(axis.values.length)];
  const { low, high, whole, log } = axis;
  const end = whole ? high + 1 : high; // each whole number has the interval up to the next one
  const u = random.uniform();
  const x = log ? low * (end / low) ** u : low + (end - low) * u;
  const rounded = whole ? Math.floor(x) : Number(x.toPrecision(DIGITS));
  return Math.min(high, Math.max(low, rounded));
}

/** How a value is shown, and could be typed: lists with commas. */
export function valueText(value: unknown): string {
  return Array.isArray(value) ? value.join(",") : String(value);
}

/** An axis as it could be typed. */
export function axisText(axis: Axis): string {
  if (!("values" in axis)) return `${axis.key}=${axis.low}..${axis.high}`;
  return `${axis.key}=${axis.values.map(valueText).join(axis.values.some(Array.isArray) ? ";" : ",")}`;
}

/** The axis that a value from a file is; `undefined` where it is none. */
export function axisFrom(value: unknown): Axis | undefined {
  const { key, values, low, high, whole, log } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof key !== "string" || !Object.hasOwn(trainFields, key) || Object.hasOwn(notSearched, key)) return undefined;
  const field = (trainFields as Record<string, Field<unknown>>)[key];
  const fits = (value: unknown) => field.check(value) !== undefined;
  const own = key as SearchKey;
  if (Array.isArray(values)) return values.length > 0 && values.every(fits) ? { key: own, values } : undefined;
  if (typeof low !== "number" || typeof high !== "number" || !fits(low) || !fits(high) || low >= high) return undefined;
  return typeof whole === "boolean" && typeof log === "boolean" ? { key: own, low, high, whole, log } : undefined;
}

function splitKey(text: string): { key: SearchKey; field: Field<unknown>; rest: string } {
  const at = text.indexOf("=");
  if (at < 1) throw new SyntaxError(`Cannot search over "${text}": expected a key with values, as in lr=1e-3,5e-4`);
  const name = text.slice(0, at).trim();
  const key = name.replace(/^-+/, "").replaceAll(/-([a-z0-9])/g, (_, letter) => letter.toUpperCase());
  if (Object.hasOwn(notSearched, key)) throw new RangeError(`Cannot search over ${key}: ${notSearched[key]}`);
  if (!Object.hasOwn(trainFields, key)) {
    const known = Object.keys(trainFields).filter((key) => !Object.hasOwn(notSearched, key));
    throw new SyntaxError(`Cannot search over "${name}": there is no such key; ${nameHint(name, known)}`);
  }
  const field = (trainFields as Record<string, Field<unknown>>)[key];
  return { key: key as SearchKey, field, rest: text.slice(at + 1) };
}

function choicesOf(key: SearchKey, field: Field<unknown>, text: string): Choices {
  const holdsLists = Array.isArray(field.parse("")) || Array.isArray(field.parse("0,0"));
  const parts = text.split(holdsLists || text.includes(";") ? ";" : ",").map((part) => part.trim());
  const values = parts.map((part) => {
    const value = field.parse(part);
    if (value !== undefined) return value as Value;
    const remedy = part.includes("..") ? "; a range goes with --random" : "";
    throw new RangeError(`Cannot search over ${key} with "${part}": expected ${field.expects}${remedy}`);
  });
  const twice = values.find((value, i) => values.findIndex((other) => same(value, other)) < i);
  if (twice !== undefined) throw new RangeError(`Cannot search over ${key}: ${valueText(twice)} stands there twice`);
  return { key, values };
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
