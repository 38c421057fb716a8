/**
 * A recording in memory that all threads share, at the sample rate of the features: 16-bit numbers where they hold it
 * exactly, as they do most files of 16 bits that need no resampling, else 32-bit floats.
 */
export type StoredWave = Int16Array<SharedArrayBuffer> | Float32Array<SharedArrayBuffer>;

/** A part of a recording; one that reaches over its end goes on at its beginning. */
export interface WaveCut {
  /** First sample, within the recording. */
  readonly start: number;
  /** Number of samples, maybe more than the recording has. */
  readonly length: number;
}

const FULL_SCALE = 32768;

/** Stores a waveform; nothing is lost. */
export function storeWave(samples: Float32Array): StoredWave {
  if (!fitsInt16(samples)) {
    const floats = new Float32Array(new SharedArrayBuffer(samples.length * 4));
    floats.set(samples);
    return floats;
  }
  const integers = new Int16Array(new SharedArrayBuffer(samples.length * 2));
  for (let i = 0; i < samples.length; i++) integers[i] = samples[i] * FULL_SCALE;
  return integers;
}

/** A part of a stored waveform as floats; by default all of it. */
export function cutWave(wave: StoredWave, cut: WaveCut = { start: 0, length: wave.length }): Float32Array<ArrayBuffer> {
  const { start, length } = cut, out = new Float32Array(length);
  for (let at = 0, from = start; at < length; from = 0) {
    const part = wave.subarray(from, from + length - at);
    out.set(part, at);
    at += part.length;
  }
  if (wave instanceof Int16Array) { for (let i = 0; i < length; i++) out[i] /= FULL_SCALE; }
  return out;
}

function fitsInt16(samples: Float32Array): boolean {
  return samples.every((x) => {
    const scaled = x * FULL_SCALE;
    return Number.isInteger(scaled) && scaled >= -FULL_SCALE && scaled < FULL_SCALE;
  });
}
