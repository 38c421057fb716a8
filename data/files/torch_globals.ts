/**
 * The list of what a PyTorch weights file may ask for: how tensors are put together, and nothing else.
 * Signatures: torch/_utils.py and torch/serialization.py of PyTorch 1.0 to 2.9.
 */
import { PickleGlobal } from "./pickle.ts";
import type { StoredType } from "./stored_types.ts";
import { TorchStorage, TorchTensor } from "./torch_tensor.ts";

const STORAGES: Readonly<Record<string, StoredType>> = {
  DoubleStorage: "F64",
  FloatStorage: "F32",
  HalfStorage: "F16",
  BFloat16Storage: "BF16",
  LongStorage: "I64",
  IntStorage: "I32",
  ShortStorage: "I16",
  CharStorage: "I8",
  ByteStorage: "U8",
  BoolStorage: "BOOL",
};

const DTYPES: Readonly<Record<string, StoredType>> = {
  float64: "F64",
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
  int64: "I64",
  int32: "I32",
  int16: "I16",
  int8: "I8",
  uint32: "U32",
  uint16: "U16",
  uint8: "U8",
  bool: "BOOL",
};

/** A storage class such as `torch.FloatStorage`; the untyped one has no element type. */
class StorageClass extends PickleGlobal {
  readonly type: StoredType | undefined;

  constructor(type: StoredType | undefined) {
    super();
    this.type = type;
  }
}

/** A dtype such as `torch.float32`. */
class Dtype extends PickleGlobal {
  readonly type: StoredType;

  constructor(type: StoredType) {
    super();
    this.type = type;
  }
}

const ALLOWED: ReadonlyMap<string, PickleGlobal> = new Map<string, PickleGlobal>([
  ["torch._utils._rebuild_tensor", new PickleGlobal(rebuildTensor)],
  ["torch._utils._rebuild_tensor_v2", new PickleGlobal(rebuildTensor)],
  ["torch._utils._rebuild_tensor_v3", new PickleGlobal(rebuildTypedTensor)],
  ["torch._utils._rebuild_parameter", new PickleGlobal(firstTensor)],
  ["torch._utils._rebuild_parameter_with_state", new PickleGlobal(firstTensor)],
  ["torch.Size", new PickleGlobal(([sizes]) => sizes)],
  ["torch.device", new PickleGlobal(() => null)],
  ["collections.OrderedDict", new PickleGlobal(orderedDict)],
  ["torch.storage.UntypedStorage", new StorageClass(undefined)],
  ...Object.entries(STORAGES).flatMap(([name, type]): [string, PickleGlobal][] => [
    [`torch.${name}`, new StorageClass(type)],
    [`torch.cuda.${name}`, new StorageClass(type)],
  ]),
  ...Object.entries(DTYPES).map(([name, type]): [string, PickleGlobal] => [`torch.${name}`, new Dtype(type)]),
]);

/** Looks a name up in the list. */
export function findTorchGlobal(module: string, name: string): PickleGlobal | undefined {
  return ALLOWED.get(`${module}.${name}`);
}

/**
 * The storage that a persistent id describes: ("storage", class, key, location, count), in old files followed by
 * (view key, offset, count) or None.
 */
export function findTorchStorage(id: unknown): TorchStorage {
  const [kind, storage, key, , count, view] = Array.isArray(id) ? id : [];
  if (kind !== "storage" || !(storage instanceof StorageClass) || typeof key !== "string" || !isCount(count)) {
    throw new Error("it refers to a storage in an unknown way");
  }
  if (!Array.isArray(view)) return new TorchStorage(key, storage.type, count);
  const [, start, viewCount] = view;
  if (!isCount(start) || !isCount(viewCount) || start + viewCount > count) {
    throw new Error(`it looks at a part of storage ${key} that does not exist`);
  }
  return new TorchStorage(key, storage.type, viewCount, start);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** _rebuild_tensor(storage, offset, size, stride), and _v2 with requires_grad, hooks and metadata after these. */
function rebuildTensor([storage, offset, shape, strides]: readonly unknown[]): TorchTensor {
  if (!(storage instanceof TorchStorage) || storage.type === undefined) {
    throw new Error("a tensor in it has no typed storage");
  }
  return new TorchTensor(storage, storage.type, { offset, shape, strides });
}

/** _rebuild_tensor_v3(storage, offset, size, stride, requires_grad, hooks, dtype, metadata). */
function rebuildTypedTensor([storage, offset, shape, strides, , , dtype]: readonly unknown[]): TorchTensor {
  if (!(storage instanceof TorchStorage) || !(dtype instanceof Dtype)) {
    throw new Error("a tensor in it has no storage or dtype");
  }
  return new TorchTensor(storage, dtype.type, { offset, shape, strides });
}

/** _rebuild_parameter(data, requires_grad, hooks, …). */
function firstTensor([data]: readonly unknown[]): TorchTensor {
  if (!(data instanceof TorchTensor)) throw new Error("a parameter in it has no tensor");
  return data;
}

/** OrderedDict(), or with a list of pairs as Python 2 wrote it. */
function orderedDict([pairs = []]: readonly unknown[]): Map<unknown, unknown> {
  if (!Array.isArray(pairs) || !pairs.every((pair) => Array.isArray(pair) && pair.length === 2)) {
    throw new Error("an ordered dictionary in it is not made of pairs");
  }
  return new Map(pairs);
}
