/** Hugging Face's config.json of an encoder of speech as options of ours. @module */
import type { ArrayDict } from "../../data/files/mod.ts";

type Json = Readonly<Record<string, unknown>>;

/** `hidden_size` for `hiddenSize`. */
export function snakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Keys that Hugging Face calls otherwise than by our name in snake_case. */
const special: ReadonlyMap<string, string> = new Map([["convBias", "conv_bias"]]);

/**
 * Options of the kinds that `defaults` has, each from the key of its name in snake_case, else its default.
 *
 * @throws {RangeError} A value is of another kind.
 */
export function optionsFrom<C extends object>(json: Json, defaults: C, file: string): C {
  const entries = Object.entries(defaults).map(([key, fallback]) => {
    const name = special.get(key) ?? snakeCase(key);
    const value = Object.hasOwn(json, name) ? json[name] : undefined;
    if (value === undefined || value === null) return [key, fallback];
    if (isLike(value, fallback)) return [key, value];
    throw new RangeError(`Cannot import "${file}": ${name} is ${JSON.stringify(value)}, expected ${kindOf(fallback)}`);
  });
  return Object.fromEntries(entries);
}

function isLike(value: unknown, example: unknown): boolean {
  if (Array.isArray(example)) {
    return Array.isArray(value) && value.length <= 64 && value.every((n) => Number.isSafeInteger(n));
  }
  return typeof value === typeof example && (typeof value !== "number" || Number.isFinite(value));
}

function kindOf(example: unknown): string {
  return Array.isArray(example)
    ? "a list of whole numbers"
    : typeof example === "boolean"
    ? "true or false"
    : `a ${typeof example}`;
}

/**
 * Looks at keys for which our modules have one value only.
 *
 * @throws {RangeError} One has another.
 */
export function requireKeys(json: Json, wanted: Readonly<Record<string, unknown>>, file: string): void {
  for (const [key, value] of Object.entries(wanted)) {
    if (!Object.hasOwn(json, key) || json[key] === value) continue;
    throw new RangeError(
      `Cannot import "${file}": ${key} is ${JSON.stringify(json[key])}, and voxgrad has ${JSON.stringify(value)} only`,
    );
  }
}

/** A size that a config states, and the axis of a weight that has it. */
export type SizeClaim = readonly [key: string, value: number, weight: string, axis: number];

/**
 * Compares sizes with shapes, so that none is believed that the weights do not bear out: a model is built only of sizes that its file has.
 *
 * @throws {RangeError} A weight is missing or has another size.
 */
export function checkSizes(claims: readonly SizeClaim[], { arrays, config, weights }: {
  readonly arrays: Readonly<ArrayDict>;
  /** Path of the config. */
  readonly config: string;
  /** Path of the weights. */
  readonly weights: string;
}): void {
  for (const [key, value, weight, axis] of claims) {
    if (!Object.hasOwn(arrays, weight)) throw new RangeError(`Cannot import "${weights}": it has no ${weight}`);
    const { shape } = arrays[weight];
    if (shape[axis] === value) continue;
    throw new RangeError(`Cannot import "${config}": ${key} is ${value}, but ${weight} of "${weights}" is [${shape}]`);
  }
}

/**
 * The numbers N of names `beginning.N.…` in order.
 *
 * @throws {RangeError} They are not 0, 1, 2 and so on up to `count`.
 */
export function checkCount(arrays: Readonly<ArrayDict>, beginning: string, { key, count, config }: {
  readonly key: string;
  readonly count: number;
  readonly config: string;
}): void {
  const found = new Set(
    Object.keys(arrays).filter((name) => name.startsWith(beginning)).map((name) =>
      name.slice(beginning.length).split(".")[0]
    ),
  );
  if (found.size === count) return;
  throw new RangeError(
    `Cannot import "${config}": ${key} is ${count}, but the weights have ${found.size} of ${beginning}*`,
  );
}
