/** Writing state dicts as `torch.save` does: a zip of a pickle, which names an ordered dictionary and tensors and nothing else, and their bytes. */
import { basename } from "node:path";
import { writeFileAtomic } from "./atomic_write.ts";
import type { ArrayDict, NamedArray } from "./named_array.ts";
import { PickleWriter } from "./pickle_writer.ts";
import { zipParts } from "./zip_writer.ts";

/**
 * Writes named arrays as a file that PyTorch loads (`torch.load(path, weights_only=True)` since 1.13): an `OrderedDict` of float32 and int64
 * tensors, the latter being how PyTorch counts. The file appears at `path` complete or not at all.
 *
 * @param path where to; the folder must exist, an old file is replaced
 * @param arrays what to write, in this order
 * @throws {RangeError} It would have more than 4 GB.
 *
 * @example
 * ```ts ignore
 * import { writeTorchFile } from "./torch_writer.ts";
 *
 * await writeTorchFile("linear.pt", { weight: { shape: [1, 2], data: new Float32Array([1, 2]) } });
 * ```
 */
export async function writeTorchFile(path: string, arrays: Readonly<ArrayDict>): Promise<void> {
  const parts = torchParts(arrays, path);
  await writeFileAtomic(path, async (write) => {
    for (const part of parts) await write(part);
  });
}

/** The bytes that {@linkcode writeTorchFile} would write. */
export function encodeTorchFile(arrays: Readonly<ArrayDict>): Uint8Array<ArrayBuffer> {
  const parts = torchParts(arrays, "archive.pt");
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function torchParts(arrays: Readonly<ArrayDict>, path: string): Uint8Array[] {
  const folder = basename(path).replace(/\.[^.]*$/, "") || "archive"; // as PyTorch names it
  const all = Object.values(arrays);
  try {
    return zipParts([
      { name: `${folder}/data.pkl`, bytes: pickleOf(arrays) },
      ...all.map((array, i) => ({ name: `${folder}/data/${i}`, bytes: bytesOf(array) })),
      { name: `${folder}/version`, bytes: new TextEncoder().encode("3\n") },
    ]);
  } catch (error) {
    throw new RangeError(`Cannot write "${path}": ${(error as Error).message}`, { cause: error });
  }
}

function bytesOf({ data }: NamedArray): Uint8Array {
  const stored = data instanceof Float32Array ? data : BigInt64Array.from(data, BigInt);
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}

function pickleOf(arrays: Readonly<ArrayDict>): Uint8Array<ArrayBuffer> {
  const pickle = new PickleWriter();
  const empty = () => pickle.global("collections", "OrderedDict").tuple(() => {}).call();
  empty().fill(() =>
    Object.entries(arrays).forEach(([name, { shape, data }], i) => {
      const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
      const storage = data instanceof Float32Array ? "FloatStorage" : "LongStorage";
      pickle.text(name).global("torch._utils", "_rebuild_tensor_v2").tuple(() => {
        pickle.tuple(() =>
          pickle.text("storage").global("torch", storage).text(String(i)).text("cpu").integer(data.length)
        ).persistent();
        pickle.integer(0).integers(shape).integers(strides).no();
        empty(); // hooks
      }).call();
    })
  );
  return pickle.end();
}
