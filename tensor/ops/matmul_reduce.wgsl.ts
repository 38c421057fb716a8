/**
 * Second half of a matrix product that is split over k: adds the partial products up and applies the epilogue.
 * @module
 */
import type { Dispatch } from "../device/kernel.ts";
import type { MatmulArgs } from "./matmul_kernel.ts";
import { floatBits, foldGrid, uniformLets, uniformWords } from "./wgsl.ts";

const LETS = uniformLets(
  "count m n batch1 splits splitStride c0 cBatch0 cBatch1 cRow bias0 alpha relu adds".split(" "),
  ["alpha"],
);

/** How many partial products there are, where they and the result lie, and whether they are added to what is there. */
interface Partials {
  readonly splits: number;
  readonly parts: number;
  readonly bias: number | null;
  readonly c: number;
  readonly adds?: boolean;
}

/** Partials lie at `parts` as (splits, batch, m, n); one thread an output, in a fixed order of summation. */
export function reduceSplits(args: MatmulArgs, { splits, parts, bias, c, adds = false }: Partials): Dispatch {
  const count = args.batch[0] * args.batch[1] * args.m * args.n;
  return {
    label: `matmul reduce ${splits}x${args.m}x${args.n}`,
    source: bias === null ? source("") : source("bias"),
    bindings: bias === null ? [parts, c] : [parts, bias, c],
    uniform: uniformWords([
      ...[count, args.m, args.n, args.batch[1], splits, count],
      ...[args.c.offset, args.c.batch[0], args.c.batch[1], args.c.row],
      ...[args.bias ?? 0, floatBits(args.alpha), Number(args.activation === "relu"), Number(adds)],
    ]),
    grid: foldGrid(Math.ceil(count / 64)),
  };
}

function source(bias: "" | "bias"): string {
  const last = bias ? 2 : 1;
  return `
@group(0) @binding(0) var<storage, read> parts: array<f32>;
${bias ? "@group(0) @binding(1) var<storage, read> bias: array<f32>;" : ""}
@group(0) @binding(${last}) var<storage, read_write> c: array<f32>;
@group(0) @binding(${last + 1}) var<uniform> P: array<vec4<u32>, 4>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>) {
${LETS}
  let index = id.y * grid.x * 64u + id.x;
  if (index >= count) { return; }
  var sum = 0.0;
  for (var s = 0u; s < splits; s++) {
    sum += parts[s * splitStride + index];
  }
  sum *= alpha;
  let col = index % n;
  let row = (index / n) % m;
  let z = index / (n * m);
  ${bias ? "sum += bias[bias0 + col];" : ""}
  let to = c0 + (z / batch1) * cBatch0 + (z % batch1) * cBatch1 + row * cRow + col;
  if (adds != 0u) { sum += c[to]; }
  c[to] = select(sum, max(sum, 0.0), relu != 0u);
}
`;
}
