/**
 * Reading what `torch.save` wrote (`.pt`, `.pth`, `.bin`), in the zip and in the older format, without executing anything
 * that the file contains: only names on a short list are known, and all of them build tensors.
 */
import { type ByteSource, openBytes } from "./byte_source.ts";
import { type ArrayDict, type NamedArray, toArrayDict } from "./named_array.ts";
import { readTorchObject, type TorchObject } from "./torch_container.ts";
import { contentsByName, type TorchValue } from "./torch_contents.ts";
import { readTensors, TorchTensor } from "./torch_tensor.ts";

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
    const { tensors } = contentsByName(value);
    if (tensors.size === 0) throw new Error("it holds no tensors");
    return arraysOf(tensors, readStorage);
  });
}

/** Options of {@linkcode readTorchValues}. */
export interface TorchValuesOptions extends TorchFileOptions {
  /** Which tensors are read, by name; default all. */
  readonly wanted?: (name: string) => boolean;
}

/**
 * Reads a PyTorch file with the plain values that stand beside its tensors: numbers, texts, true, false and none, named alike. Such a file may
 * hold objects of other classes, as PyTorch Lightning's checkpoints do: no class is called, and plain values among an object's attributes count
 * as well. Files that ask for commands of the system are refused all the same.
 *
 * @param source a path, or the bytes of a file
 * @param options what to call bytes, whether to copy, and which tensors to read
 * @throws {Error} there is no such file
 * @throws {SyntaxError} it is damaged, not a PyTorch file, or made to run commands (nothing has run then)
 */
export function readTorchValues(
  source: string | Uint8Array,
  { wanted, ...options }: TorchValuesOptions = {},
): { arrays: ArrayDict; values: Map<string, TorchValue> } {
  return reading(source, { ...options, inert: true }, ({ value, readStorage }) => {
    const { tensors, values } = contentsByName(value, { wanted, lenient: true });
    return { arrays: arraysOf(tensors, readStorage), values };
  });
}

/** What a PyTorch file holds. */
export interface TorchOutline {
  /** Shapes of its tensors by name. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Plain values beside them. */
  readonly values: ReadonlyMap<string, TorchValue>;
}

/**
 * Says what {@linkcode readTorchValues} would read, without reading any tensor's numbers.
 *
 * @throws {Error} as {@linkcode readTorchValues}
 */
export function outlineTorchFile(source: string | Uint8Array, options: TorchFileOptions = {}): TorchOutline {
  return reading(source, { ...options, inert: true }, ({ value }) => {
    const { tensors, values } = contentsByName(value, { lenient: true });
    return { shapes: new Map([...tensors].map(([name, { shape }]) => [name, shape])), values };
  });
}

function arraysOf(tensors: ReadonlyMap<string, TorchTensor>, readStorage: TorchObject["readStorage"]): ArrayDict {
  const arrays = readTensors([...tensors.values()], readStorage);
  return toArrayDict([...tensors.keys()].map((name, i) => [name, arrays[i]]));
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
function reading<T>(
  source: string | Uint8Array,
  { label, share = false, inert = false }: TorchFileOptions & { readonly inert?: boolean },
  read: (object: TorchObject) => T,
): T {
  const bytes = openBytes(source, label);
  try {
    return read(readTorchObject(bytes, { share, inert }));
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
