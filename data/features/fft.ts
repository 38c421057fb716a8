import { type FftPass, passes, planPasses } from "./fft_passes.ts";

/**
 * Discrete Fourier transform of any size, X[k] = Σ x[n] exp(-2πi n k / size), in float64. Sizes of the form
 * 2^a 3^b 5^c take mixed-radix Stockham passes; every other size becomes a convolution of a power-of-two size
 * (L. Bluestein, A linear filtering approach to the computation of the discrete Fourier transform, 1970). Tables and
 * scratch are made once, so keep the object.
 *
 * @example
 * ```ts
 * import { Fft } from "./fft.ts";
 * const re = Float64Array.of(1, 0, 0, 0), im = new Float64Array(4);
 * new Fft(4).forward(re, im); // re is now 1, 1, 1, 1
 * ```
 */
export class Fft {
  /** Number of points. */
  readonly size: number;
  readonly #plan: readonly FftPass[];
  readonly #chirp: Chirp | undefined;
  readonly #re: Float64Array;
  readonly #im: Float64Array;

  /**
   * Makes the tables of transforms of `size` points.
   *
   * @throws RangeError if `size` is not a whole number between 1 and 2^24.
   */
  constructor(size: number) {
    if (!Number.isInteger(size) || size < 1 || size > 2 ** 24) {
      throw new RangeError(`Cannot make an FFT of ${size} points: the size is a whole number from 1 to ${2 ** 24}`);
    }
    this.size = size;
    const plan = planPasses(size);
    this.#plan = plan ?? [];
    this.#chirp = plan ? undefined : makeChirp(size);
    const scratch = this.#chirp?.fft.size ?? size;
    this.#re = new Float64Array(scratch);
    this.#im = new Float64Array(scratch);
  }

  /** Transforms `re` + i `im` (each of `size`) in place. */
  forward(re: Float64Array, im: Float64Array): void {
    if (this.#chirp) return this.#convolve(this.#chirp, re, im);
    let xr = re, xi = im, yr = this.#re, yi = this.#im;
    for (const pass of this.#plan) {
      passes.get(pass.radix)!(pass, xr, xi, yr, yi);
      [xr, yr] = [yr, xr];
      [xi, yi] = [yi, xi];
    }
    if (xr !== re) {
      re.set(xr);
      im.set(xi);
    }
  }

  #convolve({ fft, cos, sin, kernelRe, kernelIm }: Chirp, re: Float64Array, im: Float64Array): void {
    const ar = this.#re.fill(0), ai = this.#im.fill(0), n = this.size, m = fft.size;
    for (let k = 0; k < n; k++) {
      ar[k] = re[k] * cos[k] + im[k] * sin[k];
      ai[k] = im[k] * cos[k] - re[k] * sin[k];
    }
    fft.forward(ar, ai);
    for (let k = 0; k < m; k++) {
      const r = ar[k] * kernelRe[k] - ai[k] * kernelIm[k];
      // The inverse transform is the forward one of the conjugate, conjugated again below.
      ai[k] = -(ar[k] * kernelIm[k] + ai[k] * kernelRe[k]);
      ar[k] = r;
    }
    fft.forward(ar, ai);
    for (let k = 0; k < n; k++) {
      const r = ar[k] / m, i = -ai[k] / m;
      re[k] = r * cos[k] + i * sin[k];
      im[k] = i * cos[k] - r * sin[k];
    }
  }
}

/** Tables of Bluestein's method: cos and sin of π k² / n, and the transform of the chirp exp(iπ k² / n). */
interface Chirp {
  readonly fft: Fft;
  readonly cos: Float64Array;
  readonly sin: Float64Array;
  readonly kernelRe: Float64Array;
  readonly kernelIm: Float64Array;
}

function makeChirp(n: number): Chirp {
  let m = 1;
  while (m < 2 * n - 1) m *= 2;
  const cos = new Float64Array(n), sin = new Float64Array(n);
  const kernelRe = new Float64Array(m), kernelIm = new Float64Array(m);
  for (let k = 0; k < n; k++) {
    // k² mod 2n keeps the angle small and therefore exact; k² < 2^48 is a whole number in float64.
    const angle = Math.PI * ((k * k) % (2 * n)) / n;
    cos[k] = Math.cos(angle);
    sin[k] = Math.sin(angle);
    kernelRe[k] = kernelRe[(m - k) % m] = cos[k];
    kernelIm[k] = kernelIm[(m - k) % m] = sin[k];
  }
  const fft = new Fft(m);
  fft.forward(kernelRe, kernelIm);
  return { fft, cos, sin, kernelRe, kernelIm };
}
