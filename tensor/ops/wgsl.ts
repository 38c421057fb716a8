/**
 * Small pieces of WGSL that kernels share: sizes in a uniform `P` (so that a new size needs no new shader), and grids folded into WebGPU's
 * limit of 65,535 workgroups a dimension.
 * @module
 */
import type { GpuTraits } from "../device/kernel.ts";

const FLOAT = new Float32Array(1);
const BITS = new Uint32Array(FLOAT.buffer);

/** The bits of a number as float32, for a uniform that WGSL reads with `bitcast<f32>`. */
export function floatBits(value: number): number {
  FLOAT[0] = value;
  return BITS[0];
}

/** Word `i` of the uniform as u32. */
const word = (i: number): string => `P[${i >> 2}].${"xyzw"[i & 3]}`;

/** Words of a uniform, padded to whole vec4; negative integers wrap as in two's complement. */
export function uniformWords(words: readonly number[]): Uint32Array {
  const padded = new Uint32Array(4 * Math.max(1, Math.ceil(words.length / 4)));
  padded.set(words);
  return padded;
}

/** `let` lines of `main` for named words, in order; those in `floats` are read as f32. */
export function uniformLets(names: readonly string[], floats: readonly string[] = []): string {
  return names.map((name, i) => `  let ${name} = ${floats.includes(name) ? `bitcast<f32>(${word(i)})` : word(i)};`)
    .join("\n");
}

/** Numbers for a uniform, and WGSL expressions that read them by place. */
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

/** Packs 32-bit words, see {@linkcode uniformWords}. */
export function uniform(words: readonly number[]): Uniform {
  const data = uniformWords(words);
  return {
    data,
    u: word,
    i: (i) => `i32(${word(i)})`,
    f: (i) => `bitcast<f32>(${word(i)})`,
    declare: (binding) => `@group(0) @binding(${binding}) var<uniform> P: array<vec4<u32>, ${data.length / 4}>;`,
  };
}

/** A grid of at least `count` workgroups over x and y, each within 65,535; `x` is the number in a row. */
export function foldGrid(count: number): [number, number, number] {
  const x = Math.max(1, Math.min(count, 65535));
  return [x, Math.max(1, Math.ceil(count / x)), 1];
}

/** Workgroups for `count` invocations of `size` a group, folded over x and y. */
export function foldedGrid(count: number, size: number): [number, number, number] {
  return foldGrid(Math.ceil(count / size));
}

/** Turns after which llvmpipe leaves the loops of an invocation, all its loops taken together, without saying so. */
const MOST_TURNS = 65535;

/** Throws where the loops of one invocation have more turns than a software adapter runs, since the result would be wrong. */
export function requireTurns(op: string, turns: number, traits: Pick<GpuTraits, "software">): void {
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
