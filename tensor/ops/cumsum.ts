/** Running sums. @module */
import { track } from "../autograd.ts";
import type { Kernel } from "../device/kernel.ts";
import { allocate, run } from "../memory.ts";
import { Tensor } from "../tensor.ts";
import { packed } from "./copy.ts";
import { alongLastAxis, type RowArgs } from "./rows.ts";
import { flip } from "./views.ts";
import { foldedGrid, GRID_INDEX, uniform } from "./wgsl.ts";

/** Sums along each row from the left. */
const cumsumKernel: Kernel<RowArgs> = {
  name: "cumsum",
  cpu({ rows, columns }, [{ f32: x }], [{ f32: y }]) {
    for (let row = 0, i = 0; row < rows; row++) {
      for (let j = 0, total = 0; j < columns; j++, i++) y[i] = total += x[i];
    }
  },
  webgpu({ rows, columns }) {
    const words = uniform([rows, columns]);
    const source = `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
${words.declare(2)}
@compute @workgroup_size(64)
fn main(${GRID_INDEX.parameters}) {
  ${GRID_INDEX.statement}
  if (index >= ${words.u(0)}) { return; }
  var total = 0.0;
  for (var i = index * ${words.u(1)}; i < (index + 1u) * ${words.u(1)}; i++) { total += x[i]; y[i] = total; }
}`;
    return {
      dispatches: [{
        label: `cumsum ${rows}x${columns}`,
        source,
        bindings: [0, 1],
        uniform: words.data,
        grid: foldedGrid(rows, 64),
      }],
    };
  },
};

/** Sum of the elements up to and including each one, along an axis. */
export function cumsum(x: Tensor, dim: number): Tensor {
  return alongLastAxis("cumsum", x, dim, (rows) => {
    const columns = rows.shape.at(-1)!;
    const out = new Tensor(allocate(rows.device, 4 * rows.size), rows.shape, "float32");
    run({
      kernel: cumsumKernel,
      args: { rows: rows.size / columns, columns },
      inputs: [rows.storage],
      outputs: [out.storage],
    });
    return track("cumsum", [rows], out, (g) => [flip(cumsum(packed(flip(g, -1)), -1), -1)]);
  });
}
