/** The tensor engine: tensors, autograd, devices, captured steps. No dependencies. @module */
export { type Backward, type BackwardOptions, isGradEnabled, noGrad } from "./autograd.ts";
export { capture, type Captured, findNonFinite } from "./capture/capture.ts";
export { checkpoint } from "./checkpoint.ts";
export { arange, full, type Nested, ones, onesLike, tensor, type TensorOptions, zeros, zerosLike } from "./create.ts";
export { currentDevice } from "./device/current.ts";
export type { Device, DeviceMemory, DeviceType } from "./device/device.ts";
export { chooseDevice, type Chosen, type DeviceChoice, openDevice, setDevice } from "./device/open.ts";
export type { DType } from "./dtype.ts";
export { scope } from "./memory.ts";
export { formatKernelTime, type KernelTime, memory, profile } from "./profile.ts";
export { manualSeed, rand, randn, type RandomState, randomState, setRandomState } from "./random.ts";
export type { Shape } from "./shape.ts";
export { type Operand, type ReduceOptions, Tensor } from "./tensor.ts";
export type { TensorData } from "./tensor_data.ts";
export * from "./ops/mod.ts";
