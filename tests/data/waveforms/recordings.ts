/** Recordings on disk for tests. @module */
import { join } from "node:path";
import { encodeWav } from "../../../data/audio/mod.ts";
import type { LabelledRecording } from "../../../data/waveforms/mod.ts";

/** A tone that grows louder, so that no two chunks of it are alike; 16 kHz unless told. */
export function swell(seconds: number, frequency = 300, sampleRate = 16000): Float32Array {
  const length = Math.round(seconds * sampleRate);
  return Float32Array.from({ length }, (_, i) => {
    return Math.sin(2 * Math.PI * frequency * i / sampleRate) * (0.1 + 0.8 * i / length);
  });
}

/** Writes waveforms as `NAME.wav` of 16 bits and 16 kHz, each a class of its own. */
export async function writeRecordings(
  folder: string,
  waves: Readonly<Record<string, Float32Array>>,
): Promise<LabelledRecording[]> {
  const recordings: LabelledRecording[] = [];
  for (const [id, wave] of Object.entries(waves)) {
    const path = join(folder, `${id}.wav`);
    await Deno.mkdir(join(path, ".."), { recursive: true });
    await Deno.writeFile(path, encodeWav(wave, 16000));
    recordings.push({ path, id, label: recordings.length });
  }
  return recordings;
}

/** A WAV file of 32-bit floats, which may hold what 16 bits cannot. */
export function floatWav(samples: Float32Array, sampleRate: number): Uint8Array {
  const bytes = new Uint8Array(44 + samples.length * 4), view = new DataView(bytes.buffer);
  const text = (at: number, word: string) => bytes.set(new TextEncoder().encode(word), at);
  text(0, "RIFF");
  view.setUint32(4, bytes.length - 8, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 3, true); // IEEE float
  view.setUint16(22, 1, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * 4, true);
  view.setUint16(32, 4, true);
  view.setUint16(34, 32, true);
  text(36, "data");
  view.setUint32(40, samples.length * 4, true);
  samples.forEach((value, i) => view.setFloat32(44 + 4 * i, value, true));
  return bytes;
}
