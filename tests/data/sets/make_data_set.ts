/** Small data sets in temporary folders, with `.pt` files as PyTorch writes them. */
import { dirname } from "node:path";
import { crc32 } from "node:zlib";

/** A folder that is gone after the test. */
export async function withFolder(
  files: Record<string, string | Uint8Array | undefined>,
  use: (path: string) => Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempDir();
  try {
    for (const [name, contents] of Object.entries(files)) {
      if (contents === undefined) continue;
      const bytes = typeof contents === "string" ? new TextEncoder().encode(contents) : contents;
      await Deno.mkdir(dirname(`${path}/${name}`), { recursive: true });
      await Deno.writeFile(`${path}/${name}`, bytes);
    }
    await use(path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

/** Values that say where they come from: utterance × 1000 + frame + channel / 10. */
export function rampFeatures(utterance: number, frames: number, channels: number): Float32Array {
  return Float32Array.from(
    { length: frames * channels },
    (_, i) => utterance * 1000 + Math.floor(i / channels) + (i % channels) / 10,
  );
}

/** An HW4 folder: `frames[c]` are the lengths of the utterances of speaker c. */
export function hw4Files(frames: number[][], channels = 4): Record<string, string | Uint8Array | undefined> {
  const speaker = (c: number) => `id${String(c).padStart(5, "0")}`;
  const files: Record<string, string | Uint8Array> = {};
  let count = 0;
  const listed = frames.map((lengths, c): [string, unknown[]] => [
    speaker(c),
    lengths.map((mel_len) => {
      const feature_path = `uttr-${count}.pt`;
      files[feature_path] = torchBytes([mel_len, channels], rampFeatures(count++, mel_len, channels));
      return { feature_path, mel_len };
    }),
  ]);
  const ids = frames.map((_, c): [string, number] => [speaker(c), c]);
  files["metadata.json"] = JSON.stringify({ n_mels: channels, speakers: Object.fromEntries(listed) });
  files["mapping.json"] = JSON.stringify({
    speaker2id: Object.fromEntries(ids),
    id2speaker: Object.fromEntries(ids.map(([name, id]) => [id, name])),
  });
  return files;
}

/** What `torch.save` writes for a contiguous float32 tensor. */
export function torchBytes(shape: number[], data: Float32Array): Uint8Array {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  return zipBytes({
    "archive/data.pkl": pickleBytes(shape, strides, data.length),
    "archive/data/0": new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    "archive/version": new TextEncoder().encode("3\n"),
  });
}

function pickleBytes(shape: number[], strides: number[], count: number): Uint8Array {
  const text = (s: string) => [0x58, s.length, 0, 0, 0, ...ascii(s)];
  const integer = (n: number) => [0x4a, n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >> 24) & 255];
  const tuple = (...parts: number[][]) => [0x28, ...parts.flat(), 0x74];
  const storage = tuple(text("storage"), ascii("ctorch\nFloatStorage\n"), text("0"), text("cpu"), integer(count));
  const args = tuple(
    [...storage, 0x51],
    integer(0),
    tuple(...shape.map(integer)),
    tuple(...strides.map(integer)),
    [0x89],
    ascii("ccollections\nOrderedDict\n)R"),
  );
  return Uint8Array.from([0x80, 2, ...ascii("ctorch._utils\n_rebuild_tensor_v2\n"), ...args, 0x52, 0x2e]);
}

function ascii(text: string): number[] {
  return [...text].map((character) => character.charCodeAt(0));
}

/** A zip archive of stored entries. */
export function zipBytes(entries: Record<string, Uint8Array>): Uint8Array {
  const body: Uint8Array[] = [], directory: Uint8Array[] = [];
  let offset = 0;
  for (const [name, data] of Object.entries(entries)) {
    const shared = [[2, 20], [2, 0], [2, 0], [4, 0], [4, crc32(data)], [4, data.length], [4, data.length], [
      2,
      name.length,
    ]];
    const local = fields([[4, 0x04034b50], ...shared, [2, 0]], name);
    const central = [[4, 0x02014b50], [2, 20], ...shared, [2, 0], [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]];
    directory.push(fields(central, name));
    body.push(local, data);
    offset += local.length + data.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0), count = directory.length;
  const end = fields([[4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, size], [4, offset], [2, 0]], "");
  return Uint8Array.from([...body, ...directory, end].flatMap((part) => [...part]));
}

function fields(pairs: number[][], tail: string): Uint8Array {
  const bytes = pairs.flatMap(([size, value]) => Array.from({ length: size }, (_, i) => (value >>> (8 * i)) & 255));
  return Uint8Array.from([...bytes, ...ascii(tail)]);
}
