/**
 * Packing of a matrix operand for the register kernel: a copy in strips of 16 elements of the outer axis (m of A, n of B), in which the inner
 * axis (k) goes over rows, so that a tile reads its strip from one end to the other. Batches that repeat are packed once.
 * @module
 */
import type { Dispatch } from "../device/kernel.ts";
import type { MatrixLayout } from "./matmul_kernel.ts";
import { foldGrid, uniformLets, uniformWords } from "./wgsl.ts";

/** An operand seen as [batch, inner, outer], strides in elements. */
export interface Panel {
  readonly offset: number;
  readonly batch: readonly [number, number];
  readonly inner: number;
  readonly outer: number;
}

/** Outer elements of a strip. */
const STRIP = 16;

/** An operand as the register kernel reads it: strips of 16 outer elements, each with the inner axis over rows. Strides in elements. */
export interface Strips {
  readonly offset: number;
  readonly batch: readonly [number, number];
  /** From one inner place to the next. */
  readonly inner: number;
  /** From one strip to the next. */
  readonly strip: number;
}

/** Elements of a matrix of `k` inner and `size` outer elements in strips, the last one filled up. */
export const stripElements = (k: number, size: number): number => STRIP * Math.ceil(size / STRIP) * k;

/** Strips of matrices that lie one behind the other. */
export function stripsOf(k: number, batch: readonly [number, number]): Strips {
  return { offset: 0, batch, inner: STRIP, strip: STRIP * k };
}

/** WGSL: where vec4 `j4` of the outer axis at inner place `at` lies in a matrix in strips, in vec4. */
export const stripPlace = (j4: string, at: string, k: string): string =>
  `((${j4}) >> 2u) * ${k} * 4 + (${at}) * 4 + ((${j4}) & 3)`;

/** An operand that the kernel can read where it lies. */
export function asStrips({ offset, batch, inner }: Panel): Strips {
  return { offset, batch, inner, strip: STRIP };
}

/** A as a panel: k is inner, m is outer. */
export function panelOfA({ offset, batch, row, col }: MatrixLayout): Panel {
  return { offset, batch, inner: col, outer: row };
}

/** B as a panel: k is inner, n is outer. */
export function panelOfB({ offset, batch, row, col }: MatrixLayout): Panel {
  return { offset, batch, inner: row, outer: col };
}

/** Whether the register kernel can read a panel of `size` outer elements as vec4 where it lies. */
export function isPacked({ offset, batch, inner, outer }: Panel, size: number): boolean {
  return outer === 1 && [offset, ...batch, inner, size].every((x) => x % 4 === 0);
}

/** The dispatch that packs, the strips it leaves, and the bytes they need. */
export interface Packing {
  readonly dispatch: Dispatch;
  readonly strips: Strips;
  readonly bytes: number;
}

/** What {@linkcode pack} packs. */
export interface PackOptions {
  /** Inner and outer elements of a matrix. */
  readonly k: number;
  readonly size: number;
  readonly batch: readonly [number, number];
  /** Whether the matrices of the second batch axis are parts of one, with their inner axes one behind the other. */
  readonly joined?: boolean;
  /** Bindings. */
  readonly from: number;
  readonly to: number;
}

/** Packs a panel into strips. */
export function pack(panel: Panel, { k, size, batch, joined = false, from, to }: PackOptions): Packing {
  const counts = batch.map((count, i) => panel.batch[i] === 0 ? 1 : count);
  const pitch = Math.ceil(size / 4) * 4;
  const inner = joined ? k * counts[1] : k; // of what the kernel sees as one matrix
  const matrix = stripElements(inner, size);
  const steps = joined ? [matrix, k * STRIP] : [counts[1] * matrix, matrix];
  const block = canReadVec4(panel, k);
  const threads = counts[0] * counts[1] * (pitch / 4) * (block ? k / 4 : k);
  const scale = block ? 4 : 1;
  const words = [
    ...[threads, k / scale, size, pitch / 4, counts[1]],
    ...[panel.offset, panel.batch[0], panel.batch[1], panel.inner, panel.outer],
    ...[steps[0] / 4, steps[1] / 4, inner],
  ];
  return {
    dispatch: {
      label: `matmul pack ${counts[0] * counts[1] > 1 ? `${counts[0] * counts[1]}x` : ""}${k}x${size}`,
      source: block ? BLOCK_SOURCE : GENERAL_SOURCE,
      bindings: [from, to],
      uniform: uniformWords(words),
      grid: foldGrid(Math.ceil(threads / 64)),
    },
    strips: stripsOf(inner, [counts[0] > 1 ? steps[0] : 0, counts[1] > 1 && !joined ? steps[1] : 0]),
    bytes: counts[0] * (joined ? 1 : counts[1]) * matrix * 4,
  };
}

/** Whether rows of k are contiguous and whole vec4, so that blocks of 4×4 can be transposed in registers. */
function canReadVec4({ offset, batch, inner, outer }: Panel, k: number): boolean {
  return inner === 1 && [offset, ...batch, outer, k].every((x) => x % 4 === 0);
}

const LETS = uniformLets(
  [
    ..."threads ks size pitch batch1 offset batchStride0 batchStride1 inner outer".split(" "),
    ..."toBatch0 toBatch1 toInner".split(" "),
  ],
);

/** `j4` is the vec4 along the outer axis, `p` the inner position; consecutive threads go along the outer axis. */
const HEAD = `
@group(0) @binding(2) var<uniform> P: array<vec4<u32>, 4>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>) {
${LETS}
  let index = id.y * grid.x * 64u + id.x;
  if (index >= threads) { return; }
  let j4 = index % pitch;
  let p = (index / pitch) % ks;
  let z = index / (pitch * ks);
  let base = offset + (z / batch1) * batchStride0 + (z % batch1) * batchStride1;
  let to = (z / batch1) * toBatch0 + (z % batch1) * toBatch1 + (j4 / 4u) * toInner * 4u + j4 % 4u;`;

const GENERAL_SOURCE = `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
${HEAD}
  var value = vec4<f32>(0.0);
  let at = base + p * inner + j4 * 4u * outer;
  value.x = x[at];
  if (j4 * 4u + 1u < size) { value.y = x[at + outer]; }
  if (j4 * 4u + 2u < size) { value.z = x[at + 2u * outer]; }
  if (j4 * 4u + 3u < size) { value.w = x[at + 3u * outer]; }
  y[to + p * 4u] = value;
}
`;

const BLOCK_SOURCE = `
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
${HEAD}
  let at = (base + j4 * 4u * outer) / 4u + p;
  let step = outer / 4u;
  let last = size - 1u - j4 * 4u;
  let r0 = x[at];
  let r1 = x[at + min(1u, last) * step];
  let r2 = x[at + min(2u, last) * step];
  let r3 = x[at + min(3u, last) * step];
  let first = to + p * 16u;
  y[first] = vec4<f32>(r0.x, r1.x, r2.x, r3.x);
  y[first + 4u] = vec4<f32>(r0.y, r1.y, r2.y, r3.y);
  y[first + 8u] = vec4<f32>(r0.z, r1.z, r2.z, r3.z);
  y[first + 12u] = vec4<f32>(r0.w, r1.w, r2.w, r3.w);
}
`;
