import { decodeParts } from "./decoders.ts";
import { rescaleFlac } from "./flac.ts";
import { measureFrames } from "./flac_frames.ts";
import { codecOf, formatOf, type OggStream, readOgg } from "./ogg_pages.ts";
import {
  checkFormat,
  checkLength,
  type Decoded,
  type DecodeLimits,
  joinParts,
  showSeconds,
  toMono,
  Unreadable,
} from "./recording.ts";

/** A page decodes to all of its channels at once. */
const MAX_CHANNELS = 8;

/**
 * Decodes the audio of an Ogg file (Vorbis, Opus or FLAC), one page at a time; a chain of streams becomes one recording.
 * A stream without its last page is truncated, a gap in its pages is damage; both are errors.
 */
export async function decodeOgg(bytes: Uint8Array, limits: DecodeLimits): Promise<Decoded> {
  const streams = readOgg(bytes).filter((stream) => codecOf(stream) !== "other");
  if (streams.length === 0) throw new Unreadable(noAudio(bytes));
  const parts: Decoded[] = [];
  let { maxSeconds, maxSamples } = limits;
  for (const stream of streams) {
    const part = await decodeStream(stream, { maxSeconds, maxSamples });
    if (part.sampleRate !== parts[0]?.sampleRate && parts.length > 0) {
      throw new Unreadable(`its parts have different sample rates, ${parts[0].sampleRate} and ${part.sampleRate} Hz`);
    }
    maxSeconds -= part.samples.length / part.sampleRate;
    maxSamples -= part.samples.length * part.channels;
    parts.push(part);
  }
  return { ...parts[0], samples: joinParts(parts.map((part) => part.samples)) };
}

async function decodeStream(stream: OggStream, limits: DecodeLimits): Promise<Decoded> {
  const { sampleRate, channels, bits } = formatOf(stream), codec = codecOf(stream);
  checkFormat(sampleRate, channels);
  if (channels > MAX_CHANNELS) throw new Unreadable(`it has ${channels} channels, wanted at most ${MAX_CHANNELS}`);
  const granule = stream.pages.reduce((most, page) => Math.max(most, page.granule), 0);
  if (stream.problem) {
    const after = showSeconds(granule / sampleRate), rate = `${sampleRate / 1000} kHz`;
    throw new Unreadable(
      stream.problem === "truncated"
        ? `${rate} recording is truncated after ${after}: its end-of-stream page is missing`
        : `${rate} recording is damaged: pages are broken or missing`,
    );
  }
  const parts: Float32Array[] = [];
  let found = 0;
  if (codec === "other") throw new Unreadable("it holds no audio");
  await decodeParts(codec, measuredPages(), (channelData) => {
    const part = toMono(bits === undefined ? channelData : rescaleFlac(channelData, bits));
    parts.push(part);
    checkLength(found += part.length, { sampleRate, channels }, limits);
  });
  return { samples: joinParts(parts), sampleRate, channels };

  /** A FLAC frame of 13 bytes can stand for 65,535 samples of each channel, so that a page is measured before it is decoded. */
  function* measuredPages(): Iterable<Uint8Array> {
    for (const { bytes, body } of stream.pages) {
      if (codec === "flac") {
        const { samples, widest } = measureFrames(body);
        checkLength(found + samples, { sampleRate, channels: Math.max(channels, widest) }, limits);
      }
      yield bytes;
    }
  }
}

function noAudio(bytes: Uint8Array): string {
  const [stream] = readOgg(bytes);
  if (!stream) return "recording is truncated or damaged: no whole Ogg page";
  const name = String.fromCharCode(...stream.pages[0].body.subarray(0, 8)).replace(/[^a-z]/gi, "");
  return `its Ogg streams hold ${name ? `"${name}"` : "something"}, wanted Vorbis, Opus or FLAC; ` +
    "convert it with: ffmpeg -i IN OUT.wav";
}
