/**
 * Reading what `torch.save` wrote (`.pt`, `.pth`, `.bin`), in the zip and in the older format, without executing anything
 * that the file contains: only names on a short list are known, and all of them build tensors.
 */
import { type ByteSource, openBytes } from "./byte_source.ts";
import { type ArrayDict, type NamedArray, toArrayDict } from "./named_array.ts";
import { readTorchObject, type TorchObject } from "./torch_container.ts";
import { readTensors, TorchTensor } from "./torch_tensor.ts";

const MAX_DEPTH = 64;
const MAX_ITEMS = 1_000_000;

/** Options for reading a PyTorch file. */
export interface TorchFileOptions {
  /** What to call bytes in messages; default "data in memory". A path is called by itself. */
  readonly label?: string;
  /** Whether the result may share memory with the bytes given, which saves a copy; default false. */
  readonly share?: boolean;
}

/**
 * Reads every tensor of a PyTorch file. Names of nested dictionaries and lists are joined by dots, as `named_parameters()`
 * does; a single tensor has the name "". Numbers, text and other values that are not tensors are passed over.
 *
 * @example
 * ```ts ignore
 * import { readTorchFile } from "./torch_file.ts";
 *
 * const weights = readTorchFile("resnet18.pth");
 * console.log(weights["conv1.weight"].shape);
 * ```
 *
 * @param source a path, or the bytes of a file
 * @param options what to call bytes, and whether to copy
 * @returns the tensors in row-major order: float32 for floating types, int32 for integers and booleans
 * @throws {Error} there is no such file
 * @throws {SyntaxError} it is damaged, not a PyTorch file, or asks for something else than tensors (nothing has run then)
 */
export function readTorchFile(source: string | Uint8Array, options: TorchFileOptions = {}): ArrayDict {
  return reading(source, options, ({ value, readStorage }) => {
    const named = nameTensors(value);
    if (named.size === 0) throw new Error("it holds no tensors");
    const arrays = readTensors([...named.values()], readStorage);
    return toArrayDict([...named.keys()].map((name, i) => [name, arrays[i]]));
  });
}

/** A value in a PyTorch file that is no tensor. */
export type TorchValue = string | number | boolean | null;

/**
 * Reads a PyTorch file with the plain values that stand beside its tensors: numbers, texts, true, false and none, named alike.
 *
 * @param source a path, or the bytes of a file
 * @param options what to call bytes, and whether to copy
 * @throws {Error} there is no such file
 * @throws {SyntaxError} as {@linkcode readTorchFile}, but for a file without tensors
 */
export function readTorchValues(
  source: string | Uint8Array,
  options: TorchFileOptions = {},
): { arrays: ArrayDict; values: Map<string, TorchValue> } {
  return reading(source, options, ({ value, readStorage }) => {
    const values = new Map<string, TorchValue>();
    const named = nameTensors(value, (name, plain) => values.set(name, plain));
    const arrays = readTensors([...named.values()], readStorage);
    return { arrays: toArrayDict([...named.keys()].map((name, i) => [name, arrays[i]])), values };
  });
}

/**
 * Reads a PyTorch file that holds one tensor, like the HW4 features.
 *
 * @param source a path, or the bytes of a file
 * @param options what to call bytes
 * @returns the tensor in row-major order
 * @throws {Error} there is no such file
 * @throws {SyntaxError} as {@linkcode readTorchFile}, or the file holds something else than one tensor
 */
export function readTorchTensor(source: string | Uint8Array, options: TorchFileOptions = {}): NamedArray {
  return reading(source, options, ({ value, readStorage }) => {
    if (!(value instanceof TorchTensor)) throw new Error("it holds something else than one tensor");
    return readTensors([value], readStorage)[0];
  });
}

/** Opens, reads and closes; every error gets the file's name before it. */
function reading<T>(source: string | Uint8Array, options: TorchFileOptions, read: (object: TorchObject) => T): T {
  const bytes = openBytes(source, options.label);
  try {
    return read(readTorchObject(bytes, options.share ?? false));
  } catch (error) {
    throw explain(bytes, error);
  } finally {
    bytes.close();
  }
}

function explain(source: ByteSource, error: unknown): Error {
  const fact = error instanceof Error ? error.message : String(error);
  return new SyntaxError(`Cannot read ${source.label}: ${fact}`, { cause: error });
}

/** All tensors within dictionaries and lists. Depth and number are bounded: a pickle can hold itself. */
function nameTensors(root: unknown, onPlain?: (name: string, value: TorchValue) => void): Map<string, TorchTensor> {
  const named = new Map<string, TorchTensor>();
  let items = 0;
  const visit = (value: unknown, name: string, depth: number) => {
    if (depth > MAX_DEPTH || ++items > MAX_ITEMS) throw new Error("it is nested without end");
    if (value instanceof TorchTensor) {
      if (named.has(name)) throw new Error(`it names ${JSON.stringify(name)} twice`);
      named.set(name, value);
    } else if (value instanceof Map || Array.isArray(value)) {
      for (const [key, item] of value.entries()) visit(item, join(name, key), depth + 1);
    } else if (isPlain(value)) {
      onPlain?.(name, value);
    }
  };
  visit(root, "", 0);
  return named;
}

function isPlain(value: unknown): value is TorchValue {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}

function join(name: string, key: unknown): string {
  if (typeof key !== "string" && typeof key !== "number") {
    throw new Error("a dictionary in it has keys that are no names");
  }
  return name === "" ? `${key}` : `${name}.${key}`;
}
