import { decodeWhole } from "./decoders.ts";
import { readFlacLayout } from "./flac_frames.ts";
import {
  checkLength,
  type Decoded,
  type DecodeLimits,
  showSeconds,
  toMono,
  truncated,
  Unreadable,
} from "./recording.ts";

/** Decodes a FLAC stream that begins with "fLaC". A stream shorter than its header declares is an error. */
export async function decodeFlac(bytes: Uint8Array, limits: DecodeLimits): Promise<Decoded> {
  const { sampleRate, channels, bits, declared, inFrames, widest, lastFrame } = readFlacLayout(bytes);
  checkLength(Math.max(declared, inFrames), { sampleRate, channels: Math.max(channels, widest) }, limits);
  const { channelData, errors } = await decodeWhole("flac", bytes);
  const found = channelData[0]?.length ?? 0, wanted = declared || inFrames;
  // The decoder leaves out what follows damage: then frames remain beyond the one where it stopped.
  if (errors?.length || (found < wanted && lastFrame > found + 65535)) {
    throw new Unreadable(`recording is damaged after ${showSeconds(found / sampleRate)}`);
  }
  if (found < wanted) throw truncated(Math.max(found, lastFrame), wanted, sampleRate);
  return { samples: toMono(rescaleFlac(channelData, bits)), sampleRate, channels };
}

/**
 * The decoder divides integers of b bits by 2^(b-1) - 1; here, as in a WAV file, it is 2^(b-1). The integers themselves
 * are found again by rounding, so that FLAC stays without loss.
 */
export function rescaleFlac(channelData: readonly Float32Array[], bits: number): Float32Array[] {
  const full = 2 ** (bits - 1);
  return channelData.map((channel) => channel.map((x) => Math.round(x * (full - 1)) / full));
}
