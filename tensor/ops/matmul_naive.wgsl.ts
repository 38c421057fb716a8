/**
 * Matrix product, first form: one output a thread, any strides. Slow; kept as the oracle of the tuned forms.
 * @module
 */
import type { GpuPlan } from "../device/kernel.ts";
import type { MatmulArgs } from "./matmul_kernel.ts";
import {
  epilogue,
  matmulBindingIndices,
  matmulBindings,
  matmulLabel,
  matmulLets,
  matmulWords,
} from "./matmul_params.ts";
import { foldGrid, uniformWords } from "./wgsl.ts";

/** One dispatch with a thread an output, inputs [A, B, bias?], output C. */
export function matmulNaiveGpu(args: MatmulArgs): GpuPlan {
  const count = args.batch[0] * args.batch[1] * args.m * args.n;
  const grid = foldGrid(Math.ceil(count / 64));
  return {
    dispatches: [{
      label: matmulLabel("matmul naive", args),
      source: source(args),
      bindings: matmulBindingIndices(args),
      uniform: uniformWords([...matmulWords(args), count]),
      grid,
    }],
  };
}

function source(args: MatmulArgs): string {
  return `
${matmulBindings(args, 1)}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>) {
${matmulLets(["count"])}
  let index = id.y * grid.x * 64u + id.x;
  if (index >= count) { return; }
  let col = index % n;
  let row = (index / n) % m;
  let z = index / (n * m);
  let z0 = z / batch1;
  let z1 = z % batch1;
  let ai = a0 + z0 * aBatch0 + z1 * aBatch1 + row * aRow;
  let bi = b0 + z0 * bBatch0 + z1 * bBatch1 + col * bCol;
  var acc = 0.0;
  for (var i = 0u; i < k; i++) {
    acc += a[ai + i * aCol] * b[bi + i * bRow];
  }
  c[c0 + z0 * cBatch0 + z1 * cBatch1 + row * cRow + col] = ${epilogue(args, "acc", "col")};
}
`;
}
