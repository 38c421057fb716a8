/**
 * A reader for zip archives (stored and deflated entries, zip64), as far as weight files need one.
 * Every size is checked against the archive before anything is allocated, and every entry against its CRC-32.
 * Format: PKWARE APPNOTE 6.3.9.
 */
import { crc32, inflateRawSync } from "node:zlib";
import type { ByteSource } from "./byte_source.ts";

const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END_RECORD = 0x06054b50;
const END64_RECORD = 0x06064b50;
const END64_LOCATOR = 0x07064b50;
const END_SIZE = 22;
const LOCATOR_SIZE = 20;
/** Deflate cannot do better than 1032 : 1, so a directory that claims more is lying about the size. */
const MAX_DEFLATE_RATIO = 1032;

interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly packedSize: number;
  readonly size: number;
  readonly headerOffset: number;
}

/** The entries of a zip archive. The directory is read at once, contents when asked for. */
export class ZipReader {
  readonly #source: ByteSource;
  readonly #entries: Map<string, ZipEntry>;

  /**
   * Reads the directory.
   *
   * @param source the archive; stays open and belongs to the caller
   * @throws {Error} it is not a complete zip archive; the message is the fact alone
   */
  constructor(source: ByteSource) {
    this.#source = source;
    this.#entries = readDirectory(source);
  }

  /** Names of all entries. */
  get names(): string[] {
    return [...this.#entries.keys()];
  }

  /** Size of an entry's contents in bytes; undefined if there is no such entry. */
  size(name: string): number | undefined {
    return this.#entries.get(name)?.size;
  }

  /**
   * Reads and checks the contents of an entry, into memory of their own.
   *
   * @param name one of `names`
   * @throws {Error} no such entry, it is damaged, encrypted or packed in an unknown way; the message is the fact alone
   */
  read(name: string): Uint8Array<ArrayBuffer> {
    return this.share(name).slice();
  }

  /** As {@linkcode ZipReader.read}, but the result may share memory with the archive: not to be written into. */
  share(name: string): Uint8Array {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw new Error(`it has no entry ${JSON.stringify(name)}`);
    const bytes = unpack(entry, this.#source.share(dataOffset(this.#source, entry), entry.packedSize));
    if (crc32(bytes) !== entry.crc) throw new Error(`its entry ${JSON.stringify(name)} is damaged (wrong CRC-32)`);
    return bytes;
  }
}

/** Where the directory is and how many entries it has. */
interface Directory {
  readonly offset: number;
  readonly size: number;
  readonly count: number;
}

function readDirectory(source: ByteSource): Map<string, ZipEntry> {
  const { offset, size, count } = findDirectory(source);
  if (offset + size > source.size) throw new Error("its directory lies outside the file");
  const view = viewOf(source.share(offset, size));
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > size || view.getUint32(at, true) !== CENTRAL_HEADER) throw new Error("its directory is damaged");
    const length = 46 + view.getUint16(at + 28, true) + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (at + length > size) throw new Error("its directory is damaged");
    const entry = readCentralHeader(view, at);
    checkEntry(entry, offset);
    if (entries.has(entry.name)) throw new Error(`its directory names ${JSON.stringify(entry.name)} twice`);
    entries.set(entry.name, entry);
    at += length;
  }
  return entries;
}

/** Searches the end record backwards: a comment of at most 65,535 bytes may follow it. */
function findDirectory(source: ByteSource): Directory {
  const tailSize = Math.min(source.size, END_SIZE + 0xffff);
  const tailStart = source.size - tailSize;
  const view = viewOf(source.share(tailStart, tailSize));
  for (let at = tailSize - END_SIZE; at >= 0; at--) {
    if (view.getUint32(at, true) !== END_RECORD) continue;
    if (at + END_SIZE + view.getUint16(at + 20, true) !== tailSize) continue;
    const wide = findDirectory64(source, tailStart + at);
    if (wide !== undefined) return wide;
    return {
      count: view.getUint16(at + 10, true),
      size: view.getUint32(at + 12, true),
      offset: view.getUint32(at + 16, true),
    };
  }
  throw new Error("it is a zip archive cut short (its end record is missing)");
}

