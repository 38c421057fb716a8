/**
 * Small pieces of WGSL that kernels share: sizes in a uniform (so that a new size needs no new shader), and grids folded into
 * WebGPU's limit of 65,535 workgroups a dimension.
 * @module
 */

import type { GpuTraits } from "../device/kernel.ts";

/** Numbers for a uniform `P`, and WGSL expressions that read them. */
export interface Uniform {
  /** Padded to whole vec4. */
  readonly data: Uint32Array;
  /** Word `i` as u32. */
  u(i: number): string;
  /** Word `i` as i32. */
  i(i: number): string;
  /** Word `i` as f32; see {@linkcode floatBits}. */
  f(i: number): string;
  /** The declaration at a binding. */
  declare(binding: number): string;
}

const bits = new DataView(new ArrayBuffer(4));

/** The bits of a float32. */
export function floatBits(value: number): number {
  bits.setFloat32(0, value);
  return bits.getUint32(0);
}

/** Packs 32-bit words (negative numbers as two's complement). */
export function uniform(words: readonly number[]): Uniform {
  const vectors = Math.max(1, Math.ceil(words.length / 4));
  const data = new Uint32Array(4 * vectors);
  words.forEach((w, i) => (data[i] = w)); // ToUint32 wraps negatives
  const word = (i: number) => `P[${i >> 2}].${"xyzw"[i & 3]}`;
  return {
    data,
    u: word,
    i: (i) => `i32(${word(i)})`,
    f: (i) => `bitcast<f32>(${word(i)})`,
    declare: (binding) => `@group(0) @binding(${binding}) var<uniform> P: array<vec4<u32>, ${vectors}>;`,
  };
}

/** Workgroups for `count` invocations of `size` a group, folded over x and y. */
export function foldedGrid(count: number, size: number): [number, number, number] {
  const groups = Math.max(1, Math.ceil(count / size));
  const x = Math.min(groups, 65535);
  return [x, Math.ceil(groups / x), 1];
}

/** Turns after which llvmpipe leaves the loops of an invocation, all its loops taken together, without saying so. */
const MOST_TURNS = 65535;

/** Throws where the loops of one invocation have more turns than a software adapter runs, since the result would be wrong. */
export function requireTurns(op: string, turns: number, traits: GpuTraits): void {
  if (traits.software && turns > MOST_TURNS) {
    throw new RangeError(
      `Cannot ${op} so long a line: this software adapter ends loops after ${MOST_TURNS} turns, and ${turns} are needed; ` +
        "use --device cpu",
    );
  }
}

/** Entry parameters, and the statement that defines `index` over a folded grid of groups of 64. */
export const GRID_INDEX = {
  parameters:
    "@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32",
  statement: "let index = (group.y * groups.x + group.x) * 64u + lane;",
};
