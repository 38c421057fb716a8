import { readFlacFormat } from "./flac_frames.ts";
import { dataView, Unreadable } from "./recording.ts";

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
 *
 * @throws Unreadable if far more looks like pages than is there, or the file has more than 256 streams
 */
export function readOgg(bytes: Uint8Array): OggStream[] {
  const streams: OggStream[] = [], open = new Map<number, OggStream>();
  for (const page of findPages(bytes)) {
    if (page.first) {
      const stream = { pages: [page] };
      if (streams.push(stream) > MAX_STREAMS) throw new Unreadable(`it has more than ${MAX_STREAMS} Ogg streams`);
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

/** Each is decoded by a decoder of its own, however little there is in it. */
const MAX_STREAMS = 256;

/** Pages with right checksums, up to the first that the end of the file cuts. */
function* findPages(bytes: Uint8Array): Iterable<OggPage> {
  // What looks like a page may hold what looks like pages again: their checksums would be work without end.
  let inVain = 0;
  for (let at = nextCapture(bytes, 0); at < bytes.length;) {
    const size = pageSize(bytes, at);
    if (at + size > bytes.length) return;
    const page = readPage(bytes.subarray(at, at + size));
    if (page) yield page;
    else if ((inVain += size) > 2 * bytes.length) {
      throw new Unreadable("recording is damaged: its Ogg pages are broken");
    }
    at = nextCapture(bytes, page ? at + size : at + 1);
  }
}

/** Bytes of the page at `at` by its own header; Infinity if the file ends within that. */
function pageSize(bytes: Uint8Array, at: number): number {
  if (at + 27 > bytes.length || at + 27 + bytes[at + 26] > bytes.length) return Infinity;
  const header = 27 + bytes[at + 26];
  return bytes.subarray(at + 27, at + header).reduce((sum, n) => sum + n, header);
}

/** A page, of which there are all bytes; undefined if its checksum is wrong. */
function readPage(page: Uint8Array): OggPage | undefined {
  const view = dataView(page), flags = page[5];
  if (checksum(page) !== view.getUint32(22, true)) return undefined;
  return {
    bytes: page,
    body: page.subarray(27 + page[26]),
    serial: view.getUint32(14, true),
    sequence: view.getUint32(18, true),
    granule: Number(view.getBigInt64(6, true)),
    first: (flags & 2) !== 0,
    last: (flags & 4) !== 0,
  };
}

/** Where "OggS" stands next, at `from` or later; else the number of bytes. */
function nextCapture(bytes: Uint8Array, from: number): number {
  const end = bytes.length - 3;
  for (let at = from; at < end; at++) {
    if (bytes[at] === 0x4f && bytes[at + 1] === 0x67 && bytes[at + 2] === 0x67 && bytes[at + 3] === 0x53) return at;
  }
  return bytes.length;
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
