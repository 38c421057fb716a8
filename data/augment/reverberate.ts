import { Fft } from "../features/fft.ts";
import { Random } from "../random.ts";
import { powerOf } from "./level.ts";
import { whiteNoise } from "./make_noise.ts";

/** A room to make an impulse response of. */
export interface RoomOptions {
  /** Samples a second. */
  readonly sampleRate: number;
  /** Seconds in which the reverberation falls by 60 dB. */
  readonly rt60: number;
  /** Power of the direct sound over that of the reverberation, in dB. Default 0. */
  readonly direct?: number;
  /** A whole number; the same one gives the same room. */
  readonly seed: number;
}

/**
 * Impulse response of a made-up room: the direct sound, 1, and after it noise that decays exponentially (J. A. Moorer, About
 * this reverberation business, 1979). It has `rt60` seconds.
 *
 * @throws {RangeError} a number is out of range
 */
export function makeRoom({ sampleRate, rt60, direct = 0, seed }: RoomOptions): Float32Array {
  const length = Math.round(rt60 * sampleRate);
  if (!(length >= 1 && length <= 2 ** 22 && Number.isFinite(direct))) {
    throw new RangeError(`Cannot make a room with an RT60 of ${rt60} s at ${sampleRate} Hz, direct sound ${direct} dB`);
  }
  const tail = whiteNoise(length, new Random(seed)), decay = 10 ** (-3 / length);
  for (let i = 0, level = 1; i < length; i++, level *= decay) tail[i] *= level;
  tail[0] = 0;
  const energy = powerOf(tail) * length;
  const factor = energy > 0 ? Math.sqrt(10 ** (-direct / 10) / energy) : 0;
  const response = tail.map((x) => x * factor);
  response[0] = 1;
  return response;
}

/**
 * A waveform as it sounds in a room: convolved with the room's impulse response. What the response has before its largest
 * sample, the direct sound, is left out as delay, the result is as long as the waveform and as loud.
 *
 * @param samples the waveform
 * @param response impulse response at the same sample rate
 * @throws {RangeError} the response is empty or silent
 */
export function reverberate(samples: Float32Array, response: Float32Array): Float32Array {
  const start = loudest(response);
  if (!(Math.abs(response[start]) > 0)) throw new RangeError("Cannot reverberate: the impulse response is silent");
  const heard = convolve(samples, response.subarray(start, start + samples.length));
  const factor = Math.sqrt(powerOf(samples) / powerOf(heard));
  return Number.isFinite(factor) ? heard.map((x) => x * factor) : samples.slice();
}

function loudest(response: Float32Array): number {
  let best = 0;
  for (let i = 1; i < response.length; i++) if (Math.abs(response[i]) > Math.abs(response[best])) best = i;
  return best;
}

/** The last few transforms. */
const transforms = new Map<number, Fft>();

/**
 * Points of a transform for `length` samples: 75, 100 or 125 times a power of two, so that rooms of all sizes share a few
 * tables. (Powers of two themselves take twice as long: their strides fall on the same lines of the processor's cache.)
 */
function sizeFor(length: number): number {
  for (let scale = 1;; scale *= 2) {
    for (const points of [75, 100, 125]) if (points * scale >= length) return points * scale;
  }
}

function transformOf(size: number): Fft {
  const known = transforms.get(size);
  if (known !== undefined) return known;
  const made = new Fft(size), [oldest] = transforms.keys();
  if (transforms.size >= 4) transforms.delete(oldest);
  transforms.set(size, made);
  return made;
}

/**
 * The first samples of the linear convolution, as many as `x` has. Both are real: one transform of x + iy holds both spectra, as
 * X Y = (Z[k]² − conj(Z[−k])²) / 4i.
 */
function convolve(x: Float32Array, y: Float32Array): Float32Array {
  const size = sizeFor(x.length + y.length);
  const fft = transformOf(size), re = new Float64Array(size), im = new Float64Array(size);
  re.set(x);
  im.set(y);
  fft.forward(re, im);
  const productRe = new Float64Array(size), productIm = new Float64Array(size);
  for (let k = 0; k < size; k++) {
    const m = (size - k) % size;
    // Z² of k and of −k; the difference divided by 4i, and conjugated, since the transform back is forward of the conjugate
    const a = re[k] * re[k] - im[k] * im[k], b = 2 * re[k] * im[k];
    const c = re[m] * re[m] - im[m] * im[m], d = -2 * re[m] * im[m];
    productRe[k] = (b - d) / 4;
    productIm[k] = (a - c) / 4;
  }
  fft.forward(productRe, productIm);
  const out = new Float32Array(x.length);
  for (let i = 0; i < out.length; i++) out[i] = productRe[i] / size;
  return out;
}
