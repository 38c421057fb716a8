/**
 * Tensors as a PyTorch file describes them: a view (offset, sizes, strides) into a storage, checked before anything is read.
 */
import { elementCount, type NamedArray } from "./named_array.ts";
import { decodeStored, storedSize, type StoredType } from "./stored_types.ts";

const MAX_RANK = 64;
/** A stride of 0 lets a few bytes claim any number of elements; real files repeat little. */
const MAX_REPEATED_ELEMENTS = 2 ** 28;

/** A run of bytes in the file that tensors look into. */
export class TorchStorage {
  /** Names the bytes within the file. */
  readonly key: string;
  /** Element type; undefined for an untyped storage, whose tensors know theirs. */
  readonly type: StoredType | undefined;
  /** Number of elements; of bytes, if untyped. */
  readonly count: number;
  /** First element within the bytes called `key`; not 0 only for storage views in old files. */
  readonly start: number;

  /** Describes a storage; `start` defaults to 0. */
  constructor(key: string, type: StoredType | undefined, count: number, start = 0) {
    this.key = key;
    this.type = type;
    this.count = count;
    this.start = start;
  }
}

/** A view of a storage. */
export class TorchTensor {
  readonly storage: TorchStorage;
  readonly type: StoredType;
  readonly offset: number;
  readonly shape: number[];
  readonly strides: number[];

  /**
   * Checks and describes a view.
   *
   * @param storage what it looks into
   * @param type element type
   * @param view first element, sizes and strides, all in elements
   * @throws {Error} it is malformed or reaches outside its storage; the message is the fact alone
   */
  constructor(storage: TorchStorage, type: StoredType, view: { offset: unknown; shape: unknown; strides: unknown }) {
    const { offset, shape, strides } = view;
    if (!isSize(offset) || !isSizes(shape) || !isSizes(strides) || shape.length !== strides.length) {
      throw new Error("a tensor in it has no valid offset, sizes and strides");
    }
    const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis], offset);
    const count = storage.type === undefined ? Math.floor(storage.count / storedSize(type)) : storage.count;
    if (shape.every((size) => size > 0) && last >= count) {
      throw new Error(`a tensor in it reaches element ${last} of a storage of ${count}`);
    }
    this.storage = storage;
    this.type = type;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= MAX_RANK && value.every(isSize);
}

/**
 * Reads tensors, each storage once, into arrays of their own in row-major order.
 *
 * @param tensors what to read
 * @param readStorage the bytes called by a key; a result may become part of an array
 * @returns one array a tensor, in the same order
 * @throws {Error} a storage is too short, or the tensors repeat their storages beyond reason; the message is the fact alone
 */
export function readTensors(
  tensors: readonly TorchTensor[],
  readStorage: (key: string) => Uint8Array,
): NamedArray[] {
  checkRepetition(tensors);
  const byStorage = Map.groupBy(tensors.keys(), (index) => tensors[index].storage.key);
  const arrays: NamedArray[] = new Array(tensors.length);
  for (const [key, indices] of byStorage) {
    const bytes = readStorage(key);
    for (const index of indices) {
      const tensor = tensors[index];
      const own = indices.length === 1 && isWhole(tensor) ? bytes : undefined;
      arrays[index] = {
        shape: [...tensor.shape],
        data: gather(tensor, storageBytes(tensor, bytes), own !== undefined),
      };
    }
  }
  return arrays;
}

function checkRepetition(tensors: readonly TorchTensor[]): void {
  const stored = new Map(tensors.map(({ storage }) => [storage.key, storage.count]));
  const wanted = tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const held = stored.values().reduce((sum, count) => sum + count, 0);
  if (wanted > held + MAX_REPEATED_ELEMENTS) throw new Error(`it blows ${held} stored elements up to ${wanted}`);
}

/** The bytes of a tensor's storage, from its first element on. */
function storageBytes(tensor: TorchTensor, bytes: Uint8Array): Uint8Array {
  const { storage, type } = tensor;
  const size = storage.type === undefined ? 1 : storedSize(type);
  const end = (storage.start + storage.count) * size;
  if (end > bytes.length) throw new Error(`its storage ${storage.key} has ${bytes.length} bytes instead of ${end}`);
  return bytes.subarray(storage.start * size, end);
}

/** True if the tensor's elements stand in its storage one after the other from the first on. */
function isWhole(tensor: TorchTensor): boolean {
  return tensor.offset === 0 && isContiguous(tensor);
}

function isContiguous({ shape, strides }: TorchTensor): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}

/** The elements in row-major order; `own` allows the result to share the bytes. */
function gather(tensor: TorchTensor, bytes: Uint8Array, own: boolean): Float32Array | Int32Array {
  const { type, offset, shape } = tensor;
  const size = storedSize(type);
  const count = elementCount(shape);
  if (isContiguous(tensor)) {
    const part = bytes.subarray(offset * size, (offset + count) * size);
    return decodeStored(type, own ? part : part.slice(), count);
  }
  const picked = new Uint8Array(count * size);
  if (count > 0) pick(tensor, bytes, picked);
  return decodeStored(type, picked, count);
}

/** Copies element by element, the index counting up like an odometer. */
function pick({ shape, strides, offset, type }: TorchTensor, bytes: Uint8Array, picked: Uint8Array): void {
  const size = storedSize(type);
  const index = new Array(shape.length).fill(0);
  let from = offset;
  for (let to = 0; to < picked.length; to += size) {
    for (let b = 0; b < size; b++) picked[to + b] = bytes[from * size + b];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= index[axis] * strides[axis];
      index[axis] = 0;
    }
  }
}
