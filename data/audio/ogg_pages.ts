import { readFlacFormat } from "./flac_frames.ts";
import { dataView, fourCharacters, Unreadable } from "./recording.ts";

/** One page of an Ogg file (RFC 3533, section 6). */
export interface OggPage {
  /** The whole page. */
  bytes: Uint8Array;
  /** What is behind its header. */
  body: Uint8Array;
  serial: number;
  sequence: number;
  /** Position at its end in samples a channel, or -1 if no packet ends on it. */
  granule: number;
  first: boolean;
  last: boolean;
}

/** The pages of one logical stream, in order. */
export interface OggStream {
  pages: OggPage[];
  /** Why the stream does not go on to its end, if so. */
  problem?: "truncated" | "damaged";
}

/**
 * Splits an Ogg file into its logical streams, checking lengths, checksums and page numbers. Bytes between pages (tags
 * that some programs add) are skipped.
 */
export function readOgg(bytes: Uint8Array): OggStream[] {
  const streams: OggStream[] = [], open = new Map<number, OggStream>();
  for (let at = 0; at < bytes.length;) {
    const page = readPage(bytes, at);
    if (page === "truncated") break;
    if (page === undefined) {
      at = nextCapture(bytes, at + 1);
      continue;
    }
    at += page.bytes.length;
    if (page.first) {
      const stream = { pages: [page] };
      streams.push(stream);
      open.set(page.serial, stream);
      if (page.last) open.delete(page.serial);
      continue;
    }
    const stream = open.get(page.serial);
    if (!stream) continue;
    if (page.sequence !== stream.pages.at(-1)!.sequence + 1) stream.problem = "damaged";
    stream.pages.push(page);
    if (page.last) open.delete(page.serial);
  }
  for (const stream of open.values()) stream.problem ??= "truncated";
  return streams;
}

/** The page at `at`; undefined if there is none or its checksum is wrong, "truncated" if the file ends within it. */
function readPage(bytes: Uint8Array, at: number): OggPage | "truncated" | undefined {
  if (fourCharacters(bytes, at) !== "OggS") return undefined;
  if (at + 27 > bytes.length || at + 27 + bytes[at + 26] > bytes.length) return "truncated";
  const header = 27 + bytes[at + 26];
  const size = bytes.subarray(at + 27, at + header).reduce((sum, n) => sum + n, header);
  if (at + size > bytes.length) return "truncated";
  const page = bytes.subarray(at, at + size), view = dataView(page), flags = page[5];
  if (checksum(page) !== view.getUint32(22, true)) return undefined;
  return {
    bytes: page,
    body: page.subarray(header),
    serial: view.getUint32(14, true),
    sequence: view.getUint32(18, true),
    granule: Number(view.getBigInt64(6, true)),
    first: (flags & 2) !== 0,
    last: (flags & 4) !== 0,
  };
}

function nextCapture(bytes: Uint8Array, from: number): number {
  let at = bytes.indexOf(0x4f, from);
  while (at >= 0 && fourCharacters(bytes, at) !== "OggS") at = bytes.indexOf(0x4f, at + 1);
  return at < 0 ? bytes.length : at;
}

/** CRC-32 with the polynomial 0x04c11db7, not reflected, no inversion, over the page with its checksum as zeros. */
function checksum(page: Uint8Array): number {
  let crc = 0;
  for (let i = 0; i < page.length; i++) {
    const byte = i >= 22 && i < 26 ? 0 : page[i];
    crc = (crc << 8) ^ crcTable[(crc >>> 24) ^ byte];
  }
  return crc >>> 0;
}

const crcTable = Int32Array.from({ length: 256 }, (_, i) => {
  let crc = i << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc;
});

/** What a stream holds, by its first packet. */
export function codecOf({ pages }: OggStream): "vorbis" | "opus" | "flac" | "other" {
  const text = String.fromCharCode(...pages[0].body.subarray(0, 8));
  if (text.startsWith("\x01vorbis")) return "vorbis";
  if (text === "OpusHead") return "opus";
  return text.startsWith("\x7fFLAC") ? "flac" : "other";
}

/** Sample rate and channels by the first packet of an audio stream, and for FLAC the bits of a sample. */
export function formatOf(stream: OggStream): { sampleRate: number; channels: number; bits?: number } {
  const { body } = stream.pages[0], view = dataView(body), codec = codecOf(stream);
  if (body.length < (codec === "vorbis" ? 30 : codec === "flac" ? 51 : 19)) {
    throw new Unreadable("recording is damaged: its first page is too short");
  }
  // Opus always plays at 48 kHz, whatever it was made from.
  if (codec === "opus") return { sampleRate: 48000, channels: body[9] };
  if (codec === "vorbis") return { sampleRate: view.getUint32(12, true), channels: body[11] };
  return readFlacFormat(body.subarray(17));
}