function findDirectory64(source: ByteSource, endOffset: number): Directory | undefined {
  const locatorOffset = endOffset - LOCATOR_SIZE;
  if (locatorOffset < 0) return undefined;
  const locator = viewOf(source.share(locatorOffset, LOCATOR_SIZE));
  if (locator.getUint32(0, true) !== END64_LOCATOR) return undefined;
  const offset = readLong(locator, 8);
  if (offset + 56 > locatorOffset) throw new Error("its directory lies outside the file");
  const record = viewOf(source.share(offset, 56));
  if (record.getUint32(0, true) !== END64_RECORD) throw new Error("its directory is damaged");
  return { count: readLong(record, 32), size: readLong(record, 40), offset: readLong(record, 48) };
}

function readCentralHeader(view: DataView, at: number): ZipEntry {
  const nameLength = view.getUint16(at + 28, true);
  const name = new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + at + 46, nameLength));
  if (view.getUint16(at + 8, true) & 1) throw new Error(`its entry ${JSON.stringify(name)} is encrypted`);
  const sizes = { size: view.getUint32(at + 24, true), packedSize: view.getUint32(at + 20, true) };
  const entry = { name, ...sizes, headerOffset: view.getUint32(at + 42, true) };
  const extra = { start: at + 46 + nameLength, length: view.getUint16(at + 30, true) };
  return {
    ...widen(entry, view, extra),
    method: view.getUint16(at + 10, true),
    crc: view.getUint32(at + 16, true),
  };
}

/** Replaces the fields that are 0xffffffff by those of the zip64 extra field, which lists only them, in this order. */
function widen<T extends { size: number; packedSize: number; headerOffset: number }>(
  entry: T,
  view: DataView,
  extra: { start: number; length: number },
): T {
  const narrow = (["size", "packedSize", "headerOffset"] as const).filter((field) => entry[field] === 0xffffffff);
  const end = extra.start + extra.length;
  for (let at = extra.start; narrow.length > 0 && at + 4 <= end;) {
    const length = view.getUint16(at + 2, true);
    if (view.getUint16(at, true) === 1 && length >= 8 * narrow.length && at + 4 + length <= end) {
      return { ...entry, ...Object.fromEntries(narrow.map((field, i) => [field, readLong(view, at + 4 + 8 * i)])) };
    }
    at += 4 + length;
  }
  return entry;
}

function checkEntry(entry: ZipEntry, directoryOffset: number): void {
  const quoted = JSON.stringify(entry.name);
  if (entry.headerOffset + 30 + entry.packedSize > directoryOffset) throw new Error(`its entry ${quoted} is cut short`);
  if (entry.method !== 0 && entry.method !== 8) {
    throw new Error(`its entry ${quoted} is packed by method ${entry.method}`);
  }
  const most = entry.method === 0 ? entry.packedSize : entry.packedSize * MAX_DEFLATE_RATIO + 64;
  if (entry.size > most || (entry.method === 0 && entry.size !== entry.packedSize)) {
    throw new Error(`its entry ${quoted} cannot hold ${entry.size} bytes in ${entry.packedSize}`);
  }
}

/** The local header repeats the name and has an extra field of its own length, so it must be looked at. */
function dataOffset(source: ByteSource, entry: ZipEntry): number {
  const header = viewOf(source.share(entry.headerOffset, 30));
  if (header.getUint32(0, true) !== LOCAL_HEADER) throw new Error(`its entry ${JSON.stringify(entry.name)} is damaged`);
  const offset = entry.headerOffset + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  if (offset + entry.packedSize > source.size) throw new Error(`its entry ${JSON.stringify(entry.name)} is cut short`);
  return offset;
}

function unpack(entry: ZipEntry, packed: Uint8Array): Uint8Array {
  if (entry.method === 0) return packed;
  let bytes: Uint8Array;
  try {
    bytes = inflateRawSync(packed, { maxOutputLength: Math.max(1, entry.size) });
  } catch (cause) {
    throw new Error(`its entry ${JSON.stringify(entry.name)} is damaged (it does not inflate)`, { cause });
  }
  if (bytes.length !== entry.size) throw new Error(`its entry ${JSON.stringify(entry.name)} has the wrong size`);
  return bytes;
}

function readLong(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
