/**
 * Builds WebAssembly modules and the bodies of their functions. Every module imports the shared heap as `env.memory`.
 * @module
 */
import type { I32 } from "./ops.ts";
import { i32 } from "./ops.ts";
import { Local, Statement, type Type, TYPE_CODE, unsigned, Value } from "./value.ts";

/** What the engine can do, and the heap it gives. It decides the bytes that are emitted. */
export interface Target {
  /** True where relaxed SIMD (a fused multiply-add) is available. */
  readonly fma: boolean;
  /** True where the heap is a shared memory. */
  readonly shared: boolean;
  /** The heap's greatest size in pages of 64 KiB. */
  readonly maxPages: number;
}

/** A function of a module. */
export interface Func {
  readonly index: number;
  readonly result: Type | null;
}

type Locals<P extends readonly Type[]> = { [K in keyof P]: Local<P[K]> };

/** The body of a function under construction. */
export class Body {
  readonly #params: number;
  readonly #locals: Type[] = [];
  readonly #prologue: number[] = [];
  readonly #hoisted = new Map<string, Local<Type>>();
  #code: number[] = [];

  constructor(params: number) {
    this.#params = params;
  }

  /** A new local variable, set to `init` if given; WASM sets others to 0 once, at entry. */
  local<T extends Type>(type: T, init?: Value<T> | (T extends "i32" ? number : never)): Local<T> {
    const local = new Local(type, this.#params + this.#locals.length);
    this.#locals.push(type);
    if (typeof init === "number") this.do(assign(local, i32.const(init)));
    else if (init !== undefined) this.do(assign(local, init as Value<T>));
    return local;
  }

  /** The value computed once at the function's entry; equal values share a local. For constants used in loops. */
  hoist<T extends Type>(value: Value<T>): Local<T> {
    const bytes: number[] = [];
    value.write(bytes);
    const key = String.fromCharCode(...bytes);
    let local = this.#hoisted.get(key) as Local<T> | undefined;
    if (local === undefined) {
      local = this.local(value.type);
      assign(local, value).write(this.#prologue);
      this.#hoisted.set(key, local);
    }
    return local;
  }

  do(...statements: readonly Statement[]): void {
    for (const s of statements) s.write(this.#code);
  }

  set<T extends Type>(local: Local<T>, value: Value<T> | (T extends "i32" ? number : never)): void {
    this.do(assign(local, typeof value === "number" ? i32.const(value) as Value<Type> : value as Value<Type>));
  }

  /** Adds to an i32 variable. */
  step(local: Local<"i32">, by: I32): void {
    this.set(local, i32.add(local, by));
  }

  if(condition: Value<"i32">, then: () => void, otherwise?: () => void): void {
    condition.write(this.#code);
    this.#raw([0x04, 0x40]);
    then();
    if (otherwise !== undefined) {
      this.#raw([0x05]);
      otherwise();
    }
    this.#raw([0x0b]);
  }

  /** Repeats while the condition holds; it is tested before the first round and after each. */
  while(condition: Value<"i32">, body: () => void): void {
    this.if(condition, () => this.doWhile(body, condition));
  }

  /** Repeats while the condition holds; the first round always runs. */
  doWhile(body: () => void, condition: Value<"i32">): void {
    this.#raw([0x03, 0x40]);
    body();
    condition.write(this.#code);
    this.#raw([0x0d, 0x00, 0x0b]);
  }

  /** `for (i = from; i < to; i += step)`, signed; `to` is evaluated every round, so pass a local or a constant. */
  for(i: Local<"i32">, from: I32, to: I32, step: I32, body: () => void): void {
    this.set(i, i32.add(from, 0));
    this.while(i32.ltS(i, to), () => {
      body();
      this.step(i, step);
    });
  }

  /** Calls a function without result. */
  call(func: Func, ...args: readonly (Value<Type> | number)[]): void {
    this.do(new Statement(callCode(func), args.map(asValue)));
  }

  return(): void {
    this.#raw([0x0f]);
  }

  /** The bytes of the whole body, with its size and locals in front. */
  finish(result?: Value<Type>): number[] {
    const code = unsigned(this.#locals.length);
    for (const type of this.#locals) code.push(1, TYPE_CODE[type]);
    append(code, this.#prologue);
    append(code, this.#code);
    result?.write(code);
    code.push(0x0b);
    const sized = unsigned(code.length);
    append(sized, code);
    return sized;
  }

  #raw(bytes: readonly number[]): void {
    append(this.#code, bytes);
  }
}

function append(out: number[], bytes: readonly number[]): void {
  for (const byte of bytes) out.push(byte);
}

function assign<T extends Type>(local: Local<T>, value: Value<Type>): Statement {
  return new Statement([0x21, ...unsigned(local.index)], [value]);
}

const asValue = (x: Value<Type> | number): Value<Type> => typeof x === "number" ? i32.const(x) : x;

const callCode = (func: Func): number[] => [0x10, ...unsigned(func.index)];

/** The value a function returns. */
export function result<T extends Type>(type: T, func: Func, ...args: readonly (Value<Type> | number)[]): Value<T> {
  return new Value(type, callCode(func), args.map(asValue));
}

/** Collects functions and writes the bytes of a module. */
export class ModuleBuilder {
  readonly target: Target;
  readonly #types: string[] = [];
  readonly #imports: number[][] = [];
  readonly #functions: { type: number; body: readonly number[] }[] = [];
  readonly #exports: number[][] = [];

  constructor(target: Target) {
    this.target = target;
  }

  /** A host function `env.name`; declare it before the module's own functions. */
  import(name: string, params: readonly Type[], result: Type | null): Func {
    if (this.#functions.length > 0) throw new Error("internal: imports come before functions");
    this.#imports.push([...text("env"), ...text(name), 0x00, ...unsigned(this.#type(params, result))]);
    return { index: this.#imports.length - 1, result };
  }

  /** Adds a function without result. With a name it is exported. */
  func<const P extends readonly Type[]>(
    params: P,
    build: (f: Body, ...params: Locals<P>) => void,
    name?: string,
  ): Func {
    return this.#add(params, null, (f, locals) => {
      build(f, ...locals as Locals<P>);
      return undefined;
    }, name);
  }

  /** Adds a function whose result is the value that `build` returns. */
  funcOf<const P extends readonly Type[], R extends Type>(
    params: P,
    type: R,
    build: (f: Body, ...params: Locals<P>) => Value<R>,
  ): Func {
    return this.#add(params, type, (f, locals) => build(f, ...locals as Locals<P>));
  }

  #add(
    params: readonly Type[],
    type: Type | null,
    build: (f: Body, locals: Local<Type>[]) => Value<Type> | undefined,
    name?: string,
  ): Func {
    const body = new Body(params.length);
    const value = build(body, params.map((p, i) => new Local(p, i)));
    this.#functions.push({ type: this.#type(params, type), body: body.finish(value) });
    const index = this.#imports.length + this.#functions.length - 1;
    if (name !== undefined) this.#exports.push([...text(name), 0x00, ...unsigned(index)]);
    return { index, result: type };
  }

  /** The module as bytes. */
  finish(): Uint8Array<ArrayBuffer> {
    const { shared, maxPages } = this.target;
    const memory = [...text("env"), ...text("memory"), 0x02, shared ? 3 : 1, ...unsigned(1), ...unsigned(maxPages)];
    const bytes = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
    appendSection(bytes, 1, this.#types.map((t) => t.split(",").map(Number)));
    appendSection(bytes, 2, [...this.#imports, memory]);
    appendSection(bytes, 3, this.#functions.map((f) => unsigned(f.type)));
    appendSection(bytes, 7, this.#exports);
    appendSection(bytes, 10, this.#functions.map((f) => f.body));
    return new Uint8Array(bytes);
  }

  #type(params: readonly Type[], result: Type | null): number {
    const results = result === null ? [] : [result];
    const code = [params, results].flatMap((list) => [list.length, ...list.map((t) => TYPE_CODE[t])]);
    const key = [0x60, ...code].join();
    const found = this.#types.indexOf(key);
    return found >= 0 ? found : this.#types.push(key) - 1;
  }
}

function text(name: string): number[] {
  const bytes = new TextEncoder().encode(name);
  return [...unsigned(bytes.length), ...bytes];
}

function appendSection(out: number[], id: number, entries: readonly (readonly number[])[]): void {
  const count = unsigned(entries.length);
  const length = entries.reduce((sum, entry) => sum + entry.length, count.length);
  append(out, [id, ...unsigned(length), ...count]);
  for (const entry of entries) append(out, entry);
}
