import { Resampler } from "../features/resample.ts";
import { decodeAudio } from "./decode.ts";
import type { Recording } from "./recording.ts";

/** How to read a recording. */
export interface ReadAudioOptions {
  /** Rate in Hz to resample to; default: the recording's own. */
  sampleRate?: number;
  /** Longest recording in seconds; default 3600. */
  maxSeconds?: number;
}

const MAX_BYTES = 2 ** 31;

/**
 * Reads a recording as mono samples; see `decodeAudio` for the formats.
 *
 * @throws Error if there is no such file or it cannot be decoded; the message begins with `Cannot read "path": `.
 * @throws RangeError if `sampleRate` is no whole number from 1 to 768000.
 */
export async function readAudio(path: string | URL, options: ReadAudioOptions = {}): Promise<Recording> {
  const { sampleRate, maxSeconds } = options;
  const recording = await decodeAudio(await readBytes(path), { name: String(path), maxSeconds });
  if (sampleRate === undefined || sampleRate === recording.sampleRate) return recording;
  const samples = resamplerOf(recording.sampleRate, sampleRate).apply(recording.samples);
  return { ...recording, samples, sampleRate };
}

async function readBytes(path: string | URL): Promise<Uint8Array> {
  try {
    const { isDirectory, isCharDevice, isBlockDevice, size } = await Deno.stat(path);
    if (isDirectory) throw new Error(`Cannot read "${path}": it is a folder, wanted a recording`);
    // such as /dev/zero, which has no size and no end
    if (isCharDevice || isBlockDevice) throw new Error(`Cannot read "${path}": it is a device, wanted a recording`);
    if (size > MAX_BYTES) throw new Error(`Cannot read "${path}": it has ${size} bytes, the limit is ${MAX_BYTES}`);
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new Error(`Cannot read "${path}": no such file`, { cause: error });
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new Error(`Cannot read "${path}": permission denied`, { cause: error });
    }
    throw error;
  }
}

/** Filters of the last few pairs of rates: a data set has one or two, and making one costs more than a short file. */
const resamplers = new Map<string, Resampler>();

function resamplerOf(from: number, to: number): Resampler {
  const key = `${from} ${to}`, known = resamplers.get(key);
  if (known) return known;
  const made = new Resampler(from, to), [oldest] = resamplers.keys();
  if (resamplers.size >= 4) resamplers.delete(oldest);
  resamplers.set(key, made);
  return made;
}
