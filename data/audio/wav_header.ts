import { checkFormat, dataView, fourCharacters, truncated, Unreadable } from "./recording.ts";

/** Where a WAV file's samples are and how they are stored. */
export interface WavHeader {
  sampleRate: number;
  channels: number;
  /** Whether samples are floating point, else integers (unsigned if one byte long, else signed). */
  float: boolean;
  /** Bytes of one sample of one channel. */
  sampleBytes: 1 | 2 | 3 | 4 | 8;
  /** Samples a channel. */
  length: number;
  /** Offset of the first sample in the file. */
  offset: number;
}

interface Format {
  code: number;
  channels: number;
  sampleRate: number;
  blockAlign: number;
  bits: number;
}

const PCM = 1, FLOAT = 3, EXTENSIBLE = 0xfffe;
/** Formats that turn up in .wav files and are not read here. */
const otherFormats: Readonly<Record<number, string>> = {
  2: "Microsoft ADPCM",
  6: "A-law",
  7: "µ-law",
  0x11: "IMA ADPCM",
  0x31: "GSM 6.10",
  0x50: "MPEG",
  0x55: "MP3",
  0x161: "Windows Media",
};

/** What follows the format code in an extensible format's GUID. */
const GUID_TAIL = [0, 0, 0, 0, 16, 0, 128, 0, 0, 170, 0, 56, 155, 113];

/** A data chunk of at least this size that the file does not hold was written by a program that could not seek back. */
const STREAMED_SIZE = 0x7ffff000;

/** Reads the chunks of a RIFF WAVE file. Offsets and sizes are checked against the bytes there are. */
export function readWavHeader(bytes: Uint8Array): WavHeader {
  const view = dataView(bytes);
  if (bytes.length < 12 || fourCharacters(bytes, 8) !== "WAVE") throw new Unreadable("it is a RIFF file, but no WAVE");
  let format: Format | undefined;
  for (let at = 12; at + 8 <= bytes.length;) {
    const id = fourCharacters(bytes, at), size = view.getUint32(at + 4, true), body = at + 8;
    if (id === "fmt ") format ??= readFormat(bytes.subarray(body, Math.min(bytes.length, body + size)));
    if (id === "data") {
      if (!format) throw new Unreadable("its data chunk comes before any fmt chunk");
      return locate(format, body, size, bytes.length, view.getUint32(4, true));
    }
    at = body + size + (size & 1);
  }
  throw new Unreadable(`recording is truncated: no ${format ? "data" : "fmt"} chunk in ${bytes.length} bytes`);
}

function readFormat(body: Uint8Array): Format {
  if (body.length < 16) throw new Unreadable(`its fmt chunk has ${body.length} bytes, wanted at least 16`);
  const view = dataView(body);
  let code = view.getUint16(0, true);
  if (code === EXTENSIBLE) {
    if (body.length < 40) throw new Unreadable(`its extensible fmt chunk has ${body.length} bytes, wanted 40`);
    code = view.getUint16(24, true);
    if (GUID_TAIL.some((byte, i) => body[26 + i] !== byte)) throw new Unreadable("its sample format is unknown");
  }
  return {
    code,
    channels: view.getUint16(2, true),
    sampleRate: view.getUint32(4, true),
    blockAlign: view.getUint16(12, true),
    bits: view.getUint16(14, true),
  };
}

/** Bytes of one stored sample: the block align says, as 20 bits may be stored in 3 bytes or 24 in 4. */
function sampleBytesOf({ code, channels, blockAlign, bits }: Format): WavHeader["sampleBytes"] {
  if (code !== PCM && code !== FLOAT) {
    const name = otherFormats[code] ?? `format 0x${code.toString(16)}`;
    throw new Unreadable(`its samples are stored as ${name}; convert it with: ffmpeg -i IN -c:a pcm_s16le OUT.wav`);
  }
  const least = Math.ceil(bits / 8), stored = blockAlign === 0 ? least : blockAlign / channels;
  const found = ([1, 2, 3, 4, 8] as const).find((n) => n === stored);
  const fits = code === FLOAT ? stored === least && (stored === 4 || stored === 8) : stored <= 4;
  if (!found || !fits || bits === 0 || stored < least) {
    const kind = code === FLOAT ? "floating point" : "integer";
    throw new Unreadable(`its header gives ${bits}-bit ${kind} samples in blocks of ${blockAlign} bytes`);
  }
  return found;
}

function locate(format: Format, offset: number, size: number, fileSize: number, riffSize: number): WavHeader {
  const { sampleRate, channels } = format, there = fileSize - offset;
  checkFormat(sampleRate, channels);
  const sampleBytes = sampleBytesOf(format), block = sampleBytes * channels;
  // A program that writes to a pipe leaves 0 or a huge size: the recording then ends where the file does.
  const riffEnd = riffSize + 8;
  const streamed = (size >= STREAMED_SIZE && size > there) || (size === 0 && (riffEnd <= offset || riffEnd > fileSize));
  if (!streamed && size > there) throw truncated(Math.floor(there / block), Math.floor(size / block), sampleRate);
  const length = Math.floor((streamed ? there : size) / block);
  return { sampleRate, channels, float: format.code === FLOAT, sampleBytes, length, offset };
}
