/**
 * Row statistics that attention backward needs: (log2-sum-exp2 of the scores, rowsum(dOut * out)) as vec2.
 * @module
 */
import type { Dispatch } from "../device/kernel.ts";
import { isVec4, rowAddress } from "./attention_code.ts";
import type { AttentionBackwardArgs } from "./attention_kernel.ts";
import { attentionLabel, attentionLets, attentionUniform, attentionWords, declareBuffers } from "./attention_params.ts";
import { foldGrid } from "./wgsl.ts";

/** One thread a row. */
export function attentionStats(
  args: AttentionBackwardArgs,
  { out, dOut, logSumExp, stats }: { out: number; dOut: number; logSumExp: number; stats: number },
): Dispatch {
  const count = args.batch * args.heads * args.queries;
  return {
    label: attentionLabel("attentionBackward rows", args),
    source: isVec4(args.headDim, [args.out]) ? VEC4_SOURCE : SCALAR_SOURCE,
    bindings: [out, dOut, logSumExp, stats],
    uniform: attentionUniform([...attentionWords(args), count]),
    grid: foldGrid(Math.ceil(count / 64)),
  };
}

const SCALAR_SOURCE = source(
  "",
  `
  for (var d = 0u; d < headDim; d++) {
    sum += o[at + d] * dO[at + d];
  }`,
);

const VEC4_SOURCE = source(
  ":vec4",
  `
  for (var d = 0u; d < headDim / 4u; d++) {
    sum += dot(o[at / 4u + d], dO[at / 4u + d]);
  }`,
);

function source(kind: string, loop: string): string {
  return `
${declareBuffers([`o${kind}`, `dO${kind}`, "logSumExp", "stats:rw:vec2"])}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>) {
${attentionLets(["count"])}
  let index = id.y * grid.x * 64u + id.x;
  if (index >= count) { return; }
  let i = index % queries;
  let z = index / queries;
  let z0 = z / heads;
  let z1 = z % heads;
  let at = ${rowAddress("o", "i")};
  var sum = 0.0;
${loop}
  stats[index] = vec2<f32>(logSumExp[index] * 1.4426950408889634, sum);
}
`;
}
