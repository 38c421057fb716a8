/**
 * sin, cos and pow on four floats, computed two by two in double precision: argument reduction and y·log x lose no digits there,
 * and none of them is hot.
 * @module
 */
import type { Body, Func, ModuleBuilder } from "./module.ts";
import { f32, f32x4, f64, f64x2, i64x2, type V128, v128 } from "./ops.ts";
import { result } from "./module.ts";

/** 1/n! with alternating signs, from the given power on in steps of two: Taylor coefficients of sin (1) and cos (0). */
function alternating(first: 0 | 1, terms: number): number[] {
  const out: number[] = [];
  let factorial = 1;
  for (let n = 1, power = 0; out.length < terms; power++, factorial *= n++) {
    if (power % 2 === first) out.push((out.length % 2 === 0 ? 1 : -1) / factorial);
  }
  return out;
}

const SIN = alternating(1, 7);
const COS = alternating(0, 8);
/** 2^x = Σ (x·log 2)^n / n!. */
const EXP2 = [...Array(12).keys()].reduce<number[]>((c, n) => [...c, n === 0 ? 1 : c[n - 1] * Math.LN2 / n], []);
/** log2((1+s)/(1−s)) = 2/log 2 · Σ s^(2k+1)/(2k+1). */
const LOG2 = [...Array(9).keys()].map((k) => 2 / Math.LN2 / (2 * k + 1));
/** 2^52 + 2^51: adding it leaves a whole number in the low bits of a double. */
const MAGIC = 6755399441055744;

/** Host functions that take over where arguments are huge. */
export interface HostMath {
  readonly sin: Func;
  readonly cos: Func;
}

/** Declares the host functions; workers and the main thread give Math.sin and Math.cos. */
export function importHostMath(module: ModuleBuilder): HostMath {
  return { sin: module.import("sin", ["f64"], "f64"), cos: module.import("cos", ["f64"], "f64") };
}

/** Emits vector functions in double precision into one function's body. */
export class VectorMath64 {
  readonly #f: Body;
  readonly #host: HostMath;

  constructor(body: Body, host: HostMath) {
    this.#f = body;
    this.#host = host;
  }

  sin(x: V128): V128 {
    return this.#circular(x, 0, this.#host.sin);
  }

  cos(x: V128): V128 {
    return this.#circular(x, 1, this.#host.cos);
  }

