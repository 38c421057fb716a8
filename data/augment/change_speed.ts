import { Resampler } from "../features/resample.ts";

/** Filters of the last few factors: making one costs more than a chunk. */
const resamplers = new Map<string, Resampler>();

/**
 * A waveform played faster (factor above 1: shorter and higher) or slower, by resampling: a tone of f Hz becomes one of
 * `factor` × f. It has ceil(length / factor) samples, as near as whole rates allow.
 *
 * @param samples the waveform
 * @param factor 0.1 to 10
 * @param options `sampleRate` of the waveform, in Hz
 * @throws {RangeError} the factor or the rate is out of range
 */
export function changeSpeed(
  samples: Float32Array,
  factor: number,
  { sampleRate }: { readonly sampleRate: number },
): Float32Array {
  return factor === 1 ? samples.slice() : resamplerOf(factor, sampleRate).apply(samples);
}

/** Samples needed of a waveform so that `length` are left at another speed. */
export function lengthBefore(length: number, factor: number, { sampleRate }: { readonly sampleRate: number }): number {
  return Math.ceil(length * playedRate(factor, sampleRate) / sampleRate);
}

/** The rate at which a recording is taken to be in order to sound faster or slower. */
function playedRate(factor: number, sampleRate: number): number {
  if (!(factor >= 0.1 && factor <= 10)) {
    throw new RangeError(`Cannot change the speed by ${factor}: wanted a factor from 0.1 to 10`);
  }
  return Math.max(1, Math.round(sampleRate * factor));
}

function resamplerOf(factor: number, sampleRate: number): Resampler {
  const key = `${factor} ${sampleRate}`, known = resamplers.get(key);
  if (known !== undefined) return known;
  const made = new Resampler(playedRate(factor, sampleRate), sampleRate), [oldest] = resamplers.keys();
  if (resamplers.size >= 8) resamplers.delete(oldest);
  resamplers.set(key, made);
  return made;
}
