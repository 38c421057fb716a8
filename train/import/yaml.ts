/**
 * YAML of other toolkits: read by the package `yaml`, typed here. Tags (`!new:`, `!name:`, `!!python/…`) are kept as text and never looked up;
 * what aliases multiply is counted, so that a short file cannot become a long list.
 * @module
 */
import type { ImportSource } from "./source.ts";

/** A scalar. */
export type YamlScalar = string | number | boolean | null;

/** A value with its tag. */
export interface YamlNode {
  /** As "!new:speechbrain.lobes.features.Fbank"; empty where there is none. */
  readonly tag: string;
  /** Lists and maps hold nodes again. */
  readonly value: YamlScalar | readonly YamlNode[] | ReadonlyMap<string, YamlNode>;
}

/** Longest file, and most values that one may hold with all aliases written out. */
const MAX_BYTES = 1 << 20, MOST_NODES = 50_000, DEEPEST = 50;

/** What the package makes of a file, as far as it is read here. */
interface Parsed {
  readonly contents: RawNode | null;
  readonly errors: readonly Error[];
}

interface RawNode {
  readonly tag?: string;
  readonly type?: string;
  /** A scalar's text under the schema that knows nothing but text. */
  readonly value?: unknown;
  /** Of lists nodes, of maps pairs. */
  readonly items?: readonly unknown[];
  /** An alias's name. */
  readonly source?: string;
  readonly anchor?: string;
  resolve?(document: Parsed): RawNode | undefined;
}

interface RawPair {
  readonly key: RawNode | null;
  readonly value: RawNode | null;
}

type Parse = (text: string, options: object) => Parsed;

/**
 * Reads a YAML file of a source.
 *
 * @throws {SyntaxError} It does not parse, holds the same key twice, is too long, too deep, or too long with its aliases written out; the
 * message names the file.
 */
export async function readYaml(source: ImportSource, name: string): Promise<YamlNode> {
  const bytes = source.files.get(name) ?? 0, path = source.pathOf(name);
  if (bytes > MAX_BYTES) {
    throw new SyntaxError(`Cannot import "${path}": it has ${bytes} bytes, more than the ${MAX_BYTES} of a YAML file`);
  }
  return await parseYaml(await source.text(name), path);
}

/** {@linkcode readYaml} of a text; `path` is what messages call it. */
export async function parseYaml(text: string, path: string): Promise<YamlNode> {
  // The package asks for the variables LOG_TOKENS and LOG_STREAM. Not a literal, or Deno would fetch the package for every program that imports this one.
  const specifier: string = "npm:yaml@2.9.1";
  const { parseDocument }: { parseDocument: Parse } = await import(specifier);
  const refuse = (fact: string) => new SyntaxError(`Cannot import "${path}": ${fact}`);
  let document: Parsed;
  try {
    document = parseDocument(text, { schema: "failsafe", logLevel: "silent", prettyErrors: true });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw refuse(`it is nested more than ${DEEPEST} deep`); // so deeply that the parser's stack ended
  }
  const [error] = document.errors;
  if (error !== undefined) throw refuse(error.message.split(/:?\n/, 1)[0]);
  return new Converter(document, refuse).convert(document.contents, 0);
}

/** From the package's tree to ours, with aliases written out. */
class Converter {
  readonly #document: Parsed;
  readonly #refuse: (fact: string) => Error;
  #count = 0;

  constructor(document: Parsed, refuse: (fact: string) => Error) {
    this.#document = document;
    this.#refuse = refuse;
  }

  convert(raw: RawNode | null | undefined, depth: number): YamlNode {
    if (++this.#count > MOST_NODES) throw this.#refuse(`it has more than ${MOST_NODES} values, aliases written out`);
    if (depth > DEEPEST) throw this.#refuse(`it is nested more than ${DEEPEST} deep, aliases written out`);
    if (raw === null || raw === undefined) return { tag: "", value: null };
    if (raw.items === undefined && raw.resolve !== undefined) return this.#alias(raw, depth);
    const tag = raw.tag ?? "";
    if (raw.items === undefined) return { tag, value: scalarOf(String(raw.value ?? ""), raw.type !== "PLAIN") };
    // the parser makes pairs where it made a map
    return isPairs(raw.items)
      ? { tag, value: this.#map(raw.items, depth) }
      : { tag, value: (raw.items as readonly RawNode[]).map((item) => this.convert(item, depth + 1)) };
  }

  #alias(raw: RawNode, depth: number): YamlNode {
    const target = raw.resolve?.(this.#document);
    if (target === undefined) throw this.#refuse(`its alias "*${raw.source}" has no anchor before it`);
    return this.convert(target, depth + 1);
  }

  #map(pairs: readonly RawPair[], depth: number): ReadonlyMap<string, YamlNode> {
    const map = new Map<string, YamlNode>(), merged = new Map<string, YamlNode>();
    for (const { key, value } of pairs) {
      const name = key?.items === undefined ? String(key?.value ?? "") : "(a list or map)";
      const node = this.convert(value, depth + 1);
      if (name !== "<<") map.set(name, node);
      else if (node.value instanceof Map) { for (const [k, v] of node.value) merged.set(k, v); }
    }
    return new Map([...merged, ...map]);
  }
}

function isPairs(items: readonly unknown[]): items is readonly RawPair[] {
  return items.length > 0 && items.every((item) => typeof item === "object" && item !== null && "key" in item);
}

/** What PyYAML takes a plain text for; numbers like 1e-5 too, which it leaves as text. */
function scalarOf(text: string, quoted: boolean): YamlScalar {
  if (quoted) return text;
  if (/^(?:|~|null|Null|NULL)$/.test(text)) return null;
  if (/^(?:true|True|TRUE|yes|Yes|YES|on|On|ON)$/.test(text)) return true;
  if (/^(?:false|False|FALSE|no|No|NO|off|Off|OFF)$/.test(text)) return false;
  return /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(text) ? Number(text) : text;
}

/** A YAML file's values by their keys, with errors that name both. */
export class YamlFile {
  /** Path of the file. */
  readonly path: string;
  readonly #root: YamlNode;