  /** x to the y as in C: a negative x needs a whole y, anything to the 0 and 1 to anything is 1. */
  pow(x: V128, y: V128): V128 {
    const value = this.#halves((half) => this.#powHalf(half(f32x4.abs(x)), half(y)));
    const one = this.#float(1);
    const zero = this.#float(0);
    const isWhole = f32x4.eq(f32x4.floor(y), y);
    const halfY = this.#keep(f32x4.mul(y, this.#float(0.5)));
    const isOdd = v128.andNot(isWhole, f32x4.eq(f32x4.floor(halfY), halfY));
    const sign = v128.and(
      v128.and(x, this.#f.hoist(v128.const([-0x80000000, -0x80000000, -0x80000000, -0x80000000]))),
      isOdd,
    );
    const signed = v128.or(value, sign);
    // only finite negative bases have no real power
    const negative = v128.and(f32x4.lt(x, zero), f32x4.gt(x, this.#float(-Infinity)));
    const real = v128.bitselect(this.#float(NaN), signed, v128.andNot(negative, isWhole));
    const isOne = v128.or(f32x4.eq(x, one), f32x4.eq(y, zero));
    const ofMinusOne = v128.and(f32x4.eq(x, this.#float(-1)), f32x4.eq(f32x4.abs(y), this.#float(Infinity)));
    return this.#keep(v128.bitselect(one, real, v128.or(isOne, ofMinusOne)));
  }

  #keep(value: V128): V128 {
    return this.#f.local("v128", value);
  }

  #float(value: number): V128 {
    return this.#f.hoist(f32x4.const(value));
  }

  #double(value: number): V128 {
    return this.#f.hoist(f64x2.const(value));
  }

  #polynomial(x: V128, coefficients: readonly number[]): V128 {
    return coefficients.map((c) => this.#double(c)).reduceRight((sum, c) => f64x2.add(f64x2.mul(sum, x), c));
  }

  /** Applies a function of doubles to the lower and the upper two lanes. */
  #halves(compute: (half: (x: V128) => V128) => V128): V128 {
    const low = this.#keep(f32x4.fromDoubleZero(compute((x) => this.#keep(f64x2.fromFloatLow(x)))));
    const high = this.#keep(f32x4.fromDoubleZero(compute((x) => {
      const kept = this.#keep(x);
      return this.#keep(f64x2.fromFloatLow(v128.shuffle(kept, kept, [2, 3, 2, 3])));
    })));
    return v128.shuffle(low, high, [0, 1, 4, 5]);
  }

  /** Sine of x + quarter·π/2. */
  #circular(x: V128, quarter: 0 | 1, host: Func): V128 {
    const kept = this.#keep(x);
    const out = this.#f.local("v128");
    const small = f32x4.le(f32x4.abs(kept), this.#float(2 ** 20));
    this.#f.if(
      v128.anyTrue(v128.not(small)),
      () => this.#f.set(out, this.#byLane(kept, host)),
      () => this.#f.set(out, this.#halves((half) => this.#circularHalf(half(kept), quarter))),
    );
    return out;
  }

  #byLane(x: V128, host: Func): V128 {
    const lanes = [0, 1, 2, 3].map((lane) => {
      const value = f32.fromF64(result("f64", host, f64.fromF32(f32x4.lane(x, lane))));
      return this.#keep(f32x4.splat(value));
    });
    const [low, high] = [
      v128.shuffle(lanes[0], lanes[1], [0, 4, 0, 4]),
      v128.shuffle(lanes[2], lanes[3], [0, 4, 0, 4]),
    ];
    return v128.shuffle(low, high, [0, 1, 4, 5]);
  }

  #circularHalf(x: V128, quarter: 0 | 1): V128 {
    const magic = this.#double(MAGIC);
    const shifted = this.#keep(f64x2.add(f64x2.mul(x, this.#double(2 / Math.PI)), magic));
    const n = this.#keep(f64x2.sub(shifted, magic));
    // π/2 in two parts; the first has 33 bits, so that n times it is exact
    const high = f64x2.sub(x, f64x2.mul(n, this.#double(1.57079632673412561417)));
    const r = this.#keep(f64x2.sub(high, f64x2.mul(n, this.#double(6.07710050650619224932e-11))));
    const z = this.#keep(f64x2.mul(r, r));
    const sin = this.#keep(f64x2.mul(r, this.#polynomial(z, SIN)));
    const cos = this.#keep(this.#polynomial(z, COS));
    const turns = this.#keep(i64x2.add(shifted, this.#f.hoist(i64x2.splat(BigInt(quarter)))));
    // bit 0 of the number of quarter turns picks the cosine, bit 1 the sign
    const odd = i64x2.sub(this.#f.hoist(i64x2.splat(0n)), i64x2.shrU(i64x2.shl(turns, 63), 63));
    const sign = i64x2.shl(i64x2.shrU(turns, 1), 63);
    return v128.xor(v128.bitselect(cos, sin, odd), sign);
  }

  #powHalf(base: V128, y: V128): V128 {
    const product = f64x2.mul(y, this.#log2Half(base));
    return this.#exp2Half(this.#keep(product));
  }

  /** log2 of doubles that came from non-negative floats, so that none is subnormal. */
  #log2Half(x: V128): V128 {
    const root = this.#f.hoist(i64x2.splat(0x3fe6a09e667f3bcdn));
    const shifted = this.#keep(i64x2.sub(x, root));
    // the exponent as a double: its bits under 2^52's, with a bias that keeps it positive
    const biased = i64x2.shrU(i64x2.add(shifted, this.#f.hoist(i64x2.splat(1n << 62n))), 52);
    const e = f64x2.sub(v128.or(biased, this.#double(2 ** 52)), this.#double(2 ** 52 + 1024));
    const mantissa = this.#keep(i64x2.add(v128.and(shifted, this.#f.hoist(i64x2.splat(0xfffffffffffffn))), root));
    const one = this.#double(1);
    const s = this.#keep(f64x2.div(f64x2.sub(mantissa, one), f64x2.add(mantissa, one)));
    const series = f64x2.mul(s, this.#polynomial(this.#keep(f64x2.mul(s, s)), LOG2));
    const value = this.#keep(f64x2.add(this.#keep(e), series));
    const finite = v128.bitselect(value, x, f64x2.lt(x, this.#double(Infinity)));
    return this.#keep(v128.bitselect(this.#double(-Infinity), finite, f64x2.eq(x, this.#double(0))));
  }

  #exp2Half(x: V128): V128 {
    // far past the floats' range on both sides, so that rounding to float gives 0 and infinity
    const clamped = this.#keep(f64x2.pmin(f64x2.pmax(x, this.#double(-400)), this.#double(400)));
    const magic = this.#double(MAGIC);
    const shifted = this.#keep(f64x2.add(clamped, magic));
    const r = this.#keep(f64x2.sub(clamped, f64x2.sub(shifted, magic)));
    return this.#keep(i64x2.add(this.#polynomial(r, EXP2), i64x2.shl(shifted, 52)));
  }
}
