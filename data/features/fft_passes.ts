/**
 * One pass of a Stockham FFT for each small radix (C. Van Loan, Computational Frameworks for the Fast Fourier
 * Transform, 1992, section 1.7). A pass reads `x` and writes `y`, so no reordering step is needed at the end.
 *
 * With n = radix * m points left in each of s interleaved transforms, element q + s*(p + m*k) of `x` is term k of the
 * small transform p, and its output j, turned by exp(-2πi p j / n), goes to q + s*(radix*p + j) of `y`.
 */
export interface FftPass {
  readonly radix: number;
  readonly m: number;
  readonly s: number;
  /** For each p the pairs (cos, sin) of j = 1 … radix-1. */
  readonly twiddles: Float64Array;
}

/** A pass over split real and imaginary parts. */
export type PassFunction = (
  pass: FftPass,
  xr: Float64Array,
  xi: Float64Array,
  yr: Float64Array,
  yi: Float64Array,
) => void;

function pass2(
  { m, s, twiddles: w }: FftPass,
  xr: Float64Array,
  xi: Float64Array,
  yr: Float64Array,
  yi: Float64Array,
): void {
  const ms = m * s;
  for (let p = 0; p < m; p++) {
    const wr = w[2 * p], wi = w[2 * p + 1];
    for (let i = p * s, end = i + s, o = 2 * p * s; i < end; i++, o++) {
      const ar = xr[i], ai = xi[i], br = xr[i + ms], bi = xi[i + ms];
      yr[o] = ar + br;
      yi[o] = ai + bi;
      const dr = ar - br, di = ai - bi;
      yr[o + s] = dr * wr - di * wi;
      yi[o + s] = dr * wi + di * wr;
    }
  }
}

const SIN3 = Math.sqrt(3) / 2;

function pass3(
  { m, s, twiddles: w }: FftPass,
  xr: Float64Array,
  xi: Float64Array,
  yr: Float64Array,
  yi: Float64Array,
): void {
  const ms = m * s;
  for (let p = 0; p < m; p++) {
    const t = 4 * p, w1r = w[t], w1i = w[t + 1], w2r = w[t + 2], w2i = w[t + 3];
    for (let i = p * s, end = i + s, o = 3 * p * s; i < end; i++, o++) {
      const ar = xr[i], ai = xi[i], br = xr[i + ms], bi = xi[i + ms], cr = xr[i + 2 * ms], ci = xi[i + 2 * ms];
      const sumR = br + cr, sumI = bi + ci, difR = SIN3 * (bi - ci), difI = SIN3 * (cr - br);
      yr[o] = ar + sumR;
      yi[o] = ai + sumI;
      const midR = ar - sumR / 2, midI = ai - sumI / 2;
      const r1 = midR + difR, i1 = midI + difI, r2 = midR - difR, i2 = midI - difI;
      yr[o + s] = r1 * w1r - i1 * w1i;
      yi[o + s] = r1 * w1i + i1 * w1r;
      yr[o + 2 * s] = r2 * w2r - i2 * w2i;
      yi[o + 2 * s] = r2 * w2i + i2 * w2r;
    }
  }
}

/** The first transform of each pass of radix 4, p = 0, whose twiddles are all 1; in the last pass it is the only one. */
function plain4(
  { m, s }: FftPass,
  xr: Float64Array,
  xi: Float64Array,
  yr: Float64Array,
  yi: Float64Array,
): void {
  const ms = m * s;
  for (let i = 0; i < s; i++) {
    const ar = xr[i], ai = xi[i], br = xr[i + ms], bi = xi[i + ms];
    const cr = xr[i + 2 * ms], ci = xi[i + 2 * ms], dr = xr[i + 3 * ms], di = xi[i + 3 * ms];
    const acR = ar + cr, acI = ai + ci, amR = ar - cr, amI = ai - ci;
    const bdR = br + dr, bdI = bi + di, bmR = br - dr, bmI = bi - di;
    yr[i] = acR + bdR;
    yi[i] = acI + bdI;
    yr[i + s] = amR + bmI;
    yi[i + s] = amI - bmR;
    yr[i + 2 * s] = acR - bdR;
    yi[i + 2 * s] = acI - bdI;
    yr[i + 3 * s] = amR - bmI;
    yi[i + 3 * s] = amI + bmR;
  }
}

