/**
 * Weight files: safetensors read and written, PyTorch's read, both as plain arrays by name.
 * @module
 */
export { writeAtomic } from "./atomic_write.ts";
export { type ArrayDict, elementCount, type NamedArray } from "./named_array.ts";
export {
  encodeSafetensors,
  openSafetensors,
  readSafetensors,
  type SafetensorsFile,
  type SafetensorsOptions,
  writeSafetensors,
} from "./safetensors.ts";
export type { SafetensorsEntry } from "./safetensors_header.ts";
export type { StoredType } from "./stored_types.ts";
export type { TorchValue } from "./torch_contents.ts";
export {
  outlineTorchFile,
  readTorchFile,
  readTorchTensor,
  readTorchValues,
  type TorchFileOptions,
  type TorchOutline,
  type TorchValuesOptions,
} from "./torch_file.ts";
export { encodeTorchFile, writeTorchFile } from "./torch_writer.ts";
