import { Random } from "../random.ts";

/** Kinds of generated noise: the power of a band of one hertz falls by 0, 3 or 6 dB an octave. */
export type NoiseColor = "white" | "pink" | "brown";

/** Every {@linkcode NoiseColor}. */
export const noiseColors: readonly NoiseColor[] = ["white", "pink", "brown"];

/**
 * Noise of a colour, the same for a seed, of no certain power. Pink noise is white noise through three poles (P. Kellet's
 * filter, within half a decibel of −3 dB an octave), brown noise is summed white noise that forgets slowly, so that it stays
 * around 0.
 *
 * @param color how power falls with frequency
 * @param length number of samples
 * @param options `seed`: a whole number
 */
export function makeNoise(color: NoiseColor, length: number, { seed }: { readonly seed: number }): Float32Array {
  const noise = whiteNoise(length, new Random(seed));
  if (color === "pink") makePink(noise);
  if (color === "brown") makeBrown(noise);
  return noise;
}

/** Independent numbers of mean 0 and variance 1, nearly normal: sums of four uniform ones of 16 bits, which are soon made. */
export function whiteNoise(length: number, random: Random): Float32Array {
  const out = new Float32Array(length), mean = 2 * 0xffff, scale = Math.sqrt(3) / 0x10000;
  for (let i = 0; i < length; i++) {
    const a = random.bits(), b = random.bits();
    out[i] = ((a & 0xffff) + (a >>> 16) + (b & 0xffff) + (b >>> 16) - mean) * scale;
  }
  return out;
}

function makePink(noise: Float32Array): void {
  let a = 0, b = 0, c = 0;
  for (let i = 0; i < noise.length; i++) {
    const white = noise[i];
    a = 0.99765 * a + white * 0.099046;
    b = 0.963 * b + white * 0.2965164;
    c = 0.57 * c + white * 1.0526913;
    noise[i] = a + b + c + white * 0.1848;
  }
}

function makeBrown(noise: Float32Array): void {
  let sum = 0;
  for (let i = 0; i < noise.length; i++) noise[i] = sum = 0.998 * sum + noise[i];
}
