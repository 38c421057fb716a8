/**
 * The header of a safetensors file, checked as if its writer were hostile.
 * Format: https://github.com/huggingface/safetensors (8 bytes header length, JSON header, data without gaps).
 */
import { elementCount } from "./named_array.ts";
import { isStoredType, storedSize, type StoredType } from "./stored_types.ts";

/** The reference implementation's own limit for a header. */
const MAX_HEADER_BYTES = 100_000_000;
const MAX_RANK = 32;

/** Where one array lies in the file and what it holds. */
export interface SafetensorsEntry {
  /** Element type in the file. */
  readonly dtype: StoredType;
  /** Sizes of the axes. */
  readonly shape: readonly number[];
  /** First byte, counted from the start of the file. */
  readonly offset: number;
  /** Number of bytes. */
  readonly byteLength: number;
}

/** A parsed and checked header. */
export interface SafetensorsHeader {
  /** The arrays in the order of the header. */
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  /** The free text pairs of `__metadata__`; empty if the file has none. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads the length field.
 *
 * @param prefix the first 8 bytes of the file
 * @param fileSize bytes in the whole file
 * @returns the length of the JSON that follows
 * @throws {Error} the length is impossible; the message is the fact alone, for the caller to put the file's name before
 */
export function parseHeaderLength(prefix: Uint8Array, fileSize: number): number {
  const view = new DataView(prefix.buffer, prefix.byteOffset, 8);
  const length = Number(view.getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES) throw new Error(`its header would be ${length} bytes long, so it is not safetensors`);
  if (8 + length > fileSize) throw new Error(`its header of ${length} bytes ends after the file of ${fileSize} bytes`);
  return length;
}

/**
 * Parses and checks the JSON header: every entry's type, shape and range, no overlap, no gap, nothing after the last.
 *
 * @param json the header's bytes
 * @param fileSize bytes in the whole file
 * @throws {Error} anything is wrong; the message is the fact alone
 */
export function parseHeader(json: Uint8Array, fileSize: number): SafetensorsHeader {
  const text = decodeText(json);
  const root = parseObject(text);
  refuseDuplicates(text);
  const dataStart = 8 + json.length;
  const entries = new Map<string, SafetensorsEntry>();
  for (const [name, value] of Object.entries(root)) {
    if (name !== "__metadata__") entries.set(name, parseEntry(name, value, dataStart));
  }
  checkCoverage(entries, dataStart, fileSize);
  return { entries, metadata: parseMetadata(root["__metadata__"]) };
}

function decodeText(json: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(json);
  } catch {
    throw new Error("its header is not UTF-8 text");
  }
}

function parseObject(text: string): Record<string, unknown> {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    throw new Error(`its header is not JSON (${(error as Error).message})`);
  }
  if (!isRecord(root)) throw new Error("its header is not a JSON object");
  return root;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** JSON.parse keeps the last of two equal names silently, so the names of the outermost object are scanned in the text. */
function refuseDuplicates(text: string): void {
  const seen = new Set<string>();
  let depth = 0;
  for (const [token] of text.matchAll(/[{}\[\]]|"[^"\\]*(?:\\.[^"\\]*)*"\s*:?/g)) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (depth === 1 && token.endsWith(":")) {
      const name: string = JSON.parse(token.slice(0, -1));
      if (seen.has(name)) throw new Error(`its header names ${JSON.stringify(name)} twice`);
      seen.add(name);
    }
  }
}

function parseEntry(name: string, value: unknown, dataStart: number): SafetensorsEntry {
  const quoted = JSON.stringify(name);
  if (!isRecord(value)) throw new Error(`its header describes ${quoted} by something other than an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isStoredType(dtype)) throw new Error(`${quoted} has the unknown dtype ${JSON.stringify(dtype)}`);
  if (!isSizes(shape) || shape.length > MAX_RANK) throw new Error(`${quoted} has no valid shape`);
  if (!isSizes(offsets) || offsets.length !== 2) throw new Error(`${quoted} has no valid data_offsets`);
  const byteLength = offsets[1] - offsets[0];
  const wanted = elementCount(shape) * storedSize(dtype);
  if (byteLength !== wanted) {
    throw new Error(`${quoted} is ${dtype} [${shape.join(", ")}], ${wanted} bytes, but has ${byteLength} bytes`);
  }
  return { dtype, shape, offset: dataStart + offsets[0], byteLength };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

/** The data must be covered exactly once: this rules out overlaps, gaps that hide something, and truncated files. */
function checkCoverage(entries: ReadonlyMap<string, SafetensorsEntry>, dataStart: number, fileSize: number): void {
  const sorted = [...entries].sort(([, a], [, b]) => a.offset - b.offset || a.byteLength - b.byteLength);
  let end = dataStart;
  for (const [name, entry] of sorted) {
    const quoted = JSON.stringify(name);
    if (entry.offset < end) throw new Error(`${quoted} overlaps the array before it`);
    if (entry.offset > end) throw new Error(`${entry.offset - end} bytes before ${quoted} belong to no array`);
    end = entry.offset + entry.byteLength;
    if (end > fileSize) throw new Error(`${quoted} ends at byte ${end}, but the file is truncated at ${fileSize}`);
  }
  if (end < fileSize) throw new Error(`${fileSize - end} bytes after the last array belong to none`);
}

function parseMetadata(value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (!isRecord(value)) throw new Error("its __metadata__ is not an object");
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string") throw new Error(`its __metadata__ entry ${JSON.stringify(key)} is not a string`);
  }
  return value as Record<string, string>;
}
