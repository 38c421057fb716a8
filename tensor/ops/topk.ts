/** The k largest elements. @module */
import type { Kernel } from "../device/kernel.ts";
import { allocate, run } from "../memory.ts";
import { normalizeAxis, show } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { packed } from "./copy.ts";
import { gather } from "./gather.ts";
import { type RowArgs } from "./rows.ts";
import { transpose } from "./views.ts";
import { foldedGrid, GRID_INDEX, uniform } from "./wgsl.ts";

interface TopkArgs extends RowArgs {
  readonly k: number;
}

/** Input [x]; output [positions of the k largest, largest first, equal ones in order of position]: k passes over each row. */
const topkKernel: Kernel<TopkArgs> = {
  name: "topk",
  cpu({ rows, columns, k }, [{ f32: x }], [{ i32: indices }]) {
    for (let row = 0; row < rows; row++) {
      const start = row * columns;
      let [lastValue, lastIndex] = [Infinity, -1];
      for (let place = 0; place < k; place++) {
        let best = -1;
        for (let j = 0; j < columns; j++) {
          const value = x[start + j];
          const after = value < lastValue || (value === lastValue && j > lastIndex);
          if (after && (best < 0 || value > x[start + best])) best = j;
        }
        // what is left is no number: take positions in order, so that the result stays in range
        best = best < 0 ? place : best;
        indices[row * k + place] = lastIndex = best;
        lastValue = x[start + best];
      }
    }
  },
  webgpu({ rows, columns, k }) {
    const words = uniform([rows, columns, k]);
    const source = `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> indices: array<i32>;
${words.declare(2)}
@compute @workgroup_size(64)
fn main(${GRID_INDEX.parameters}) {
  ${GRID_INDEX.statement}
  if (index >= ${words.u(0)}) { return; }
  let start = index * ${words.u(1)};
  var lastValue = 0.0; var lastIndex = -1;
  for (var place = 0; place < ${words.i(2)}; place++) {
    var best = -1; var bestValue = 0.0;
    for (var j = 0; j < ${words.i(1)}; j++) {
      let value = x[start + u32(j)];
      let after = place == 0 || value < lastValue || (value == lastValue && j > lastIndex);
      if (after && (best < 0 || value > bestValue)) { best = j; bestValue = value; }
    }
    if (best < 0) { best = place; }
    indices[index * ${words.u(2)} + u32(place)] = best;
    lastIndex = best; lastValue = bestValue;
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

/** The k largest elements along an axis (default the last), largest first, and their positions (int32). */
export function topk(x: Tensor, k: number, dim = -1): { values: Tensor; indices: Tensor } {
  const axis = normalizeAxis("topk", dim, x.ndim);
  if (!Number.isInteger(k) || k < 0 || k > x.shape[axis]) {
    throw new RangeError(`Cannot take the top ${k} of ${show(x.shape)} along axis ${axis}`);
  }
  const rows = packed(transpose(x.dtype === "float32" ? x.detach() : x.toFloat(), axis, -1));
  const columns = x.shape[axis];
  const shape = [...rows.shape.slice(0, -1), k];
  const found = new Tensor(allocate(x.device, 4 * rows.size / columns * k), shape, "int32");
  run({
    kernel: topkKernel,
    args: { rows: rows.size / columns, columns, k },
    inputs: [rows.storage],
    outputs: [found.storage],
  });
  const indices = transpose(found, axis, -1);
  return { values: gather(x, axis, indices), indices };
}
