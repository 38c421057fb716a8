/** Running sums. @module */
import { track } from "../autograd.ts";
import type { Kernel } from "../device/kernel.ts";
import type { DType } from "../dtype.ts";
import { allocate, run } from "../memory.ts";
import { Tensor } from "../tensor.ts";
import { packed } from "./copy.ts";
import { alongLastAxis, type RowArgs } from "./rows.ts";
import { flip } from "./views.ts";
import { foldedGrid, GRID_INDEX, requireTurns, uniform } from "./wgsl.ts";

interface CumsumArgs extends RowArgs {
  readonly dtype: DType;
}

/** Sums along each row from the left. */
const cumsumKernel: Kernel<CumsumArgs> = {
  name: "cumsum",
  cpu({ rows, columns, dtype }, [source], [goal]) {
    const [x, y] = dtype === "float32" ? [source.f32, goal.f32] : [source.i32, goal.i32];
    for (let row = 0, i = 0; row < rows; row++) {
      for (let j = 0, total = 0; j < columns; j++, i++) y[i] = total += x[i];
    }
  },
  webgpu({ rows, columns, dtype }, traits) {
    requireTurns("cumsum", columns, traits);
    const [type, zero] = dtype === "float32" ? ["f32", "0.0"] : ["i32", "0"];
    const words = uniform([rows, columns]);
    const source = `
@group(0) @binding(0) var<storage, read> x: array<${type}>;
@group(0) @binding(1) var<storage, read_write> y: array<${type}>;
${words.declare(2)}
@compute @workgroup_size(64)
fn main(${GRID_INDEX.parameters}) {
  ${GRID_INDEX.statement}
  if (index >= ${words.u(0)}) { return; }
  var total = ${zero};
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
    const out = new Tensor(allocate(rows.device, 4 * rows.size), rows.shape, x.dtype);
    const args = { rows: rows.size / columns, columns, dtype: x.dtype };
    if (out.size > 0) run({ kernel: cumsumKernel, args, inputs: [rows.storage], outputs: [out.storage] });
    return track("cumsum", [rows], out, (g) => [flip(cumsum(packed(flip(g, -1)), -1), -1)]);
  });
}
