/** Names of what an unpickled object holds: tensors and plain values within dictionaries and lists. */
import { contentsOf, InertObject } from "./pickle_inert.ts";
import { TorchTensor } from "./torch_tensor.ts";

const MAX_DEPTH = 64;
const MAX_ITEMS = 1_000_000;

/** A value in a PyTorch file that is no tensor. */
export type TorchValue = string | number | boolean | null;

/** What is in an object, by name. */
export interface TorchContents {
  readonly tensors: Map<string, TorchTensor>;
  readonly values: Map<string, TorchValue>;
}

/** How an object is looked through. */
export interface ContentsOptions {
  /** Which tensors count; default all. */
  readonly wanted?: (name: string) => boolean;
  /** Whether what has no name is passed over: entries whose keys are neither text nor numbers. Default: they are refused. */
  readonly lenient?: boolean;
}

/**
 * Names of nested dictionaries and lists are joined by dots. Depth and number are bounded: a pickle can hold itself.
 *
 * @throws {Error} it is nested without end, or a name repeats; the message is the fact alone
 */
export function contentsByName(root: unknown, options: ContentsOptions = {}): TorchContents {
  const { wanted = () => true, lenient = false } = options;
  const tensors = new Map<string, TorchTensor>(), values = new Map<string, TorchValue>();
  const seen = new Set<InertObject>(); // settings of a trainer know each other
  let items = 0;
  const visit = (value: unknown, name: string, depth: number) => {
    if (depth > MAX_DEPTH || ++items > MAX_ITEMS) throw new Error("it is nested without end");
    if (value instanceof TorchTensor) {
      if (!wanted(name)) return;
      if (tensors.has(name)) throw new Error(`it names ${JSON.stringify(name)} twice`);
      tensors.set(name, value);
    } else if (value instanceof InertObject) {
      if (!seen.has(value)) visit(contentsOf(seen.add(value) && value), name, depth);
    } else if (value instanceof Map || Array.isArray(value)) {
      for (const [key, item] of value.entries()) {
        if (isName(key)) visit(item, name === "" ? `${key}` : `${name}.${key}`, depth + 1);
        else if (!lenient) throw new Error("a dictionary in it has keys that are no names");
      }
    } else if (isPlain(value)) {
      values.set(name, value);
    }
  };
  visit(root, "", 0);
  return { tensors, values };
}

function isName(key: unknown): key is string | number {
  return typeof key === "string" || typeof key === "number";
}

function isPlain(value: unknown): value is TorchValue {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}
