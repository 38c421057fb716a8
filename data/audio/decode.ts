import { decodeFlac } from "./flac.ts";
import { decodeMp3 } from "./mp3.ts";
import { skipId3 } from "./mp3_header.ts";
import { decodeOgg } from "./ogg.ts";
import { type Decoded, type DecodeLimits, type Recording, Unreadable, UnreadableRecording } from "./recording.ts";
import { sniffAudio } from "./sniff.ts";
import { decodeWav } from "./wav.ts";

/** How to decode. */
export interface DecodeOptions {
  /** Name for error messages. */
  name?: string;
  /** Longest recording in seconds, so that a small file cannot fill the memory; default 3600. */
  maxSeconds?: number;
  /** Most samples of all channels together, for the same reason: rates and channels multiply. Default: any number. */
  maxSamples?: number;
}

/**
 * Decodes a recording to mono samples at its own rate: WAV, FLAC, MP3, and Ogg with Vorbis, Opus or FLAC, told apart by
 * content. Decoders other than WAV's are loaded when first needed.
 *
 * @example
 * ```ts
 * import { decodeAudio, encodeWav } from "./mod.ts";
 * const { samples, sampleRate } = await decodeAudio(encodeWav(Float32Array.of(0, 0.5, -0.5), 8000));
 * console.assert(samples.length === 3 && sampleRate === 8000);
 * ```
 * @throws UnreadableRecording if it is empty, no recording, of a format that is not read, shorter than its header declares, damaged,
 * longer than `maxSeconds`, of more samples than `maxSamples`, or holds NaN; the message begins with `Cannot read "name": `.
 * @throws RangeError if `maxSeconds` or `maxSamples` is not above 0.
 */
export async function decodeAudio(bytes: Uint8Array, options: DecodeOptions = {}): Promise<Recording> {
  const { name, maxSeconds = 3600, maxSamples = Infinity } = options, limits = { maxSeconds, maxSamples };
  for (const [key, value] of Object.entries(limits)) {
    if (!(value > 0)) throw new RangeError(`Cannot decode: ${key} is ${value}, wanted a number above 0`);
  }
  try {
    const decoded = await decodeByContent(bytes, limits), { samples, sampleRate } = decoded;
    if (samples.length === 0) throw new Unreadable("recording has no samples");
    return { ...decoded, seconds: samples.length / sampleRate };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const what = name === undefined ? "the recording" : `"${name}"`;
    const { kind, cause = error } = error;
    throw new UnreadableRecording(`Cannot read ${what}: ${error.message}`, { kind, cause });
  }
}

function decodeByContent(bytes: Uint8Array, limits: DecodeLimits): Decoded | Promise<Decoded> {
  switch (sniffAudio(bytes)) {
    case "wav":
      return decodeWav(bytes, limits);
    case "flac":
      return decodeFlac(bytes.subarray(skipId3(bytes)), limits);
    case "mp3":
      return decodeMp3(bytes, limits);
    case "ogg":
      return decodeOgg(bytes, limits);
  }
}
