/**
 * Names for the words of a job's block of arguments, so that the host that writes them and the WASM that reads them agree.
 * @module
 */
import type { Body } from "./module.ts";
import { f32, i32 } from "./ops.ts";
import type { Local } from "./value.ts";

/** The words of a block of arguments, in order. */
export class JobArguments<const N extends string> {
  readonly names: readonly N[];

  constructor(...names: readonly N[]) {
    this.names = names;
  }

  /** Locals with all words, read at the function's entry. */
  read(f: Body, args: Local<"i32">): Record<N, Local<"i32">> {
    const entries = this.names.map((name, n) => [name, f.hoist(i32.load(args, 4 * n))]);
    return Object.fromEntries(entries) as Record<N, Local<"i32">>;
  }

  /** Locals with some words taken as floats. */
  readFloats<K extends N>(f: Body, args: Local<"i32">, names: readonly K[]): Record<K, Local<"f32">> {
    const entries = names.map((name) => [name, f.hoist(f32.load(args, 4 * this.names.indexOf(name)))]);
    return Object.fromEntries(entries) as Record<K, Local<"f32">>;
  }

  /** The words of a block; floats are given by their bits. */
  words(values: Readonly<Record<N, number>>): number[] {
    return this.names.map((name) => values[name]);
  }
}
