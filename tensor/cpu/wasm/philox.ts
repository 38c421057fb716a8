/**
 * Random numbers on four lanes: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
 * Which element gets which word is written down in tensor/random.ts.
 * @module
 */
import type { Body, Func, ModuleBuilder } from "./module.ts";
import { f32x4, i32, i32x4, i64x2, type V128, v128 } from "./ops.ts";
import type { Local } from "./value.ts";

const ROUNDS = 10;
const INTERLEAVED = 3;
const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57] as const;
const KEY_STEPS = [0x9e3779b9, 0xbb67ae85] as const;

/** Emits the rounds of one function. */
class Philox {
  readonly #f: Body;
  readonly #multipliers: readonly V128[];
  readonly #keys: readonly (readonly V128[])[];
  readonly #second: V128;
  /** What the first two rounds make of the counter words that are the same everywhere. */
  readonly #low1: V128;
  readonly #high0: V128;
  readonly #low0: V128;

  /** Counters are (first, second, third, 0), of which only the first differs from element to element. */
  constructor(f: Body, state: Local<"i32">, second: V128, third: V128) {
    this.#f = f;
    this.#multipliers = MULTIPLIERS.map((m) => f.hoist(v128.const([m, m, m, m])));
    this.#keys = schedule(f, state);
    const [high1, low1] = this.#multiply(third, 1);
    const [high0, low0] = this.#multiply(this.#xor(high1, second, this.#keys[0][0]), 0);
    this.#second = this.#xor(low1, this.#keys[1][0]);
    this.#low1 = this.#xor(this.#keys[0][1]);
    this.#high0 = this.#xor(high0, this.#keys[1][1]);
    this.#low0 = this.#xor(low0);
  }

  /** Words after the first two rounds, which need one product each. */
  begin(first: V128): V128[] {
    const [high0, low0] = this.#multiply(first, 0);
    const [high1, low1] = this.#multiply(this.#xor(high0, this.#low1), 1);
    return [this.#xor(high1, this.#second), low1, this.#xor(low0, this.#high0), this.#low0];
  }

  round(c: readonly V128[], number: number): V128[] {
    const [key0, key1] = this.#keys[number];
    const [high0, low0] = this.#multiply(c[0], 0);
    const [high1, low1] = this.#multiply(c[2], 1);
    return [this.#xor(high1, c[1], key0), low1, this.#xor(high0, c[3], key1), low0];
  }

  /** High and low words of four 32-bit products. */
  #multiply(a: V128, which: 0 | 1): [high: V128, low: V128] {
    const multiplier = this.#multipliers[which];
    const [first, second] = [i64x2.mulLowWords(a, multiplier), i64x2.mulHighWords(a, multiplier)];
    return [v128.shuffle(first, second, [1, 3, 5, 7]), this.#xor(i32x4.mul(a, multiplier))];
  }

  /** Combines values and keeps the result in a local. */
  #xor(...values: readonly V128[]): V128 {
    return this.#f.local("v128", values.reduce((a, b) => v128.xor(a, b)));
  }
}

/** Keys of all rounds, computed before the loop. */
function schedule(f: Body, state: Local<"i32">): V128[][] {
  return [...Array(ROUNDS).keys()].map((r) =>
    KEY_STEPS.map((step, half) => f.local("v128", i32x4.splat(i32.add(i32.load(state, 4 * half), Math.imul(step, r)))))
  );
}

/**
 * Adds `fill(destination, state, counter, firstBlock, blocks)`: writes 16 floats in [0, 1) for each block of 16 elements.
 * `state` is the address of int32[4] (key, base).
 */
export function addPhiloxFill(module: ModuleBuilder): Func {
  return module.func(["i32", "i32", "i32", "i32", "i32"], (f, to, state, counter, block, blocks) => {
    const second = f.local("v128", i32x4.splat(i32.add(i32.load(state, 8), counter)));
    const third = f.local("v128", i32x4.splat(i32.load(state, 12)));
    const first = f.local("v128", i32x4.add(i32x4.splat(i32.shl(block, 2)), v128.const([0, 1, 2, 3])));
    const philox = new Philox(f, state, second, third);
    const next = f.hoist(v128.const([4, 4, 4, 4]));
    const write = (words: readonly V128[], offset: number) => {
      const unit = f.hoist(f32x4.const(2 ** -24));
      words.forEach((w, i) => f.do(v128.store(to, f32x4.mul(f32x4.fromInt(i32x4.shrU(w, 8)), unit), offset + 16 * i)));
    };
    // several blocks at once, since each round waits for the one before
    for (const count of [INTERLEAVED, 1]) {
      f.while(i32.geS(blocks, count), () => {
        let all: V128[][] = [...Array(count)].map(() => {
          const words = philox.begin(first);
          f.set(first, i32x4.add(first, next));
          return words;
        });
        for (let r = 2; r < ROUNDS; r++) all = all.map((words) => philox.round(words, r));
        all.forEach((words, n) => write(words, 64 * n));
        f.step(to, 64 * count);
        f.step(blocks, -count);
      });
    }
  });
}
