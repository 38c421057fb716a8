/**
 * Loops over the columns of a row: folds (sums, maxima) and maps, four floats at a time with whatever is left done one by one.
 * @module
 */
import type { Body, Target } from "./module.ts";
import { type I32, i32, type V128, v128 } from "./ops.ts";
import type { Local } from "./value.ts";
import { VectorMath } from "./vec_math.ts";

/** Floats that a fold takes before what it has joins the rest, so that the error of a long sum grows slowly. */
const BLOCK = 1024;

/** Vectors that a fold takes at once, each with its own result, so that they need not wait for each other. */
const UNROLL = 4;

/** Emits loops over rows of `columns` floats into one function. */
export class RowLoops {
  readonly f: Body;
  readonly math: VectorMath;
  readonly #columns: Local<"i32">;

  constructor(f: Body, target: Target, columns: Local<"i32">) {
    this.f = f;
    this.math = new VectorMath(f, target);
    this.#columns = columns;
  }

  /**
   * Folds rows into one vector for each start value: `step` gives the new results from the rows' elements and the old ones. The results
   * have the same number in all lanes.
   */
  fold(
    rows: readonly Local<"i32">[],
    starts: readonly V128[],
    step: (elements: readonly V128[], results: readonly V128[]) => readonly V128[],
    combine: (a: V128, b: V128) => V128,
  ): Local<"v128">[] {
    const f = this.f;
    const totals = starts.map((s) => f.local("v128", s));
    const all = [...Array(UNROLL)].map(() => starts.map(() => f.local("v128")));
    const once = (results: readonly Local<"v128">[], load: (p: Local<"i32">) => V128, keep?: V128) => {
      const values = step(pointers.map((p) => this.math.keep(load(p))), results).map((v) => this.math.keep(v));
      values.forEach((v, i) => f.set(results[i], keep === undefined ? v : v128.bitselect(v, results[i], keep)));
    };
    const pointers = rows.map((p) => f.local("i32", p));
    const firstLane = f.hoist(v128.const([-1, 0, 0, 0]));
    const left = f.local("i32", this.#columns);
    f.while(i32.gtS(left, 0), () => {
      for (const results of all) results.forEach((r, i) => f.set(r, starts[i]));
      this.#walk(pointers, i32.minS(left, BLOCK), [UNROLL, 1], (unroll) => {
        for (let u = 0; u < unroll; u++) once(all[u], (p) => v128.load(p, 16 * u));
      }, () => once(all[0], v128.load32Splat, firstLane));
      totals.forEach((total, i) => {
        for (const results of all) f.set(total, combine(total, results[i]));
      });
      f.step(left, -BLOCK);
    });
    for (const total of totals) {
      f.set(total, combine(total, v128.shuffle(total, total, [2, 3, 0, 1])));
      f.set(total, combine(total, v128.shuffle(total, total, [1, 0, 3, 2])));
    }
    return totals;
  }

  /** Writes a row whose elements are computed from those of others, which may be the same row. */
  map(rows: readonly Local<"i32">[], to: Local<"i32">, compute: (elements: readonly V128[]) => V128): void {
    const inputs = rows.map((p) => this.f.local("i32", p));
    const output = this.f.local("i32", to);
    this.#walk([...inputs, output], this.#columns, [1], () => {
      this.f.do(v128.store(output, compute(inputs.map((p) => this.math.keep(v128.load(p))))));
    }, () => {
      this.f.do(v128.store32Lane(output, compute(inputs.map((p) => this.math.keep(v128.load32Splat(p)))), 0));
    });
  }

  #walk(
    pointers: readonly Local<"i32">[],
    count: I32,
    unrolls: readonly number[],
    vectors: (unroll: number) => void,
    single: () => void,
  ): void {
    const f = this.f;
    const left = f.local("i32", count);
    const loop = (width: number, body: () => void) =>
      f.while(i32.geS(left, width), () => {
        body();
        for (const p of pointers) f.step(p, 4 * width);
        f.step(left, -width);
      });
    for (const unroll of unrolls) loop(4 * unroll, () => vectors(unroll));
    loop(1, single);
  }
}
