/** How loud a waveform is: the mean of its squared samples. */
export function powerOf(samples: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += samples[i] * samples[i];
  return sum / Math.max(1, samples.length);
}

/** A waveform `decibels` louder, or quieter where that is below 0. Nothing is clipped. */
export function changeVolume(samples: Float32Array, decibels: number): Float32Array {
  const factor = 10 ** (decibels / 20);
  return samples.map((x) => x * factor);
}
