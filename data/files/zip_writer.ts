/** Writing zip archives whose entries are stored as they are, as `torch.save` does. Format: PKWARE APPNOTE 6.3.9, without zip64. */
import { crc32 } from "node:zlib";

const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END_RECORD = 0x06054b50;
/** Contents start at multiples of this, so that a reader may map them into memory. */
const ALIGNMENT = 64;
const MOST_BYTES = 2 ** 32 - 1, MOST_ENTRIES = 2 ** 16 - 1;

/** A file of an archive. */
export interface ZipFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * An archive in parts.
 *
 * @throws {RangeError} It would have more than 4 GB or 65,535 files; the message is the fact alone.
 */
export function zipParts(files: readonly ZipFile[]): Uint8Array[] {
  const parts: Uint8Array[] = [], directory: Uint8Array[] = [];
  let offset = 0;
  const add = (bytes: Uint8Array) => {
    parts.push(bytes);
    offset += bytes.length;
  };
  for (const { name, bytes } of files) {
    const nameBytes = new TextEncoder().encode(name), crc = crc32(bytes) >>> 0, start = offset;
    const bare = 30 + nameBytes.length + 4, padding = -(offset + bare) & (ALIGNMENT - 1);
    const header = headerOf({ crc, size: bytes.length, nameLength: nameBytes.length, extra: padding + 4 });
    add(joined([header, nameBytes, extraField(padding)]));
    add(bytes);
    directory.push(centralOf({ crc, size: bytes.length, nameBytes, offset: start }));
  }
  const start = offset;
  directory.forEach(add);
  if (offset + 22 > MOST_BYTES || files.length > MOST_ENTRIES) {
    throw new RangeError(`a zip archive of ${files.length} files and ${offset} bytes is too large`);
  }
  add(endRecord({ entries: files.length, size: offset - start, offset: start }));
  return parts;
}

interface Entry {
  readonly crc: number;
  readonly size: number;
}

/** Fields of 2 or 4 bytes, little-endian. */
function fields(list: readonly (readonly [bytes: 2 | 4, value: number])[]): Uint8Array {
  const out = new DataView(new ArrayBuffer(list.reduce((sum, [bytes]) => sum + bytes, 0)));
  let at = 0;
  for (const [bytes, value] of list) {
    if (bytes === 2) out.setUint16(at, value, true);
    else out.setUint32(at, value, true);
    at += bytes;
  }
  return new Uint8Array(out.buffer);
}

/** 1 January 1980, the first day that the format knows. */
const DATE = 33;

function headerOf({ crc, size, nameLength, extra }: Entry & { nameLength: number; extra: number }): Uint8Array {
  const version = [[2, 20], [2, 0x800], [2, 0], [2, 0], [2, DATE]] as const; // names are UTF-8, contents stored
  return fields([[4, LOCAL_HEADER], ...version, [4, crc], [4, size], [4, size], [2, nameLength], [2, extra]]);
}

/** What moves the contents to a multiple of the alignment, as PyTorch writes it. */
function extraField(padding: number): Uint8Array {
  const field = new Uint8Array(4 + padding).fill(0x5a);
  field.set([0x46, 0x42, padding & 255, padding >>> 8]); // "FB"
  return field;
}

function centralOf({ crc, size, nameBytes, offset }: Entry & { nameBytes: Uint8Array; offset: number }): Uint8Array {
  const version = [[2, 20], [2, 20], [2, 0x800], [2, 0], [2, 0], [2, DATE]] as const;
  const sizes = [[4, crc], [4, size], [4, size], [2, nameBytes.length]] as const;
  const none = [[2, 0], [2, 0], [2, 0], [2, 0], [4, 0]] as const; // extra field, comment, disk, attributes
  return joined([fields([[4, CENTRAL_HEADER], ...version, ...sizes, ...none, [4, offset]]), nameBytes]);
}

function endRecord({ entries, size, offset }: { entries: number; size: number; offset: number }): Uint8Array {
  return fields([[4, END_RECORD], [2, 0], [2, 0], [2, entries], [2, entries], [4, size], [4, offset], [2, 0]]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
