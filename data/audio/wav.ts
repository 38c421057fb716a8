import { checkLength, dataView, type Decoded, type DecodeLimits, LARGEST_SAMPLE, Unreadable } from "./recording.ts";
import { readWavHeader, type WavHeader } from "./wav_header.ts";

/**
 * Decodes a WAV file: PCM of 8, 16, 24 and 32 bits, float32 and float64, plain or extensible header, any number of
 * channels. Integers are scaled by their full range (16 bits by 1/32768).
 */
export function decodeWav(bytes: Uint8Array, limits: DecodeLimits): Decoded {
  const header = readWavHeader(bytes), { sampleRate, channels, length } = header;
  checkLength(length, { sampleRate, channels }, limits);
  const samples = header.sampleBytes === 2 ? readInt16(bytes, header) : readSamples(bytes, header);
  if (header.float) checkRange(samples);
  return { samples, sampleRate, channels };
}

function readSamples(bytes: Uint8Array, header: WavHeader): Float32Array {
  const { channels, length } = header, read = sampleReader(dataView(bytes), header), samples = new Float32Array(length);
  for (let i = 0, at = header.offset; i < length; i++) {
    let sum = 0;
    for (let c = 0; c < channels; c++, at += header.sampleBytes) sum += read(at);
    samples[i] = sum / channels;
  }
  return samples;
}

/** The same for 16 bits, which nearly every recording has, without a call for every sample. */
function readInt16(bytes: Uint8Array, { channels, length, offset }: WavHeader): Float32Array {
  // A copy, because the samples need not begin at an even address; Deno runs on little-endian machines only.
  const stored = new Int16Array(bytes.slice(offset, offset + length * channels * 2).buffer);
  const samples = new Float32Array(length), scale = 1 / (32768 * channels);
  for (let i = 0, at = 0; i < length; i++) {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += stored[at++];
    samples[i] = sum * scale;
  }
  return samples;
}

function sampleReader(view: DataView, { float, sampleBytes }: WavHeader): (at: number) => number {
  if (float) return sampleBytes === 4 ? (at) => view.getFloat32(at, true) : (at) => view.getFloat64(at, true);
  switch (sampleBytes) {
    case 1:
      return (at) => (view.getUint8(at) - 128) / 128;
    case 3:
      return (at) => (view.getUint8(at) | view.getInt16(at + 1, true) << 8) / 8388608;
    default:
      return (at) => view.getInt32(at, true) / 2147483648;
  }
}

function checkRange(samples: Float32Array): void {
  const at = samples.findIndex((x) => !(Math.abs(x) <= LARGEST_SAMPLE));
  if (at < 0) return;
  const remedy = Number.isFinite(samples[at]) ? ", far beyond full scale, which is 1" : "";
  throw new Unreadable(`sample ${at} of ${samples.length} is ${samples[at]}${remedy}`);
}

/**
 * A mono 16-bit PCM WAV file. Samples beyond [-1, 1) are cut to it.
 *
 * @throws RangeError for a sample rate that is no whole number from 1 to 2^32 - 1 and for a sample that is NaN.
 */
export function encodeWav(samples: Float32Array, sampleRate: number): Uint8Array<ArrayBuffer> {
  if (!Number.isInteger(sampleRate) || sampleRate < 1 || sampleRate > 0xffffffff) {
    throw new RangeError(`Cannot encode a WAV file: the sample rate is ${sampleRate}, wanted a whole number of Hz`);
  }
  const bytes = new Uint8Array(44 + samples.length * 2), view = dataView(bytes);
  const text = (at: number, value: string) => bytes.set(new TextEncoder().encode(value), at);
  text(0, "RIFF");
  view.setUint32(4, bytes.length - 8, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, samples.length * 2, true);
  samples.forEach((x, i) => {
    if (Number.isNaN(x)) throw new RangeError(`Cannot encode a WAV file: sample ${i} of ${samples.length} is NaN`);
    view.setInt16(44 + 2 * i, Math.max(-32768, Math.min(32767, Math.round(x * 32768))), true);
  });
  return bytes;
}
