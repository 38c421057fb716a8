/**
 * Random numbers on four lanes: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
 * Which element gets which word is written down in tensor/random.ts.
 * @module
 */
import type { Body, Func, ModuleBuilder } from "./module.ts";
import { f32x4, i32, i32x4, i64x2, type V128, v128 } from "./ops.ts";
import type { Local } from "./value.ts";

const ROUNDS = 10;
const INTERLEAVED = 2;
const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57] as const;
const KEY_STEPS = [0x9e3779b9, 0xbb67ae85] as const;

/** High and low words of four 32-bit products. */
function multiply(f: Body, a: V128, multiplier: V128): [high: V128, low: V128] {
  const first = f.local("v128", i64x2.mulLowWords(a, multiplier));
  const second = f.local("v128", i64x2.mulHighWords(a, multiplier));
  return [v128.shuffle(first, second, [1, 3, 5, 7]), i32x4.mul(a, multiplier)];
}

function round(f: Body, c: readonly V128[], keys: readonly V128[]): V128[] {
  const [m0, m1] = MULTIPLIERS.map((m) => f.hoist(v128.const([m, m, m, m])));
  const [high0, low0] = multiply(f, c[0], m0);
  const [high1, low1] = multiply(f, c[2], m1);
  return [
    v128.xor(v128.xor(high1, c[1]), keys[0]),
    low1,
    v128.xor(v128.xor(high0, c[3]), keys[1]),
    low0,
  ].map((word) => f.local("v128", word));
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
    const keys = schedule(f, state);
    const zero = f.hoist(v128.const([0, 0, 0, 0]));
    const second = f.local("v128", i32x4.splat(i32.add(i32.load(state, 8), counter)));
    const third = f.local("v128", i32x4.splat(i32.load(state, 12)));
    const first = f.local("v128", i32x4.add(i32x4.splat(i32.shl(block, 2)), v128.const([0, 1, 2, 3])));
    const next = f.hoist(v128.const([4, 4, 4, 4]));
    const write = (words: readonly V128[], offset: number) => {
      const unit = f.hoist(f32x4.const(2 ** -24));
      words.forEach((w, i) => f.do(v128.store(to, f32x4.mul(f32x4.fromInt(i32x4.shrU(w, 8)), unit), offset + 16 * i)));
    };
    // several blocks at once, since each round waits for the one before
    for (const count of [INTERLEAVED, 1]) {
      f.while(i32.geS(blocks, count), () => {
        let all: V128[][] = [...Array(count)].map(() => {
          const words = [f.local("v128", first), second, third, zero];
          f.set(first, i32x4.add(first, next));
          return words;
        });
        for (const key of keys) all = all.map((words) => round(f, words, key));
        all.forEach((words, n) => write(words, 64 * n));
        f.step(to, 64 * count);
        f.step(blocks, -count);
      });
    }
  });
}
