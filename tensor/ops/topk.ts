/** The k largest elements. @module */
import type { Kernel } from "../device/kernel.ts";
import type { DType } from "../dtype.ts";
import { allocate, run } from "../memory.ts";
import { normalizeAxis, show, sizeOf } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { packed } from "./copy.ts";
import { gather } from "./gather.ts";
import type { RowArgs } from "./rows.ts";
import { transpose } from "./views.ts";
import { foldedGrid, GRID_INDEX, requireTurns, uniform } from "./wgsl.ts";

interface TopkArgs extends RowArgs {
  readonly k: number;
  readonly dtype: DType;
}

/** The bits of an element as an int32 of the same order: -0 equals 0, and NaN is the largest, as in PyTorch. */
function orderOf(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return 0x7fffffff;
  return bits >= 0 ? bits : -(bits & 0x7fffffff);
}

/** The same in WGSL, where no comparison of floats may be trusted with NaN. */
const ORDER = {
  float32: `fn orderOf(bits: i32) -> i32 {
  let size = bits & 0x7fffffff;
  return select(select(size, -size, bits < 0), 0x7fffffff, size > 0x7f800000);
}`,
  int32: "fn orderOf(bits: i32) -> i32 { return bits; }",
};

/** Elements a turn of the loop, which a software adapter has few of. */
const UNROLL = 8;

/** Looks at element `j`, if there is one. */
function consider(j: string, columns: string): string {
  return `{ let j = ${j}; let value = orderOf(x[start + u32(min(j, ${columns} - 1))]);
        let after = j < ${columns} && (place == 0 || value < last || (value == last && j > lastIndex));
        if (after && (bestIndex < 0 || value > best)) { best = value; bestIndex = j; } }`;
}

/** Input [x]; output [positions of the k largest, largest first, equal ones in order of position]: k passes over each row. */
const topkKernel: Kernel<TopkArgs> = {
  name: "topk",
  cpu({ rows, columns, k, dtype }, [{ i32: x }], [{ i32: indices }]) {
    const order = dtype === "float32" ? orderOf : (bits: number) => bits;
    for (let row = 0, start = 0; row < rows; row++, start += columns) {
      let [last, lastIndex] = [0, -1];
      for (let place = 0; place < k; place++) {
        let [best, bestIndex] = [0, -1];
        for (let j = 0; j < columns; j++) {
          const value = order(x[start + j]);
          const after = place === 0 || value < last || (value === last && j > lastIndex);
          if (after && (bestIndex < 0 || value > best)) [best, bestIndex] = [value, j];
        }
        indices[row * k + place] = lastIndex = bestIndex;
        last = best;
      }
    }
  },
  webgpu({ rows, columns, k, dtype }, traits) {
    requireTurns("topk", k * Math.ceil(columns / UNROLL) + k, traits);
    const words = uniform([rows, columns, k]);
    const source = `
@group(0) @binding(0) var<storage, read> x: array<i32>;
@group(0) @binding(1) var<storage, read_write> indices: array<i32>;
${words.declare(2)}
${ORDER[dtype]}
@compute @workgroup_size(64)
fn main(${GRID_INDEX.parameters}) {
  ${GRID_INDEX.statement}
  if (index >= ${words.u(0)}) { return; }
  let start = index * ${words.u(1)};
  var last = 0; var lastIndex = -1;
  for (var place = 0; place < ${words.i(2)}; place++) {
    var best = 0; var bestIndex = -1;
    for (var block = 0; block < ${words.i(1)}; block += ${UNROLL}) {
      ${Array.from({ length: UNROLL }, (_, i) => consider(`block + ${i}`, words.i(1))).join("\n      ")}
    }
    indices[index * ${words.u(2)} + u32(place)] = bestIndex;
    last = best; lastIndex = bestIndex;
  }
}`;
    return {
      dispatches: [{
        label: `topk ${rows}x${columns}`,
        source,
        bindings: [0, 1],
        uniform: words.data,
        grid: foldedGrid(rows, 64),
      }],
    };
  },
};

/**
 * Positions of the k largest elements along an axis, which is checked; not tracked.
 *
 * @ignore
 */
export function largest(x: Tensor, k: number, axis: number): Tensor {
  const rows = packed(transpose(x.detach(), axis, -1));
  const shape = [...rows.shape.slice(0, -1), k];
  const found = new Tensor(allocate(x.device, 4 * sizeOf(shape)), shape, "int32");
  const columns = x.shape[axis];
  if (found.size > 0) {
    const args = { rows: rows.size / columns, columns, k, dtype: x.dtype };
    run({ kernel: topkKernel, args, inputs: [rows.storage], outputs: [found.storage] });
  }
  return transpose(found, axis, -1);
}

/**
 * The k largest elements along an axis (default the last), largest first, and their positions (int32).
 *
 * @throws RangeError unless there are k elements.
 */
export function topk(x: Tensor, k: number, dim = -1): { values: Tensor; indices: Tensor } {
  const axis = normalizeAxis("topk", dim, x.ndim);
  if (!Number.isInteger(k) || k < 0 || k > x.shape[axis]) {
    throw new RangeError(`Cannot take the top ${k} of ${show(x.shape)} along axis ${axis}`);
  }
  const indices = largest(x, k, axis);
  return { values: gather(x, axis, indices), indices };
}
