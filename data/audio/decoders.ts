import { Unreadable } from "./recording.ts";

/** What the decoders give: one array a channel. */
interface Decoding {
  channelData: Float32Array[];
  sampleRate: number;
  errors?: readonly { message: string }[];
}

/** A decoder that takes a file in parts. */
interface StreamDecoder {
  decode(bytes: Uint8Array): Decoding;
  flush?(): Decoding;
  free(): void;
}

interface DecoderModule {
  default(bytes: Uint8Array): Promise<Decoding>;
  decoder(): Promise<StreamDecoder>;
}

/** WASM decoders, each loaded when the first recording of its kind is read. */
const packages = {
  flac: "npm:@audio/decode-flac@1.3.5",
  mp3: "npm:@audio/decode-mp3@1.3.1",
  vorbis: "npm:@audio/decode-vorbis@1.3.4",
  opus: "npm:@audio/decode-opus@1.3.3",
} as const;

/** Compressed formats. */
export type Codec = keyof typeof packages;

async function load(codec: Codec): Promise<DecoderModule> {
  const specifier: string = packages[codec];
  try {
    // Not a literal, or Deno would fetch all four packages for every program that imports this one.
    return await import(specifier);
  } catch (error) {
    throw new Unreadable(`its decoder ${specifier} did not load: ${messageOf(error)}`, {
      kind: "no decoder",
      cause: error,
    });
  }
}

const messageOf = (error: unknown) => error instanceof Error ? error.message : String(error);

/**
 * Decodes a file that is given in parts and hands each decoded stretch to `take`, so that the caller can stop by
 * throwing before a small file fills the memory. Without `flush`, what the decoder still holds back is left out.
 */
export async function decodeParts(
  codec: Codec,
  parts: Iterable<Uint8Array>,
  take: (channelData: readonly Float32Array[], sampleRate: number) => void,
): Promise<void> {
  const { decoder } = await load(codec), stream = await decoder();
  const step = (run: () => Decoding) => {
    const { channelData, sampleRate, errors } = guarded(run);
    if (errors?.length) throw new Unreadable(`recording is damaged: ${firstLine(errors[0].message)}`);
    if (channelData[0]?.length > 0) take(channelData, sampleRate);
  };
  try {
    for (const part of parts) step(() => stream.decode(part));
    if (stream.flush) step(() => stream.flush!());
  } finally {
    stream.free();
  }
}

/** Decodes a whole file at once. */
export async function decodeWhole(codec: Codec, bytes: Uint8Array): Promise<Decoding> {
  const module = await load(codec);
  try {
    return await module.default(bytes);
  } catch (error) {
    throw damaged(error);
  }
}

function guarded(run: () => Decoding): Decoding {
  try {
    return run();
  } catch (error) {
    throw damaged(error);
  }
}

function damaged(error: unknown): Unreadable {
  return new Unreadable(`recording is damaged: ${firstLine(messageOf(error))}`, { cause: error });
}

const firstLine = (text: string) => text.trim().split("\n")[0].replace(/[.:]$/, "");
