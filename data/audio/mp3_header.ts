import { dataView, fourCharacters } from "./recording.ts";

/** One frame header of MPEG audio. */
export interface Mp3Frame {
  /** Offset in the file. */
  at: number;
  /** Bytes of the whole frame. */
  size: number;
  sampleRate: number;
  channels: 1 | 2;
  /** Samples a channel. */
  samples: number;
  /** Bytes of the side information of layer III. */
  sideInfo: number;
}

/** kbit/s by bitrate index, for MPEG 1 layers I, II, III and MPEG 2 layers I, II and III. */
const bitrates = [
  [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/** The frame header at `at`, if there is a valid one (ISO 11172-3, section 2.4.1.3; no free bitrate). */
export function readMp3Frame(bytes: Uint8Array, at: number): Mp3Frame | undefined {
  if (at + 4 > bytes.length || bytes[at] !== 0xff || (bytes[at + 1] & 0xe0) !== 0xe0) return undefined;
  const version = bytes[at + 1] >> 3 & 3, layer = 4 - (bytes[at + 1] >> 1 & 3);
  const rateIndex = bytes[at + 2] >> 2 & 3, bitrateIndex = bytes[at + 2] >> 4, padding = bytes[at + 2] >> 1 & 1;
  if (version === 1 || layer === 4 || rateIndex === 3 || bitrateIndex === 0 || bitrateIndex === 15) return undefined;
  const first = version === 3;
  const sampleRate = [44100, 48000, 32000][rateIndex] >> (first ? 0 : version === 2 ? 1 : 2);
  const bitrate = bitrates[first ? layer - 1 : layer === 1 ? 3 : 4][bitrateIndex] * 1000;
  const channels = bytes[at + 3] >> 6 === 3 ? 1 : 2;
  const samples = layer === 1 ? 384 : layer === 3 && !first ? 576 : 1152;
  const size = layer === 1
    ? (Math.floor(12 * bitrate / sampleRate) + padding) * 4
    : Math.floor(samples / 8 * bitrate / sampleRate) + padding;
  const sideInfo = first ? (channels === 1 ? 17 : 32) : (channels === 1 ? 9 : 17);
  return { at, size, sampleRate, channels, samples, sideInfo };
}

/** How far into a file its first frame may lie, past any tag. */
const SEARCH = 64 * 1024;

/** The first frame that is followed by a second of the same rate, past ID3 tags and a little else. */
export function findMp3(bytes: Uint8Array): Mp3Frame | undefined {
  const start = skipId3(bytes), end = Math.min(bytes.length, start + SEARCH);
  for (let at = start; at < end; at++) {
    const frame = bytes[at] === 0xff ? readMp3Frame(bytes, at) : undefined;
    if (!frame) continue;
    const next = readMp3Frame(bytes, at + frame.size);
    if (next?.sampleRate === frame.sampleRate) return frame;
    // A file of one frame, or cut within its first.
    if (at === start && at + frame.size >= bytes.length) return frame;
  }
  return undefined;
}

/** Offset behind ID3v2 tags at the start of the file. */
export function skipId3(bytes: Uint8Array): number {
  let at = 0;
  while (at + 10 <= bytes.length && fourCharacters(bytes, at).startsWith("ID3")) {
    const [a, b, c, d] = bytes.subarray(at + 6, at + 10);
    at += 10 + (a << 21 | b << 14 | c << 7 | d) + (bytes[at + 5] & 0x10 ? 10 : 0);
  }
  return at;
}

/** Samples a channel that a Xing, Info or VBRI header in the first frame declares, if there is one. */
export function declaredMp3Length(bytes: Uint8Array, frame: Mp3Frame): number | undefined {
  const view = dataView(bytes), xing = frame.at + 4 + frame.sideInfo, vbri = frame.at + 36;
  if (vbri + 18 <= bytes.length && fourCharacters(bytes, vbri) === "VBRI") {
    return view.getUint32(vbri + 14) * frame.samples;
  }
  if (xing + 12 > bytes.length || !["Xing", "Info"].includes(fourCharacters(bytes, xing))) return undefined;
  const flags = view.getUint32(xing + 4);
  if ((flags & 1) === 0) return undefined;
  const frames = view.getUint32(xing + 8);
  const lame = xing + 8 + (flags & 1 ? 4 : 0) + (flags & 2 ? 4 : 0) + (flags & 4 ? 100 : 0) + (flags & 8 ? 4 : 0);
  // Encoders write the samples added at the start and the end here, 12 bits each; zero where they do not.
  const gap = lame + 24 <= bytes.length ? bytes[lame + 21] << 16 | bytes[lame + 22] << 8 | bytes[lame + 23] : 0;
  return frames * frame.samples - (gap >> 12) - (gap & 0xfff);
}

/**
 * Samples a channel in the whole frames that follow one another from `first` on, and whether the file ends within the
 * next one. Whatever is no frame (a tag at the end, damage) ends the walk.
 */
export function walkMp3(bytes: Uint8Array, first: Mp3Frame): { samples: number; cut: boolean } {
  let samples = 0;
  for (let frame: Mp3Frame | undefined = first; frame; frame = readMp3Frame(bytes, frame.at + frame.size)) {
    if (frame.at + frame.size > bytes.length) return { samples, cut: true };
    samples += frame.samples;
  }
  return { samples, cut: false };
}
