import { encodeWav } from "../../../data/audio/mod.ts";

/** A recording of a tone: 16 kHz, mono. */
export function tone(seconds: number, frequency = 440): Uint8Array {
  const samples = Float32Array.from(
    { length: seconds * 16000 },
    (_, i) => Math.sin(i * frequency * 2 * Math.PI / 16000) / 2,
  );
  return encodeWav(samples, 16000);
}
