import { joinParts, Unreadable } from "./recording.ts";

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
  const { decoder } = await load(codec), stream = await decoder();
  try {
    const first = guarded(() => stream.decode(bytes)), rest = stream.flush && guarded(() => stream.flush!());
    if (!rest || !hasAudio(rest)) return first;
    if (!hasAudio(first)) return rest;
    const channelData = first.channelData.map((channel, i) => joinParts([channel, rest.channelData[i]]));
    return { ...first, channelData, errors: [...first.errors ?? [], ...rest.errors ?? []] };
  } finally {
    stream.free();
  }
}

const hasAudio = ({ channelData }: Decoding) => channelData[0]?.length > 0;

/** Runs a decoder, which takes no turn of the event loop, so that nobody else is silenced. */
function guarded(run: () => Decoding): Decoding {
  const { error: say } = console;
  console.error = () => {}; // a line or three for each broken frame, of which a small file may have a million
  try {
    return run();
  } catch (error) {
    throw damaged(error);
  } finally {
    console.error = say;
  }
}

function damaged(error: unknown): Unreadable {
  return new Unreadable(`recording is damaged: ${firstLine(messageOf(error))}`, { cause: error });
}

const firstLine = (text: string) => text.trim().split("\n")[0].replace(/[.:]$/, "");
