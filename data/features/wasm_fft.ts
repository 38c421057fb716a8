import type { Body } from "../../tensor/cpu/wasm/module.ts";
import { f32x4, i32, type V128, v128 } from "../../tensor/cpu/wasm/ops.ts";
import type { FftPass } from "./fft_passes.ts";

/** A complex number in each of four lanes. */
interface Complex {
  readonly re: V128;
  readonly im: V128;
}

/** Addresses of one pass in the WASM memory; imaginary parts lie `imaginary` bytes behind real ones. */
export interface PassAddresses {
  readonly from: number;
  readonly to: number;
  readonly twiddles: number;
  readonly imaginary: number;
}

/**
 * Emits one pass of the Stockham FFT of `fft_passes.ts` on four transforms at once, one in each lane. Sizes are
 * constants of the code, so that an address is one pointer and a fixed offset.
 */
export function emitPass(f: Body, { radix, m, s }: FftPass, { from, to, twiddles, imaginary }: PassAddresses): void {
  const x = f.local("i32", from), y = f.local("i32", to), w = f.local("i32", twiddles);
  const endOfPass = from + m * s * 16, endOfGroup = f.local("i32");
  f.doWhile(() => {
    const turns = m === 1 ? [] : Array.from({ length: radix - 1 }, (_, j): Complex => ({
      re: f.local("v128", v128.load32Splat(w, 8 * j)),
      im: f.local("v128", v128.load32Splat(w, 8 * j + 4)),
    }));
    f.set(endOfGroup, i32.add(x, s * 16));
    f.doWhile(() => {
      const inputs = Array.from({ length: radix }, (_, k): Complex => ({
        re: f.local("v128", v128.load(x, k * m * s * 16)),
        im: f.local("v128", v128.load(x, k * m * s * 16 + imaginary)),
      }));
      butterfly(f, inputs).forEach((output, j) => {
        const turned = j === 0 || m === 1 ? output : multiply(output, turns[j - 1]);
        f.do(
          v128.store(y, turned.re, j * s * 16),
          v128.store(y, turned.im, j * s * 16 + imaginary),
        );
      });
      f.step(x, 16);
      f.step(y, 16);
    }, i32.ltU(x, endOfGroup));
    f.step(y, (radix - 1) * s * 16);
    f.step(w, (radix - 1) * 8);
  }, i32.ltU(x, endOfPass));
}

const { add, sub, mul } = f32x4;

function multiply(a: Complex, b: Complex): Complex {
  return {
    re: sub(mul(a.re, b.re), mul(a.im, b.im)),
    im: add(mul(a.re, b.im), mul(a.im, b.re)),
  };
}

/** The discrete Fourier transform of 2 to 5 numbers, as in `fft_passes.ts`; results are locals of `f`. */
function butterfly(f: Body, inputs: readonly Complex[]): Complex[] {
  const keep = ({ re, im }: Complex): Complex => ({ re: f.local("v128", re), im: f.local("v128", im) });
  const plus = (a: Complex, b: Complex) => keep({ re: add(a.re, b.re), im: add(a.im, b.im) });
  const minus = (a: Complex, b: Complex) => keep({ re: sub(a.re, b.re), im: sub(a.im, b.im) });
  /** a - i b. */
  const minusI = (a: Complex, b: Complex) => keep({ re: add(a.re, b.im), im: sub(a.im, b.re) });
  /** a + i b. */
  const plusI = (a: Complex, b: Complex) => keep({ re: sub(a.re, b.im), im: add(a.im, b.re) });
  const scale = (a: Complex, by: number) => {
    const factor = f.hoist(f32x4.const(by));
    return keep({ re: mul(a.re, factor), im: mul(a.im, factor) });
  };
  const [a, b, c, d, e] = inputs;
  if (inputs.length === 2) return [plus(a, b), minus(a, b)];
  if (inputs.length === 3) {
    const sum = plus(b, c), turn = scale(minus(b, c), Math.sin(2 * Math.PI / 3)), middle = minus(a, scale(sum, 0.5));
    return [plus(a, sum), minusI(middle, turn), plusI(middle, turn)];
  }
  if (inputs.length === 4) {
    const even = plus(a, c), odd = plus(b, d), evenDifference = minus(a, c), oddDifference = minus(b, d);
    return [
      plus(even, odd),
      minusI(evenDifference, oddDifference),
      minus(even, odd),
      plusI(evenDifference, oddDifference),
    ];
  }
  const cos1 = Math.cos(2 * Math.PI / 5), cos2 = Math.cos(4 * Math.PI / 5);
  const sin1 = Math.sin(2 * Math.PI / 5), sin2 = Math.sin(4 * Math.PI / 5);
  const be = plus(b, e), cd = plus(c, d), beDifference = minus(b, e), cdDifference = minus(c, d);
  const near = plus(a, plus(scale(be, cos1), scale(cd, cos2))), far = plus(a, plus(scale(be, cos2), scale(cd, cos1)));
  const turn = plus(scale(beDifference, sin1), scale(cdDifference, sin2));
  const back = minus(scale(beDifference, sin2), scale(cdDifference, sin1));
  return [plus(a, plus(be, cd)), minusI(near, turn), minusI(far, back), plusI(far, back), plusI(near, turn)];
}
