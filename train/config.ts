/**
 * Configs: defaults from a recipe, a file over them, flags over that; a key that nobody knows is an error.
 * Works for any table of fields; the trainer's own is in `train_config.ts`.
 * @module
 */
import { extname } from "node:path";
import { parseJsonc } from "./jsonc.ts";
import { type Field, flagOf } from "./fields.ts";
import { ioFact } from "./io_fact.ts";
import { nameHint } from "./name_hint.ts";

/** What each key of a config may hold. */
export type FieldsOf<C> = { readonly [K in keyof C]-?: Field<C[K]> };

/** Some of a config's values, and where they come from, for errors. */
export interface Layer {
  /** How a key is called where it was set: `"lr" in "my.toml"`, or `--lr`. */
  readonly nameOf: (key: string) => string;
  /** The values, not checked yet. */
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * Lays values over defaults, checking each.
 *
 * @param defaults every key with a good value
 * @throws {SyntaxError} Where a layer has a key that `fields` has not; near ones are named.
 * @throws {RangeError} Where a value is not what its field expects.
 *
 * @example
 * ```ts
 * import { layConfig } from "./config.ts";
 * import { integer, number } from "./fields.ts";
 *
 * const fields = { totalSteps: integer("Steps", { min: 1 }), lr: number("Rate", { above: 0 }) };
 * const flags = { nameOf: (key: string) => "--" + key, values: { lr: 0.01 } };
 * layConfig(fields, { totalSteps: 100, lr: 0.1 }, [flags]); // { totalSteps: 100, lr: 0.01 }
 * ```
 */
export function layConfig<C extends object>(fields: FieldsOf<C>, defaults: C, layers: readonly Layer[]): C {
  const config: Record<string, unknown> = Object.fromEntries(Object.entries(defaults));
  for (const { nameOf, values } of layers) {
    for (const [key, given] of Object.entries(values)) {
      if (given === undefined) continue;
      if (!Object.hasOwn(fields, key)) {
        throw new SyntaxError(`Cannot set ${nameOf(key)}: there is no such key; ${nameHint(key, Object.keys(fields))}`);
      }
      const field = (fields as Record<string, Field<unknown>>)[key];
      const value = field.check(given);
      if (value === undefined) {
        throw new RangeError(`Cannot set ${nameOf(key)} to ${JSON.stringify(given)}: expected ${field.expects}`);
      }
      config[key] = value;
    }
  }
  return config as C;
}

/** Values given as flags. */
export function flagLayer(values: Readonly<Record<string, unknown>>): Layer {
  return { nameOf: flagOf, values };
}

/**
 * Reads a `.toml`, `.json` or `.jsonc` file of a config's keys.
 *
 * @throws {Error} Where it cannot be read.
 * @throws {SyntaxError} Where it does not parse, or is not a table of keys.
 */
export async function readConfigFile(path: string): Promise<Layer> {
  const text = await readText(path);
  const values = parseConfig(path, text, await parserOf(path));
  if (typeof values !== "object" || values === null || Array.isArray(values)) {
    throw new SyntaxError(`Cannot read "${path}": expected keys with values, found ${JSON.stringify(values)}`);
  }
  return { nameOf: (key) => `"${key}" of "${path}"`, values: values as Record<string, unknown> };
}

async function readText(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new Error(`Cannot read "${path}": ${ioFact(error)}`, { cause: error });
  }
}

type Parser = (text: string) => unknown;

/** What reads a file of this name. */
async function parserOf(path: string): Promise<Parser> {
  const kind = extname(path).toLowerCase();
  if (kind === ".json" || kind === ".jsonc") return parseJsonc;
  if (kind !== ".toml") {
    throw new SyntaxError(`Cannot read "${path}": expected a name ending in .toml, .json or .jsonc`);
  }
  // Not a literal, or Deno would fetch the package for every program that imports this one.
  const specifier: string = "npm:smol-toml@1.9.1";
  const { parse }: { parse: Parser } = await import(specifier);
  return parse;
}

function parseConfig(path: string, text: string, parse: Parser): unknown {
  try {
    return parse(text);
  } catch (error) {
    const fact = (error as Error).message.replace(/^Invalid TOML document: /, "").trimEnd();
    throw new SyntaxError(`Cannot read "${path}": ${fact}`, { cause: error });
  }
}
