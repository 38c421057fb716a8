import { powerOf } from "./level.ts";

/**
 * A waveform with noise over all of it, at a ratio of their powers. Noise shorter than it is repeated, longer is cut. Where
 * the waveform is silent there is no such ratio, and where the noise is there is nothing to add: it stays as it is then.
 *
 * @example
 * ```ts
 * import { addNoise } from "./add_noise.ts";
 * import { makeNoise } from "./make_noise.ts";
 * const tone = Float32Array.from({ length: 16000 }, (_, i) => Math.sin(i / 5));
 * const noisy = addNoise(tone, makeNoise("pink", tone.length, { seed: 1 }), { snr: 10 });
 * ```
 *
 * @param samples the waveform
 * @param noise at the same sample rate, at least one sample
 * @param options `snr`: 10 log10 of the waveform's power over the noise's, in dB
 * @throws {RangeError} there is no noise, or the ratio is not finite
 */
export function addNoise(samples: Float32Array, noise: Float32Array, { snr }: { readonly snr: number }): Float32Array {
  if (noise.length === 0) throw new RangeError("Cannot add noise: it has no samples");
  if (!Number.isFinite(snr)) throw new RangeError(`Cannot add noise: the ratio is ${snr} dB, wanted a finite number`);
  const heard = asLongAs(samples, noise), wanted = powerOf(samples) / 10 ** (snr / 10);
  const factor = Math.sqrt(wanted / powerOf(heard));
  return Number.isFinite(factor) ? samples.map((x, i) => x + factor * heard[i]) : samples.slice();
}

function asLongAs(samples: Float32Array, noise: Float32Array): Float32Array {
  if (noise.length >= samples.length) return noise.subarray(0, samples.length);
  return Float32Array.from({ length: samples.length }, (_, i) => noise[i % noise.length]);
}