  /** Of what {@linkcode readYaml} read. */
  constructor(path: string, root: YamlNode) {
    this.path = path;
    this.#root = root;
  }

  /** The error that says something of a key. */
  fault(key: string, fact: string): RangeError {
    return new RangeError(`Cannot import "${this.path}": ${key} ${fact}`);
  }

  /** Keys below a key ("" is the file); none where it is no map. */
  keys(key: string): string[] {
    const value = key === "" ? this.#root.value : this.node(key)?.value;
    return value instanceof Map ? [...value.keys()] : [];
  }

  /** What stands at a key, as "model_args.feat_dim", references followed; undefined where there is nothing or null. */
  node(key: string): YamlNode | undefined {
    const found = this.#at(key.split("."));
    const node = found?.tag === "!ref" ? this.#referred(found, { key, trail: [] }) : found;
    return node === undefined || node.value === null && node.tag === "" ? undefined : node;
  }

  /** A number, or `otherwise` where there is none. */
  number(key: string): number | undefined;
  number(key: string, otherwise: number): number;
  number(key: string, otherwise?: number): number | undefined {
    return this.#plain(key, "number", otherwise);
  }

  /** Text; numbers are taken as they are written. */
  text(key: string): string | undefined {
    const value = this.node(key)?.value;
    return typeof value === "number" ? String(value) : this.#plain<string>(key, "string", undefined);
  }

  /** Yes or no, or `otherwise` where there is nothing. */
  boolean(key: string, otherwise: boolean): boolean {
    return this.#plain(key, "boolean", otherwise);
  }

  /** A list of numbers; undefined where there is none. */
  numbers(key: string): number[] | undefined {
    const node = this.node(key);
    if (node === undefined) return undefined;
    const values = Array.isArray(node.value) ? node.value.map(({ value }) => value) : [];
    if (values.length > 0 && values.every((value) => typeof value === "number")) return values;
    throw this.fault(key, `is ${describe(node)}, expected a list of numbers`);
  }

  #plain<T extends YamlScalar>(key: string, type: string, otherwise: T): T;
  #plain<T extends YamlScalar>(key: string, type: string, otherwise: T | undefined): T | undefined;
  #plain<T extends YamlScalar>(key: string, type: string, otherwise: T | undefined): T | undefined {
    const node = this.node(key);
    if (node === undefined) return otherwise;
    const found: string = typeof node.value;
    if (found === type) return node.value as T;
    throw this.fault(key, `is ${describe(node)}, expected ${type === "boolean" ? "true or false" : `a ${type}`}`);
  }

  #at(path: readonly string[]): YamlNode | undefined {
    let node: YamlNode | undefined = this.#root;
    for (const part of path) node = node?.value instanceof Map ? node.value.get(part) : undefined;
    return node;
  }

  /** `!ref <a>` is what a is; in a longer text the names are replaced by what they stand for. */
  #referred({ value }: YamlNode, { key, trail }: { key: string; trail: readonly string[] }): YamlNode {
    const text = String(value), whole = /^<([^<>]+)>$/.exec(text);
    if (whole !== null) return this.#target(whole[1], { key, trail });
    const parts = text.replaceAll(/<([^<>]+)>/g, (_, name: string) => {
      const { value } = this.#target(name, { key, trail });
      return typeof value === "object" && value !== null ? name : String(value ?? "");
    });
    return { tag: "", value: scalarOf(parts, false) };
  }

  #target(name: string, { key, trail }: { key: string; trail: readonly string[] }): YamlNode {
    if (trail.includes(name) || trail.length > DEEPEST) {
      throw this.fault(key, `refers to itself by way of <${name}>`);
    }
    const found = this.#at(name.replaceAll("]", "").split(/[.[]/));
    if (found === undefined) throw this.fault(key, `refers to <${name}>, which the file does not have`);
    return found.tag === "!ref" ? this.#referred(found, { key, trail: [...trail, name] }) : found;
  }
}

/** A value in messages. */
export function describe({ tag, value }: YamlNode): string {
  if (tag !== "") return JSON.stringify(tag);
  if (Array.isArray(value)) return `[${value.map(({ value }) => typeof value === "object" ? "…" : value).join(", ")}]`;
  return value instanceof Map ? "a map" : JSON.stringify(value);
}
