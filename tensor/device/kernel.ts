/**
 * What a device runs: kernels, and calls of kernels. This file knows bytes and shaders and no mathematics.
 *
 * An op's file (tensor/ops/) defines a {@linkcode Kernel}: a plain loop for the CPU and WGSL for the GPU. Running an op
 * makes a {@linkcode Call}: the kernel, numbers, and the storages it reads and writes. Eager mode hands a call to the device at
 * once; a captured step keeps the list, fuses neighbours, plans memory, and hands the list over every step.
 * @module
 */
import type { CpuRuntime, CpuSlice } from "../cpu/runtime.ts";
import type { Storage } from "./storage.ts";

/** Traits of a GPU adapter that kernel variants are chosen by. */
export interface GpuTraits {
  /** True for a software adapter such as llvmpipe: wants big register tiles and no shared memory. */
  readonly software: boolean;
  readonly maxWorkgroupInvocations: number;
  readonly maxWorkgroupStorage: number;
}

/** One compute dispatch: a small record, pipelines are cached by the full source text. */
export interface Dispatch {
  /** Shown in profiles: kernel name and sizes. */
  readonly label: string;
  /** WGSL with entry point `main`. Bindings are 0…n-1 in the order of `bindings`; the uniform, if any, is binding n. */
  readonly source: string;
  /** Indices into [...inputs, ...outputs, ...scratch] of the call, one for each storage binding; at most 8. */
  readonly bindings: readonly number[];
  /** 32-bit words of the uniform `array<vec4<u32>, N>`, padded to whole vec4; floats are given by their bits. */
  readonly uniform?: Uint32Array;
  /** Workgroups in x, y, z, each at most 65,535. */
  readonly grid: readonly [number, number, number];
}

/** What a kernel needs on a GPU: one or more dispatches, and scratch buffers between them, in bytes. */
export interface GpuPlan {
  readonly dispatches: readonly Dispatch[];
  readonly scratch?: readonly number[];
}

/** A kernel with an implementation for each device. `A` is its record of plain numbers and strings. */
export interface Kernel<A = unknown> {
  readonly name: string;
  /** Runs on the CPU, at once. */
  cpu(args: A, inputs: readonly CpuSlice[], outputs: readonly CpuSlice[], runtime: CpuRuntime): void;
  /** Returns what to dispatch on a GPU. */
  webgpu(args: A, traits: GpuTraits): GpuPlan;
  /** Floating-point operations of a call, for profiles and benches. */
  flops?(args: A): number;
  /** Sizes of a call for people, such as "128x64", for profiles. */
  sizes?(args: A): string;
}

/** One use of a kernel on storages. */
export interface Call<A = unknown> {
  readonly kernel: Kernel<A>;
  readonly args: A;
  readonly inputs: readonly Storage[];
  /** Written wholly or partly. */
  readonly outputs: readonly Storage[];
  /**
   * True where outputs keep part of what they held: an in-place update, or a write to a part. A storage that is both read and
   * written stands in both lists; WGSL then binds it once, as output.
   */
  readonly updates?: boolean;
  /** Number of the second run of a checkpointed function that the call belongs to, rising with time; absent elsewhere. */
  readonly rerun?: number;
  /** For people: the op that made the call, where the kernel's name does not say. */
  readonly label?: string;
}
