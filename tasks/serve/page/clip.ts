/// <reference lib="dom" />
/** A recording in the page: its samples, and the file to send. @module */
import { decodeAudio } from "../../../data/audio/decode.ts";
import { readFlacLayout } from "../../../data/audio/flac_frames.ts";
import { findMp3, skipId3 } from "../../../data/audio/mp3_header.ts";
import { formatOf, readOgg } from "../../../data/audio/ogg_pages.ts";
import { toMono } from "../../../data/audio/recording.ts";
import { type AudioFormat, sniffAudio } from "../../../data/audio/sniff.ts";
import { encodeWav } from "../../../data/audio/wav.ts";

/** A recording, mono. */
export interface Clip {
  /** What to call it. */
  readonly name: string;
  readonly samples: Float32Array;
  /** Samples a second. */
  readonly sampleRate: number;
  readonly seconds: number;
  /** As it is sent and played. */
  readonly file: Blob;
}

/** What the page takes. */
export interface ClipLimits {
  /** Longest recording, in seconds. */
  readonly maxSeconds: number;
  /** Largest file, in bytes. */
  readonly maxBytes: number;
}

/** A clip of samples. */
export function clipOfSamples(name: string, samples: Float32Array, sampleRate: number): Clip {
  const file = new Blob([encodeWav(samples, sampleRate)], { type: "audio/wav" });
  return { name, samples, sampleRate, seconds: samples.length / sampleRate, file };
}

/**
 * A clip of a file. WAV is read by voxgrad itself, other formats by the browser. Files of formats that the server does not read are sent as WAV.
 *
 * @throws Error in plain words, where it is no recording or too long.
 */
export async function clipOfFile(file: File, { maxSeconds, maxBytes }: ClipLimits): Promise<Clip> {
  const { name } = file;
  if (file.size > maxBytes) throw new Error(`"${name}" is larger than ${(maxBytes / 2 ** 20).toFixed(0)} MB`);
  const bytes = new Uint8Array(await file.arrayBuffer());
  const format = formatOfFile(bytes);
  const { samples, sampleRate } = format === "wav"
    ? await decodeAudio(bytes, { name, maxSeconds: Infinity })
    : await decodedByBrowser(name, bytes, format === null ? 48_000 : rateOf(format, bytes));
  const seconds = samples.length / sampleRate;
  if (seconds > maxSeconds) throw new Error(`"${name}" is longer than ${maxSeconds} seconds: cut it shorter`);
  return format === null ? clipOfSamples(name, samples, sampleRate) : { name, samples, sampleRate, seconds, file };
}

function formatOfFile(bytes: Uint8Array): AudioFormat | null {
  try {
    return sniffAudio(bytes);
  } catch {
    return null; // the browser may know it
  }
}

/** The file's own rate, so that the browser does not resample it: that is done as the server does it. */
function rateOf(format: AudioFormat, bytes: Uint8Array): number {
  try {
    if (format === "flac") return readFlacLayout(bytes.subarray(skipId3(bytes))).sampleRate;
    if (format === "mp3") return findMp3(bytes)?.sampleRate ?? 48_000;
    return formatOf(readOgg(bytes)[0]).sampleRate;
  } catch {
    return 48_000; // damaged, as the decoder will find
  }
}

async function decodedByBrowser(
  name: string,
  bytes: Uint8Array,
  sampleRate: number,
): Promise<Pick<Clip, "samples" | "sampleRate">> {
  try {
    const context = new OfflineAudioContext(1, 1, sampleRate);
    const decoded = await context.decodeAudioData(bytes.slice().buffer);
    const channels = Array.from({ length: decoded.numberOfChannels }, (_, i) => decoded.getChannelData(i));
    return { samples: toMono(channels), sampleRate };
  } catch {
    throw new Error(`"${name}" is not a recording that this browser can read; WAV always works`);
  }
}
