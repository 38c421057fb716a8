import { powerOf } from "./level.ts";

/** People talking at once: waveforms of equal power on top of each other, as many samples as the longest has. */
export function mixBabble(voices: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(voices.reduce((longest, { length }) => Math.max(longest, length), 0));
  for (const voice of voices) {
    const level = Math.sqrt(powerOf(voice)), factor = level > 0 ? 1 / level : 0;
    for (let i = 0; i < voice.length; i++) out[i] += factor * voice[i];
  }
  return out;
}
