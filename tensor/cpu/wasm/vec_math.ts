/**
 * exp, log and tanh on four floats: range reduction after Cody and Waite (1980), then near-minimax polynomials
 * (fitted by Lawson's iteration). Relative errors stay below 2e-7; infinities, zeros and NaN come out as in C.
 * @module
 */
import type { Body, Target } from "./module.ts";
import { f32x4, i32x4, type V128, v128 } from "./ops.ts";

/** Arguments between which e to the x is a normal float. */
const EXP_LOWEST = -87.336;
const EXP_HIGHEST = 88.722;

/** Emits vector functions into one function's body; constants are computed once at its entry. */
export class VectorMath {
  readonly #f: Body;
  readonly #fma: boolean;

  constructor(body: Body, target: Target) {
    this.#f = body;
    this.#fma = target.fma;
  }

  /** The float in all four lanes, kept over loops. */
  constant(value: number): V128 {
    return this.#f.hoist(f32x4.const(value));
  }

  /** The integer in all four lanes, kept over loops. */
  integer(value: number): V128 {
    return this.#f.hoist(v128.const([value, value, value, value]));
  }

  /** A local that holds the value, for values that are used more than once. */
  keep(value: V128): V128 {
    return this.#f.local("v128", value);
  }

  /** a·b + c. */
  madd(a: V128, b: V128, c: V128): V128 {
    return this.#fma ? f32x4.relaxedMadd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
  }

  /** c0 + c1·x + c2·x² + …, by Horner's rule. */
  polynomial(x: V128, coefficients: readonly number[]): V128 {
    return coefficients.slice(0, -1).reduceRight<V128>(
      (sum, c) => this.madd(sum, x, this.constant(c)),
      this.constant(coefficients[coefficients.length - 1]),
    );
  }

  /** e to the x; 0 where it is below 2^-126, infinity above 88.72. */
  exp(x: V128): V128 {
    const kept = this.keep(x);
    const value = this.keep(this.#expNormal(kept, f32x4.pmin(kept, this.constant(EXP_HIGHEST))));
    const infinite = v128.and(f32x4.gt(kept, this.constant(EXP_HIGHEST)), this.constant(Infinity));
    return this.keep(f32x4.add(value, infinite));
  }

  /** e to the x for x ≤ 0 (or little above); cheaper than {@linkcode exp}. */
  expOfNegative(x: V128): V128 {
    const kept = this.keep(x);
    return this.keep(this.#expNormal(kept, kept));
  }

  /** e to the `x`, of which `bounded` is the part below the highest argument; 0 far below. */
  #expNormal(x: V128, bounded: V128): V128 {
    const lowest = this.constant(EXP_LOWEST);
    const clamped = this.keep(f32x4.pmax(bounded, lowest));
    // adding 1.5·2^23 rounds to a whole number and leaves it in the low bits
    const magic = this.constant(12582912);
    const shifted = this.keep(this.madd(clamped, this.constant(Math.LOG2E), magic));
    const n = this.keep(f32x4.sub(shifted, magic));
    const high = this.madd(n, this.constant(-0.693359375), clamped);
    const r = this.keep(this.madd(n, this.constant(2.12194440e-4), high));
    const p = this.polynomial(r, [0.5000000095, 0.1666651868, 0.04166620533, 0.008368908311, 0.001395052292]);
    const power = f32x4.add(this.madd(f32x4.mul(r, r), p, r), this.constant(1));
    // times 2^n; a NaN has zeros in its low bits and stays one
    const scaled = i32x4.add(power, i32x4.shl(shifted, 23));
    return v128.andNot(scaled, f32x4.lt(x, lowest));
  }

  /** Natural logarithm; −infinity at 0, NaN below. */
  log(x: V128): V128 {
    const tiny = this.keep(f32x4.lt(x, this.constant(2 ** -126)));
    const scaled = this.keep(v128.bitselect(f32x4.mul(x, this.constant(2 ** 25)), x, tiny));
    // subtracting the bits of sqrt(1/2) makes the mantissa part lie in [sqrt(1/2), sqrt(2))
    const root = this.integer(0x3f3504f3);
    const shifted = this.keep(i32x4.sub(scaled, root));
    const exponent = i32x4.sub(i32x4.shrS(shifted, 23), v128.and(tiny, this.integer(25)));
    const e = this.keep(f32x4.fromInt(exponent));
    const mantissa = i32x4.add(v128.and(shifted, this.integer(0x7fffff)), root);
    const f = this.keep(f32x4.sub(mantissa, this.constant(1)));
    const square = this.keep(f32x4.mul(f, f));
    const p = this.polynomial(f, [
      0.3333331673,
      -0.2500081040,
      0.2000228630,
      -0.1662455407,
      0.1418119155,
      -0.1312875422,
      0.1288164956,
      -0.07859615279,
    ]);
    const low = this.madd(e, this.constant(-2.12194440e-4), f32x4.mul(f32x4.mul(p, f), square));
    const rest = this.madd(square, this.constant(-0.5), low);
    const value = this.keep(this.madd(e, this.constant(0.693359375), f32x4.add(f, rest)));
    return this.#logOfSpecial(x, value);
  }

  #logOfSpecial(x: V128, value: V128): V128 {
    const infinity = this.constant(Infinity);
    const zero = this.constant(0);
    // x < infinity fails for infinity and NaN, which are their own logarithms
    const finite = v128.bitselect(value, x, f32x4.lt(x, infinity));
    const atZero = v128.bitselect(this.constant(-Infinity), finite, f32x4.eq(x, zero));
    return this.keep(v128.bitselect(this.constant(NaN), atZero, f32x4.lt(x, zero)));
  }

  /** Hyperbolic tangent. */
  tanh(x: V128): V128 {
    const size = this.keep(f32x4.abs(x));
    const z = this.keep(f32x4.mul(x, x));
    const p = this.polynomial(z, [-0.3333328393, 0.1333149130, -0.05374349878, 0.02065058946, -0.005717047349]);
    const small = this.keep(this.madd(f32x4.mul(z, p), x, x));
    const one = this.constant(1);
    const e = this.exp(f32x4.add(size, size));
    const large = this.keep(f32x4.sub(one, f32x4.div(this.constant(2), f32x4.add(e, one))));
    const sign = this.integer(-0x80000000);
    const signed = v128.or(large, v128.and(x, sign));
    return this.keep(v128.bitselect(small, signed, f32x4.lt(size, this.constant(0.625))));
  }
}
