/**
 * The inner loops of the matrix product: several rows of A times one packed panel of B.
 *
 * A tile of 6 rows by 8 columns keeps 12 sums, 2 vectors of B and 1 of A in the 15 vector registers that V8 hands out on x64, and has
 * enough independent sums to hide the latency of a multiply-add.
 * @module
 */
import type { Body, Func, ModuleBuilder, Target } from "./module.ts";
import { f32x4, i32, type V128, v128 } from "./ops.ts";
import type { Local } from "./value.ts";

/** Rows of a full tile. */
const TILE_ROWS = 6;
/** Columns of a full panel of B. */
export const PANEL = 8;

/** Multiplies are added to what C holds. */
export const ADD_TO_C = 1;
/** This is the last block of K: scale, add the bias and clip. */
export const FINISH = 2;

/** Columns of A in one round of the inner loop: V8 checks the bounds of every load, so address arithmetic has to be rare. */
const UNROLL = 16;

/** Locals of a panel function that its tiles share. */
class PanelEmitter {
  readonly #f: Body;
  readonly #vectors: number;
  readonly #fma: boolean;
  readonly #sums: readonly Local<"v128">[];
  readonly #columns: readonly Local<"v128">[];
  readonly #pointers: readonly Local<"i32">[];
  readonly #b: Local<"i32">;
  readonly #left: Local<"i32">;
  readonly #element: Local<"v128">;

  constructor(f: Body, vectors: number, target: Target) {
    const locals = (count: number) => [...Array(count)].map(() => f.local("v128"));
    this.#f = f;
    this.#vectors = vectors;
    this.#fma = target.fma;
    this.#sums = locals(TILE_ROWS * vectors);
    this.#columns = locals(vectors);
    this.#pointers = [...Array(TILE_ROWS)].map(() => f.local("i32"));
    this.#b = f.local("i32");
    this.#left = f.local("i32");
    this.#element = f.local("v128");
  }

  /** Sums of `rows` rows over `k` columns of A from address `a` on. */
  multiply(rows: number, a: Local<"i32">, step: Local<"i32">, b: Local<"i32">, k: Local<"i32">): readonly V128[] {
    const f = this.#f;
    const sums = this.#sums.slice(0, rows * this.#vectors);
    for (const sum of sums) f.set(sum, v128.const([0, 0, 0, 0]));
    f.set(this.#b, b);
    f.set(this.#left, k);
    f.set(this.#pointers[0], a);
    for (let i = 1; i < rows; i++) f.set(this.#pointers[i], i32.add(this.#pointers[i - 1], step));
    for (const unroll of rows === TILE_ROWS ? [UNROLL, 4, 1] : [4, 1]) {
      f.while(i32.geS(this.#left, unroll), () => {
        for (let u = 0; u < unroll; u++) this.#column(rows, u);
        for (const p of this.#pointers.slice(0, rows)) f.step(p, 4 * unroll);
        f.step(this.#b, 16 * this.#vectors * unroll);
        f.step(this.#left, -unroll);
      });
    }
    return sums;
  }

  /** One column of A times one row of B. */
  #column(rows: number, u: number): void {
    const f = this.#f;
    this.#columns.forEach((column, v) => f.set(column, v128.load(this.#b, 16 * (u * this.#vectors + v))));
    for (let i = 0; i < rows; i++) {
      f.set(this.#element, v128.load32Splat(this.#pointers[i], 4 * u));
      this.#columns.forEach((column, v) => {
        const sum = this.#sums[i * this.#vectors + v];
        f.set(sum, this.#madd(this.#element, column, sum));
      });
    }
  }

  #madd(a: V128, b: V128, c: V128): V128 {
    return this.#fma ? f32x4.relaxedMadd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
  }

  /** Stores the sums of `rows` rows. */
  finish(rows: number, c: Local<"i32">, cRow: Local<"i32">, flags: Local<"i32">, finishers: Finishers): void {
    const f = this.#f;
    const sums = this.#sums.slice(0, rows * this.#vectors);
    const row = this.#pointers[0];
    const each = (act: (sum: Local<"v128">, vector: number) => void): void => {
      f.set(row, c);
      sums.forEach((sum, n) => {
        act(sum, n % this.#vectors);
        if ((n + 1) % this.#vectors === 0) f.step(row, cRow);
      });
    };
    f.if(
      i32.and(flags, ADD_TO_C),
      () => each((sum, v) => f.set(sum, f32x4.add(sum, v128.load(row, 16 * v)))),
    );
    f.if(i32.and(flags, FINISH), () =>
      sums.forEach((sum, n) => {
        const scaled = this.#madd(sum, finishers.alpha, finishers.bias[n % this.#vectors]);
        f.set(sum, f32x4.pmax(scaled, finishers.floor));
      }));
    each((sum, v) => f.do(v128.store(row, sum, 16 * v)));
  }
}

/** What the last block of K applies: alpha·sum + bias, not below floor. */
interface Finishers {
  readonly alpha: V128;
  readonly bias: readonly V128[];
  readonly floor: V128;
}

/**
 * Adds `panel(a, step, b, c, cRow, m, k, flags, bias, alpha, floor)`: C (m by 4·vectors) from m contiguous rows of A, `step` bytes apart,
 * and a panel of B that holds k rows of 4·vectors floats. `bias` 0 stands for none.
 */
export function addPanel(module: ModuleBuilder, vectors: number): Func {
  const params = ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "f32", "f32"] as const;
  return module.func(params, (f, a, step, b, c, cRow, m, k, flags, bias, alpha, floor) => {
    const emitter = new PanelEmitter(f, vectors, module.target);
    const biases = [...Array(vectors)].map(() => f.local("v128"));
    f.if(i32.ne(bias, 0), () => biases.forEach((v, n) => f.set(v, v128.load(bias, 16 * n))));
    const finishers: Finishers = {
      alpha: f.local("v128", f32x4.splat(alpha)),
      bias: biases,
      floor: f.local("v128", f32x4.splat(floor)),
    };
    for (const rows of [TILE_ROWS, 4, 2, 1]) {
      f.while(i32.geS(m, rows), () => {
        emitter.multiply(rows, a, step, b, k);
        emitter.finish(rows, c, cRow, flags, finishers);
        f.step(c, i32.mul(cRow, rows));
        f.step(a, i32.mul(step, rows));
        f.step(m, -rows);
      });
    }
  });
}
