/**
 * Packing of a matrix operand for the register kernel: a copy in which the inner axis (k) goes over rows and the outer one (m of A, n
 * of B) is contiguous, padded to whole vec4. Batches that repeat are packed once.
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

/** The dispatch that packs, the panel it leaves, and the bytes it needs. */
export interface Packing {
  readonly dispatch: Dispatch;
  readonly panel: Panel;
  readonly bytes: number;
}

/** Packs `panel` with `k` inner and `size` outer elements from binding `from` to binding `to`. */
export function pack(
  panel: Panel,
  { k, size, batch, from, to }: { k: number; size: number; batch: readonly [number, number]; from: number; to: number },
): Packing {
  const counts = batch.map((count, i) => panel.batch[i] === 0 ? 1 : count);
  const pitch = Math.ceil(size / 4) * 4;
  const matrix = pitch * k;
  const block = canReadVec4(panel, k);
  const threads = counts[0] * counts[1] * (pitch / 4) * (block ? k / 4 : k);
  const scale = block ? 4 : 1;
  const words = [
    ...[threads, k / scale, size, pitch / 4, counts[1]],
    ...[panel.offset, panel.batch[0], panel.batch[1], panel.inner, panel.outer],
  ];
  return {
    dispatch: {
      label: `matmul pack ${counts[0] * counts[1] > 1 ? `${counts[0] * counts[1]}x` : ""}${k}x${size}`,
      source: block ? BLOCK_SOURCE : GENERAL_SOURCE,
      bindings: [from, to],
      uniform: uniformWords(words),
      grid: foldGrid(Math.ceil(threads / 64)),
    },
    panel: {
      offset: 0,
      batch: [counts[0] > 1 ? counts[1] * matrix : 0, counts[1] > 1 ? matrix : 0],
      inner: pitch,
      outer: 1,
    },
    bytes: counts[0] * counts[1] * matrix * 4,
  };
}

/** Whether rows of k are contiguous and whole vec4, so that blocks of 4×4 can be transposed in registers. */
function canReadVec4({ offset, batch, inner, outer }: Panel, k: number): boolean {
  return inner === 1 && [offset, ...batch, outer, k].every((x) => x % 4 === 0);
}

const LETS = uniformLets("threads ks size pitch batch1 offset batchStride0 batchStride1 inner outer".split(" "));

/** `j4` is the vec4 along the outer axis, `p` the inner position; consecutive threads go along the outer axis. */
const HEAD = `
@group(0) @binding(2) var<uniform> P: array<vec4<u32>, 3>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>) {
${LETS}
  let index = id.y * grid.x * 64u + id.x;
  if (index >= threads) { return; }
  let j4 = index % pitch;
  let p = (index / pitch) % ks;
  let z = index / (pitch * ks);
  let base = offset + (z / batch1) * batchStride0 + (z % batch1) * batchStride1;`;

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
  y[index] = value;
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
  let to = (z * ks + p) * 4u * pitch + j4;
  y[to] = vec4<f32>(r0.x, r1.x, r2.x, r3.x);
  y[to + pitch] = vec4<f32>(r0.y, r1.y, r2.y, r3.y);
  y[to + 2u * pitch] = vec4<f32>(r0.z, r1.z, r2.z, r3.z);
  y[to + 3u * pitch] = vec4<f32>(r0.w, r1.w, r2.w, r3.w);
}
`;
