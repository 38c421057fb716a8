import { decodeParts } from "./decoders.ts";
import { declaredMp3Length, findMp3, walkMp3 } from "./mp3_header.ts";
import {
  checkLength,
  type Decoded,
  type DecodeLimits,
  joinParts,
  showSeconds,
  toMono,
  truncated,
  Unreadable,
} from "./recording.ts";

/** Decoded at a time: MPEG audio gives at most some 20 samples a byte. */
const PART = 256 * 1024;

/**
 * Decodes an MP3 file. If its first frame declares a length (Xing, Info or VBRI header), a shorter recording is an error;
 * without that header only a last frame that is cut short shows that something is missing.
 */
export async function decodeMp3(bytes: Uint8Array, limits: DecodeLimits): Promise<Decoded> {
  const frame = findMp3(bytes);
  if (!frame) throw new Unreadable("it holds no MP3 frames");
  const declared = declaredMp3Length(bytes, frame), walked = walkMp3(bytes, frame), parts: Float32Array[] = [];
  if (declared !== undefined) checkLength(declared, frame, limits);
  let found = 0, { sampleRate } = frame;
  await decodeParts("mp3", split(bytes, PART), (channelData, rate) => {
    const part = toMono(channelData);
    sampleRate = rate;
    parts.push(part);
    checkLength(found += part.length, { sampleRate, channels: frame.channels }, limits);
  });
  // Decoders differ in how much of the encoder's delay they leave: two frames of difference are no damage.
  if (declared !== undefined && (walked.cut || found + 2 * frame.samples < declared)) {
    throw truncated(found, declared, sampleRate);
  }
  if (walked.cut) {
    const after = showSeconds(walked.samples / sampleRate), rate = `${sampleRate / 1000} kHz`;
    throw new Unreadable(`${rate} recording is truncated after ${after}: its last frame is incomplete`);
  }
  // The decoder makes two channels of one: the frame knows better.
  return { samples: joinParts(parts), sampleRate, channels: frame.channels };
}

function* split(bytes: Uint8Array, size: number): Iterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
