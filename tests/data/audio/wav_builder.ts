/** What a test's WAV file says and holds. */
export interface WavParts {
  code?: number;
  channels?: number;
  sampleRate?: number;
  bits?: number;
  blockAlign?: number;
  /** Bytes of the data chunk. */
  data?: Uint8Array;
  /** Sizes to write instead of the right ones. */
  dataSize?: number;
  riffSize?: number;
  /** With WAVE_FORMAT_EXTENSIBLE. */
  extensible?: boolean;
  /** Chunks before the data chunk. */
  before?: Uint8Array[];
  /** Chunks after the data chunk. */
  after?: Uint8Array[];
}

const le = (value: number, size: number) => Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** i) & 255);
const text = (value: string) => [...value].map((c) => c.charCodeAt(0));

/** A RIFF chunk with its padding. */
export function chunk(id: string, body: ArrayLike<number>, size = body.length): Uint8Array {
  return Uint8Array.from([...text(id), ...le(size, 4), ...Array.from(body), ...(body.length % 2 ? [0] : [])]);
}

/** A WAV file, right or wrong as told. */
export function buildWav(parts: WavParts): Uint8Array {
  const { code = 1, channels = 1, sampleRate = 16000, bits = 16, data = new Uint8Array(0), extensible } = parts;
  const blockAlign = parts.blockAlign ?? channels * Math.ceil(bits / 8);
  const head = [...le(channels, 2), ...le(sampleRate, 4), ...le(sampleRate * blockAlign, 4), ...le(blockAlign, 2)];
  const tail = [0, 0, 0, 0, 16, 0, 128, 0, 0, 170, 0, 56, 155, 113];
  const format = extensible
    ? [...le(0xfffe, 2), ...head, ...le(bits, 2), ...le(22, 2), ...le(bits, 2), ...le(0, 4), ...le(code, 2), ...tail]
    : [...le(code, 2), ...head, ...le(bits, 2)];
  const body = [
    chunk("fmt ", format),
    ...parts.before ?? [],
    chunk("data", data, parts.dataSize),
    ...parts.after ?? [],
  ];
  const size = body.reduce((sum, bytes) => sum + bytes.length, 4);
  return Uint8Array.from([
    ...text("RIFF"),
    ...le(parts.riffSize ?? size, 4),
    ...text("WAVE"),
    ...body.flatMap((b) => [...b]),
  ]);
}
