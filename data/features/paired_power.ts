import { Fft } from "./fft.ts";

/**
 * Power spectra |X[k]|² of two real frames with one complex FFT: the frames are the real and the imaginary part, and
 * the symmetry of a real signal's spectrum separates them. Fill `first` and `second`, call `run`; it overwrites both.
 */
export class PairedPower {
  /** Number of frequencies, floor(size / 2) + 1. */
  readonly bins: number;
  /** The two frames, each of `size` samples. */
  readonly first: Float64Array;
  /** See `first`. */
  readonly second: Float64Array;
  readonly #fft: Fft;

  /** @throws RangeError if the size is none an `Fft` can have. */
  constructor(size: number) {
    this.#fft = new Fft(size);
    this.bins = (size >> 1) + 1;
    this.first = new Float64Array(size);
    this.second = new Float64Array(size);
  }

  /** Writes the power spectrum of each frame to `a` and `b`, each of `bins` values. */
  run(a: Float64Array, b: Float64Array): void {
    const re = this.first, im = this.second, n = this.#fft.size;
    this.#fft.forward(re, im);
    a[0] = re[0] * re[0];
    b[0] = im[0] * im[0];
    for (let k = 1, bins = this.bins; k < bins; k++) {
      const r = re[k], i = im[k], mr = re[n - k], mi = im[n - k];
      const ar = r + mr, ai = i - mi, br = i + mi, bi = mr - r;
      a[k] = 0.25 * (ar * ar + ai * ai);
      b[k] = 0.25 * (br * br + bi * bi);
    }
  }
}
