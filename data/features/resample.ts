/** The filter of {@linkcode resample}: torchaudio's defaults. */
export interface ResampleOptions {
  /** Zero crossings of the sinc on either side; default 6. */
  lowpassFilterWidth?: number;
  /** Cut-off as a share of the lower Nyquist frequency; default 0.99. */
  rolloff?: number;
}

const MAX_RATE = 768_000;

/**
 * Changes the sample rate by a Hann-windowed sinc, equal to `torchaudio.functional.resample` with its defaults. Each of
 * the output phases has its own few filter taps, made once, so keep the object for many recordings of one rate.
 */
export class Resampler {
  /** Rate of what `apply` takes, in Hz. */
  readonly from: number;
  /** Rate of what `apply` gives, in Hz. */
  readonly to: number;
  /** Steps of the input and the output in lowest terms: `#to` outputs for `#from` inputs. */
  readonly #from: number;
  readonly #to: number;
  /** For each phase its first input, relative to the group's first, and `#width` taps. */
  readonly #starts: Int32Array;
  readonly #taps: Float64Array;
  readonly #width: number;

  /**
   * Makes the filter taps.
   *
   * @throws RangeError for a rate that is no whole number from 1 to 768000 and for filter options out of range.
   */
  constructor(from: number, to: number, { lowpassFilterWidth = 6, rolloff = 0.99 }: ResampleOptions = {}) {
    for (const rate of [from, to]) {
      if (!Number.isInteger(rate) || rate < 1 || rate > MAX_RATE) {
        throw new RangeError(
          `Cannot resample from ${from} to ${to} Hz: a rate is a whole number from 1 to ${MAX_RATE}`,
        );
      }
    }
    if (!(lowpassFilterWidth >= 1 && lowpassFilterWidth <= 1000) || !(rolloff > 0 && rolloff <= 1)) {
      throw new RangeError(
        `Cannot resample: lowpassFilterWidth is ${lowpassFilterWidth} and rolloff ${rolloff}, wanted 1 to 1000 and 0 to 1`,
      );
    }
    const common = greatestCommonDivisor(from, to);
    this.from = from;
    this.to = to;
    this.#from = from / common;
    this.#to = to / common;
    const cutoff = Math.min(this.#from, this.#to) * rolloff / this.#from, reach = lowpassFilterWidth / cutoff;
    this.#width = Math.floor(2 * reach) + 1;
    this.#starts = new Int32Array(this.#to);
    this.#taps = new Float64Array(from === to ? 0 : this.#to * this.#width);
    for (let phase = 0, at = 0; at < this.#taps.length; phase++) {
      // The output lies between inputs; the sinc reaches `reach` inputs to either side.
      const center = phase * this.#from / this.#to, first = this.#starts[phase] = Math.ceil(center - reach);
      for (let k = 0; k < this.#width; k++) {
        this.#taps[at++] = cutoff * windowedSinc((first + k - center) * cutoff, lowpassFilterWidth);
      }
    }
  }

  /** The waveform at the rate `to`: ceil(length * to / from) samples, a copy even if the rates are equal. */
  apply(samples: Float32Array): Float32Array {
    if (this.from === this.to) return samples.slice();
    const from = this.#from, to = this.#to, n = samples.length, out = new Float32Array(Math.ceil(n * to / from));
    const taps = this.#taps, width = this.#width;
    for (let i = 0, phase = 0, group = 0; i < out.length; i++) {
      const start = group + this.#starts[phase], end = Math.min(width, n - start), row = phase * width;
      let sum = 0;
      for (let k = Math.max(0, -start); k < end; k++) sum += taps[row + k] * samples[start + k];
      out[i] = sum;
      if (++phase === to) {
        phase = 0;
        group += from;
      }
    }
    return out;
  }
}

/** sinc(t) under a Hann window that ends at ±width. */
function windowedSinc(t: number, width: number): number {
  if (t === 0) return 1;
  if (Math.abs(t) >= width) return 0;
  return Math.sin(Math.PI * t) / (Math.PI * t) * Math.cos(Math.PI * t / width / 2) ** 2;
}

/** One waveform at another rate; see {@linkcode Resampler}, which keeps its tables. */
export function resample(samples: Float32Array, from: number, to: number, options: ResampleOptions = {}): Float32Array {
  return new Resampler(from, to, options).apply(samples);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
