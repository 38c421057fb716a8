/** A decoded recording. */
export interface Recording {
  /** Mono samples, the average of the channels, nominally in [-1, 1]; float files may go beyond. */
  samples: Float32Array;
  /** Samples a second. */
  sampleRate: number;
  /** Number of channels in the file. */
  channels: number;
  /** Duration in seconds. */
  seconds: number;
}

/** Mono samples of a file and how they were stored. */
export type Decoded = Omit<Recording, "seconds">;

/** Why a recording cannot be read; `decodeAudio` puts the file's name in front. */
export class Unreadable extends Error {}

/** Rates outside of this are taken for damage. */
const MIN_RATE = 100, MAX_RATE = 768_000;

/** Throws unless the header's sample rate and number of channels are sensible. */
export function checkFormat(sampleRate: number, channels: number): void {
  if (!Number.isInteger(sampleRate) || sampleRate < MIN_RATE || sampleRate > MAX_RATE) {
    throw new Unreadable(`its header gives a sample rate of ${sampleRate} Hz, wanted ${MIN_RATE} to ${MAX_RATE}`);
  }
  if (channels < 1) throw new Unreadable("its header gives no channels");
}

/** Throws if a recording of `samples` samples a channel is longer than `maxSeconds`. */
export function checkLength(samples: number, sampleRate: number, maxSeconds: number): void {
  const seconds = samples / sampleRate;
  if (seconds > maxSeconds) {
    throw new Unreadable(
      `recording is ${showSeconds(seconds)} long, above the limit of ${maxSeconds} s; raise maxSeconds`,
    );
  }
}

/** The error of a recording that ends too early; both in samples a channel. */
export function truncated(found: number, wanted: number, sampleRate: number): Unreadable {
  const all = wanted / sampleRate, part = Math.min(found, wanted) / sampleRate;
  // One decimal, unless that would show both as the same.
  const digits = [1, 2, 3, 4, 5].find((n) => part.toFixed(n) !== all.toFixed(n)) ?? 6;
  const rate = `${sampleRate / 1000} kHz`;
  return new Unreadable(
    `${rate} recording is truncated after ${part.toFixed(digits)} s of ${all.toFixed(digits)} s`,
  );
}

/** A duration for messages, such as "0.8 s". */
export function showSeconds(seconds: number): string {
  return `${seconds.toFixed(seconds > 0 && seconds < 0.05 ? 3 : 1)} s`;
}

/** The average of the channels. */
export function toMono(channelData: readonly Float32Array[]): Float32Array {
  if (channelData.length === 1) return channelData[0];
  const mono = new Float32Array(channelData[0]?.length ?? 0);
  for (const channel of channelData) for (let i = 0; i < mono.length; i++) mono[i] += channel[i];
  for (let i = 0; i < mono.length; i++) mono[i] /= channelData.length;
  return mono;
}

/** Parts of a waveform as one. */
export function joinParts(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0];
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** The four bytes at `offset` as text. */
export function fourCharacters(bytes: Uint8Array, offset: number): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + 4));
}

/** A view for reading numbers; a subarray's own range only. */
export function dataView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
