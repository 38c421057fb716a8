import { checkFormat, dataView, Unreadable } from "./recording.ts";

/** What a FLAC stream says about itself, and what its frames cover. */
export interface FlacLayout {
  sampleRate: number;
  channels: number;
  /** Bits of a sample. */
  bits: number;
  /** Samples a channel by the header, 0 if it does not say. */
  declared: number;
  /** Samples a channel of all frames together, as their own headers have them. */
  inFrames: number;
  /** Most channels that a frame has by its own header, which may lie about as well as the stream's. */
  widest: number;
  /** First sample of the last frame. */
  lastFrame: number;
}

/**
 * Reads the metadata of a FLAC stream that begins with "fLaC" and finds its frames without decoding them (RFC 9639,
 * sections 8 and 9.1). A few bytes can stand for 65,535 samples of silence, so the length is known before memory is
 * taken.
 */
export function readFlacLayout(bytes: Uint8Array): FlacLayout {
  const view = dataView(bytes);
  if (bytes.length < 42 || (bytes[4] & 0x7f) !== 0) throw new Unreadable("recording is truncated in its FLAC header");
  const { sampleRate, channels, bits } = readFlacFormat(bytes.subarray(8));
  const declared = (bytes[21] & 15) * 2 ** 32 + view.getUint32(22);
  checkFormat(sampleRate, channels);
  const layout = { sampleRate, channels, bits, declared, inFrames: 0, widest: 0, lastFrame: 0 };
  for (const frame of findFrames(bytes.subarray(endOfMetadata(bytes)), view.getUint16(10))) {
    layout.inFrames += frame.size;
    layout.widest = Math.max(layout.widest, frame.channels);
    // Other bytes may happen to look like a header: their position is then mostly out of range.
    if (declared === 0 || frame.start < declared) layout.lastFrame = Math.max(layout.lastFrame, frame.start);
  }
  return layout;
}

/** Samples a channel of the frames that begin in some bytes, and the most channels that one has. */
export function measureFrames(bytes: Uint8Array): { samples: number; widest: number } {
  let samples = 0, widest = 0;
  for (const { size, channels } of findFrames(bytes, 0)) {
    samples += size;
    widest = Math.max(widest, channels);
  }
  return { samples, widest };
}

function* findFrames(bytes: Uint8Array, blockSize: number): Iterable<FrameHeader> {
  for (let at = 0; at + 6 < bytes.length; at++) {
    if (bytes[at] !== 0xff || (bytes[at + 1] & 0xfe) !== 0xf8) continue;
    const frame = readFrameHeader(bytes, at, blockSize);
    if (frame) yield frame;
  }
}

/** Sample rate, channels and bits a sample of the STREAMINFO block at the start of `bytes`. */
export function readFlacFormat(bytes: Uint8Array): { sampleRate: number; channels: number; bits: number } {
  const packed = dataView(bytes).getUint32(10);
  return { sampleRate: packed >>> 12, channels: (packed >> 9 & 7) + 1, bits: (packed >> 4 & 31) + 1 };
}

function endOfMetadata(bytes: Uint8Array): number {
  for (let at = 4; at + 4 <= bytes.length;) {
    const last = bytes[at] >= 0x80, size = bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3];
    at += 4 + size;
    if (last) return at;
  }
  return bytes.length;
}

/** What a frame says about itself. */
interface FrameHeader {
  /** Its first sample; right only where the stream's block size is known. */
  readonly start: number;
  /** Samples a channel. */
  readonly size: number;
  readonly channels: number;
}

/** The frame header at `at`, if there is one with a right checksum. */
function readFrameHeader(bytes: Uint8Array, at: number, fixedSize: number): FrameHeader | undefined {
  const sizeCode = bytes[at + 2] >> 4, rateCode = bytes[at + 2] & 15;
  if (sizeCode === 0 || rateCode === 15 || bytes[at + 3] >> 4 > 10 || (bytes[at + 3] & 1) !== 0) return undefined;
  const number = readCodedNumber(bytes, at + 4);
  if (!number) return undefined;
  let end = number.end, size = sizeCode === 1 ? 192 : sizeCode < 6 ? 144 << sizeCode : 1 << sizeCode;
  if (sizeCode === 6) size = bytes[end++] + 1;
  if (sizeCode === 7) {
    size = (bytes[end] << 8 | bytes[end + 1]) + 1;
    end += 2;
  }
  end += rateCode === 12 ? 1 : rateCode > 12 ? 2 : 0;
  if (end >= bytes.length || crc8(bytes, at, end) !== bytes[end]) return undefined;
  const variable = (bytes[at + 1] & 1) === 1, assignment = bytes[at + 3] >> 4;
  // Assignments from 8 on are ways to store two channels.
  return {
    start: variable ? number.value : number.value * fixedSize,
    size,
    channels: assignment < 8 ? assignment + 1 : 2,
  };
}

/** A number coded like a UTF-8 character of up to seven bytes. */
function readCodedNumber(bytes: Uint8Array, at: number): { value: number; end: number } | undefined {
  const first = bytes[at];
  if (first < 0x80) return { value: first, end: at + 1 };
  const length = Math.clz32(~(first << 24));
  if (length < 2 || length > 7) return undefined;
  let value = first & (0x7f >> length);
  for (let i = 1; i < length; i++) {
    if ((bytes[at + i] & 0xc0) !== 0x80) return undefined;
    value = value * 64 + (bytes[at + i] & 0x3f);
  }
  return { value, end: at + length };
}

/** CRC-8 with the polynomial x^8 + x^2 + x + 1. */
function crc8(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0;
  for (let i = from; i < to; i++) {
    crc ^= bytes[i];
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80 ? (crc << 1 ^ 0x07) & 0xff : crc << 1;
  }
  return crc;
}
