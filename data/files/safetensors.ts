/**
 * Writing `.safetensors` files: named arrays with a JSON header, nothing executable.
 * Format: https://github.com/huggingface/safetensors
 */
import { writeFileAtomic } from "./atomic_write.ts";
import { type ArrayDict, elementCount } from "./named_array.ts";

export type { ArrayDict, NamedArray } from "./named_array.ts";
export { openSafetensors, readSafetensors, SafetensorsFile, type SafetensorsOptions } from "./safetensors_file.ts";

/**
 * Writes named arrays as F32 or I32. The file appears at `path` complete or not at all: it is written beside its place,
 * flushed to the disk and renamed.
 *
 * @param path where to; the folder must exist, an old file is replaced
 * @param arrays what to write, in this order; each `data` must have as many elements as its `shape` says
 * @param metadata free text pairs for the header; default none
 * @throws {TypeError} a name, shape or data that cannot be written
 */
export async function writeSafetensors(
  path: string,
  arrays: Readonly<ArrayDict>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const header = encodeHeader(arrays, metadata);
  await writeFileAtomic(path, async (write) => {
    await write(header);
    for (const { data } of Object.values(arrays)) {
      await write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
  });
}

/** The bytes that {@linkcode writeSafetensors} would write. */
export function encodeSafetensors(
  arrays: Readonly<ArrayDict>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const header = encodeHeader(arrays, metadata);
  const all = Object.values(arrays);
  const bytes = new Uint8Array(all.reduce((size, { data }) => size + data.byteLength, header.length));
  bytes.set(header);
  let offset = header.length;
  for (const { data } of all) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

/** Length field and JSON, padded with spaces so that the data starts at a multiple of 8. */
function encodeHeader(arrays: Readonly<ArrayDict>, metadata: Readonly<Record<string, string>>): Uint8Array {
  const root: [string, unknown][] = Object.keys(metadata).length ? [["__metadata__", metadata]] : [];
  let offset = 0;
  for (const [name, { shape, data }] of Object.entries(arrays)) {
    checkArray(name, shape, data);
    const dtype = data instanceof Float32Array ? "F32" : "I32";
    root.push([name, { dtype, shape, data_offsets: [offset, offset += data.byteLength] }]);
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(root)));
  const length = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, 8);
  return bytes;
}

function checkArray(name: string, shape: readonly number[], data: Float32Array | Int32Array): void {
  const quoted = JSON.stringify(name);
  if (name === "__metadata__") throw new TypeError(`Cannot write an array named ${quoted}: the format keeps this name`);
  if (!(data instanceof Float32Array || data instanceof Int32Array)) {
    throw new TypeError(`Cannot write ${quoted}: its data is neither a Float32Array nor an Int32Array`);
  }
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0) || elementCount(shape) !== data.length) {
    throw new TypeError(`Cannot write ${quoted}: shape [${shape.join(", ")}] does not fit ${data.length} elements`);
  }
}
