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

/**
 * Floats may go beyond 1, and some files hold integers of up to 32 bits in them; from much further out the power of a sound is no float32 any
 * more, and features are no numbers.
 */
export const LARGEST_SAMPLE = 2 ** 32;

/** Mono samples of a file and how they were stored. */
export type Decoded = Omit<Recording, "seconds">;

/** What kind of obstacle it is: too long or of too many samples, no decoder at hand, or anything about the bytes. */
export type UnreadableKind = "too long" | "no decoder" | "bad recording";

/** Why a recording cannot be read; `decodeAudio` puts the file's name in front. */
export class Unreadable extends Error {
  readonly kind: UnreadableKind;

  constructor(message: string, { kind = "bad recording", cause }: { kind?: UnreadableKind; cause?: unknown } = {}) {
    super(message, { cause });
    this.kind = kind;
  }
}

/** A recording that cannot be read, as `decodeAudio` tells it. */
export class UnreadableRecording extends Error {
  /** What kind of obstacle it is. */
  readonly kind: UnreadableKind;

  /** An error with a message for the user. */
  constructor(message: string, { kind, cause }: { kind: UnreadableKind; cause: unknown }) {
    super(message, { cause });
    this.kind = kind;
  }
}

/** How much a recording may be, however few bytes it has. */
export interface DecodeLimits {
  readonly maxSeconds: number;
  /** Of all channels together. */
  readonly maxSamples: number;
}

/** What the samples of a recording are. */
interface Format {
  readonly sampleRate: number;
  readonly channels: number;
}

/** Rates outside of this are taken for damage. */
const MIN_RATE = 100, MAX_RATE = 768_000;

/** Throws unless the header's sample rate and number of channels are sensible. */
export function checkFormat(sampleRate: number, channels: number): void {
  if (!Number.isInteger(sampleRate) || sampleRate < MIN_RATE || sampleRate > MAX_RATE) {
    throw new Unreadable(`its header gives a sample rate of ${sampleRate} Hz, wanted ${MIN_RATE} to ${MAX_RATE}`);
  }
  if (channels < 1) throw new Unreadable("its header gives no channels");
}

/** Throws if a recording of `samples` samples a channel is beyond a limit. */
export function checkLength(samples: number, { sampleRate, channels }: Format, limits: DecodeLimits): void {
  const { maxSeconds, maxSamples } = limits, seconds = samples / sampleRate, all = samples * channels;
  if (seconds > maxSeconds) {
    const fact = `recording is ${showSeconds(seconds)} long, above the limit of ${maxSeconds} s; raise maxSeconds`;
    throw new Unreadable(fact, { kind: "too long" });
  }
  if (all > maxSamples) {
    const fact = `recording has ${all} samples in ${channels} channels, above the limit of ${maxSamples}`;
    throw new Unreadable(`${fact}; raise maxSamples`, { kind: "too long" });
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
