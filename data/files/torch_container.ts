/**
 * The two ways `torch.save` packs an object: a zip archive (since PyTorch 1.6), and before that a row of pickles followed by
 * the storages. Both come out as the unpickled object and a way to read its storages.
 */
import type { ByteSource } from "./byte_source.ts";
import { readPickle } from "./pickle.ts";
import { findInert } from "./pickle_inert.ts";
import { findTorchGlobal, findTorchStorage } from "./torch_globals.ts";
import { storedSize, type StoredType } from "./stored_types.ts";
import { ZipReader } from "./zip.ts";

/** What `torch.save` was given, with tensors not yet read. */
export interface TorchObject {
  /** The unpickled object; see {@linkcode readPickle}, tensors are `TorchTensor`. */
  readonly value: unknown;
  /** The bytes of a storage; they may share memory with the source, if that was asked for. */
  readonly readStorage: (key: string) => Uint8Array;
}

/** How a file is read. */
export interface TorchObjectOptions {
  /** Whether storages may share memory with the source. */
  readonly share: boolean;
  /** Whether classes that build no tensors are allowed, each object of one being an `InertObject`; else they are refused. */
  readonly inert: boolean;
}

function finderOf({ inert }: TorchObjectOptions): typeof findTorchGlobal {
  return inert ? (module, name) => findTorchGlobal(module, name) ?? findInert(module, name) : findTorchGlobal;
}

const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_PROTOCOL = 1001;

/**
 * Reads the object of a PyTorch file, whichever container it has.
 *
 * @param source the file; stays open and belongs to the caller
 * @throws {Error} it is not a PyTorch file, damaged, or asks for more than tensors; the message is the fact alone
 */
export function readTorchObject(source: ByteSource, options: TorchObjectOptions): TorchObject {
  if (source.size === 0) throw new Error("it is empty");
  const start = source.share(0, Math.min(4, source.size));
  if (start[0] === 0x50 && start[1] === 0x4b) return readZip(new ZipReader(source), options);
  if (start[0] === 0x80) return readLegacy(source.share(0, source.size), options);
  throw new Error("it is not a PyTorch file");
}

function readZip(zip: ZipReader, options: TorchObjectOptions): TorchObject {
  const pickles = zip.names.filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickles.length !== 1) throw new Error("it is a zip archive, but not a PyTorch file (it has no data.pkl)");
  const folder = pickles[0].slice(0, -"data.pkl".length);
  if (zip.size(`${folder}constants.pkl`) !== undefined) {
    throw new Error("it is a TorchScript program, not weights; save its state_dict() with torch.save instead");
  }
  const order = zip.size(`${folder}byteorder`) === undefined ? "little" : asText(zip.read(`${folder}byteorder`));
  if (order !== "little") throw new Error("it was written on a big-endian machine");
  const { value } = readPickle(zip.share(pickles[0]), { find: finderOf(options), persistent: findTorchStorage });
  const path = (key: string) => `${folder}data/${key}`;
  return { value, readStorage: (key) => options.share ? zip.share(path(key)) : zip.read(path(key)) };
}

function asText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).trim();
}

/** Magic number, protocol, facts about the machine, the object, the keys of its storages, then their bytes. */
function readLegacy(bytes: Uint8Array, options: TorchObjectOptions): TorchObject {
  const storages = new Map<string, StoredType>();
  const persistent = (id: unknown) => {
    const storage = findTorchStorage(id);
    if (storage.type === undefined) throw new Error("it has an untyped storage, which its format does not know");
    if (storages.has(storage.key) && storages.get(storage.key) !== storage.type) {
      throw new Error(`it gives storage ${storage.key} two types`);
    }
    storages.set(storage.key, storage.type);
    return storage;
  };
  let end = 0;
  const next = () => {
    const read = readPickle(bytes, { find: finderOf(options), persistent }, end);
    end = read.end;
    return read.value;
  };
  if (next() !== LEGACY_MAGIC) throw new Error("it is a pickle, but not a PyTorch file");
  if (next() !== LEGACY_PROTOCOL) throw new Error("it has an unknown version of PyTorch's old format");
  const system = next();
  if (system instanceof Map && system.get("little_endian") === false) {
    throw new Error("it was written on a big-endian machine");
  }
  const value = next();
  const places = findLegacyStorages(bytes, storages, { keys: next(), start: end });
  return {
    value,
    readStorage: (key) => options.share ? legacyStorage(bytes, places, key) : legacyStorage(bytes, places, key).slice(),
  };
}

interface Place {
  readonly start: number;
  readonly end: number;
}

/** Each storage is its number of elements as a 64-bit integer, then the elements. */
function findLegacyStorages(
  bytes: Uint8Array,
  types: ReadonlyMap<string, StoredType>,
  { keys, start }: { keys: unknown; start: number },
): Map<string, Place> {
  if (!Array.isArray(keys)) throw new Error("its list of storages is missing");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const places = new Map<string, Place>();
  for (const key of keys) {
    const type = types.get(key);
    if (type === undefined) throw new Error("it has a storage that no tensor looks into");
    if (start + 8 > bytes.length) throw new Error(`it is cut short: storage ${key} is missing`);
    const end = start + 8 + Number(view.getBigInt64(start, true)) * storedSize(type);
    if (end > bytes.length || end < start) throw new Error(`it is cut short within storage ${key}`);
    places.set(key, { start: start + 8, end });
    start = end;
  }
  return places;
}

function legacyStorage(bytes: Uint8Array, places: ReadonlyMap<string, Place>, key: string): Uint8Array {
  const place = places.get(key);
  if (place === undefined) throw new Error(`it has no storage ${JSON.stringify(key)}`);
  return bytes.subarray(place.start, place.end);
}
