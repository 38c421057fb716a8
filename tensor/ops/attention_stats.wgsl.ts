/**
 * Row statistics that attention backward needs: (log2-sum-exp2 of the scores, rowsum(dOut * out)) as vec2, or vec4 with the row's gate and the
 * same for scores in powers of two.
 * @module
 */
import type { Dispatch } from "../device/kernel.ts";
import { isVec4, LOG2E, rowAddress, statsBuffer } from "./attention_code.ts";
import type { AttentionBackwardArgs } from "./attention_kernel.ts";
import { attentionLabel, attentionLets, attentionUniform, attentionWords, declareBuffers } from "./attention_params.ts";
import { foldGrid } from "./wgsl.ts";

/** Bytes of the statistics. */
export function statsBytes({ batch, heads, queries, gate }: AttentionBackwardArgs): number {
  return batch * heads * queries * (gate === null ? 8 : 16);
}

/** One thread a row. */
export function attentionStats(
  args: AttentionBackwardArgs,
  { out, dOut, logSumExp, gate, stats }: Record<"out" | "dOut" | "logSumExp" | "gate" | "stats", number>,
): Dispatch {
  const count = args.batch * args.heads * args.queries;
  return {
    label: attentionLabel("attentionBackward rows", args),
    source: source(args),
    bindings: [out, dOut, logSumExp, ...(args.gate ? [gate] : []), stats],
    uniform: attentionUniform([...attentionWords(args), count]),
    grid: foldGrid(Math.ceil(count / 64)),
  };
}

const SCALAR_LOOP = `
  for (var d = 0u; d < headDim; d++) {
    sum += o[at + d] * dO[at + d];
  }`;

const VEC4_LOOP = `
  for (var d = 0u; d < headDim / 4u; d++) {
    sum += dot(o[at / 4u + d], dO[at / 4u + d]);
  }`;

function source(args: AttentionBackwardArgs): string {
  const vec4 = isVec4(args.headDim, [args.out]);
  const kind = vec4 ? ":vec4" : "";
  const value = `logSumExp[index] * ${LOG2E}, sum`;
  const store = args.gate
    ? `let factor = gate[gate0 + z0 * gateBatch + z1 * gateHead + i * gateQuery];
  stats[index] = vec4<f32>(${value}, factor, factor * ${LOG2E});`
    : `stats[index] = vec2<f32>(${value});`;
  const buffers = [`o${kind}`, `dO${kind}`, "logSumExp", ...(args.gate ? ["gate"] : []), `${statsBuffer(args)}:rw`];
  return `
${declareBuffers(buffers)}
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
${vec4 ? VEC4_LOOP : SCALAR_LOOP}
  ${store}
}
`;
}