function pass4(
  pass: FftPass,
  xr: Float64Array,
  xi: Float64Array,
  yr: Float64Array,
  yi: Float64Array,
): void {
  const { m, s, twiddles: w } = pass, ms = m * s;
  plain4(pass, xr, xi, yr, yi);
  for (let p = 1; p < m; p++) {
    const t = 6 * p;
    const w1r = w[t], w1i = w[t + 1], w2r = w[t + 2], w2i = w[t + 3], w3r = w[t + 4], w3i = w[t + 5];
    for (let i = p * s, end = i + s, o = 4 * p * s; i < end; i++, o++) {
      const ar = xr[i], ai = xi[i], br = xr[i + ms], bi = xi[i + ms];
      const cr = xr[i + 2 * ms], ci = xi[i + 2 * ms], dr = xr[i + 3 * ms], di = xi[i + 3 * ms];
      const acR = ar + cr, acI = ai + ci, amR = ar - cr, amI = ai - ci;
      const bdR = br + dr, bdI = bi + di, bmR = br - dr, bmI = bi - di;
      yr[o] = acR + bdR;
      yi[o] = acI + bdI;
      const r1 = amR + bmI, i1 = amI - bmR, r2 = acR - bdR, i2 = acI - bdI, r3 = amR - bmI, i3 = amI + bmR;
      yr[o + s] = r1 * w1r - i1 * w1i;
      yi[o + s] = r1 * w1i + i1 * w1r;
      yr[o + 2 * s] = r2 * w2r - i2 * w2i;
      yi[o + 2 * s] = r2 * w2i + i2 * w2r;
      yr[o + 3 * s] = r3 * w3r - i3 * w3i;
      yi[o + 3 * s] = r3 * w3i + i3 * w3r;
    }
  }
}

const COS5 = Math.cos(2 * Math.PI / 5), COS5B = Math.cos(4 * Math.PI / 5);
const SIN5 = Math.sin(2 * Math.PI / 5), SIN5B = Math.sin(4 * Math.PI / 5);

function pass5(
  { m, s, twiddles: w }: FftPass,
  xr: Float64Array,
  xi: Float64Array,
  yr: Float64Array,
  yi: Float64Array,
): void {
  const ms = m * s;
  for (let p = 0; p < m; p++) {
    const t = 8 * p;
    const w1r = w[t], w1i = w[t + 1], w2r = w[t + 2], w2i = w[t + 3];
    const w3r = w[t + 4], w3i = w[t + 5], w4r = w[t + 6], w4i = w[t + 7];
    for (let i = p * s, end = i + s, o = 5 * p * s; i < end; i++, o++) {
      const ar = xr[i], ai = xi[i], br = xr[i + ms], bi = xi[i + ms], cr = xr[i + 2 * ms], ci = xi[i + 2 * ms];
      const dr = xr[i + 3 * ms], di = xi[i + 3 * ms], er = xr[i + 4 * ms], ei = xi[i + 4 * ms];
      const beR = br + er, beI = bi + ei, bmR = br - er, bmI = bi - ei;
      const cdR = cr + dr, cdI = ci + di, cmR = cr - dr, cmI = ci - di;
      yr[o] = ar + beR + cdR;
      yi[o] = ai + beI + cdI;
      const midR = ar + COS5 * beR + COS5B * cdR, midI = ai + COS5 * beI + COS5B * cdI;
      const outR = ar + COS5B * beR + COS5 * cdR, outI = ai + COS5B * beI + COS5 * cdI;
      const turnR = SIN5 * bmI + SIN5B * cmI, turnI = SIN5 * bmR + SIN5B * cmR;
      const backR = SIN5B * bmI - SIN5 * cmI, backI = SIN5B * bmR - SIN5 * cmR;
      const r1 = midR + turnR, i1 = midI - turnI, r4 = midR - turnR, i4 = midI + turnI;
      const r2 = outR + backR, i2 = outI - backI, r3 = outR - backR, i3 = outI + backI;
      yr[o + s] = r1 * w1r - i1 * w1i;
      yi[o + s] = r1 * w1i + i1 * w1r;
      yr[o + 2 * s] = r2 * w2r - i2 * w2i;
      yi[o + 2 * s] = r2 * w2i + i2 * w2r;
      yr[o + 3 * s] = r3 * w3r - i3 * w3i;
      yi[o + 3 * s] = r3 * w3i + i3 * w3r;
      yr[o + 4 * s] = r4 * w4r - i4 * w4i;
      yi[o + 4 * s] = r4 * w4i + i4 * w4r;
    }
  }
}

/** The pass for each radix that has one. */
export const passes: ReadonlyMap<number, PassFunction> = new Map([[2, pass2], [3, pass3], [4, pass4], [5, pass5]]);

/** The passes of an n-point transform, or undefined if n has a prime factor above 5. */
export function planPasses(n: number): FftPass[] | undefined {
  const plan: FftPass[] = [];
  let left = n, s = 1;
  for (const radix of [5, 4, 3, 2]) {
    while (left % radix === 0) {
      const m = left / radix;
      plan.push({ radix, m, s, twiddles: twiddleTable(left, radix) });
      left = m;
      s *= radix;
    }
  }
  return left === 1 ? plan : undefined;
}

function twiddleTable(n: number, radix: number): Float64Array {
  const m = n / radix, table = new Float64Array(m * (radix - 1) * 2);
  let at = 0;
  for (let p = 0; p < m; p++) {
    for (let j = 1; j < radix; j++) {
      const angle = -2 * Math.PI * (p * j % n) / n;
      table[at++] = Math.cos(angle);
      table[at++] = Math.sin(angle);
    }
  }
  return table;
}
