/**
 * Fused attention backward for GPUs; formulas in attention_backward_register.wgsl.ts. One kernel has a query a thread and stages keys
 * and values, another has a key a thread and stages queries and output gradients.
 * @module
 */
import type { Dispatch, GpuPlan } from "../device/kernel.ts";
import { attentionBits } from "./attention_bits.wgsl.ts";
import {
  dotRows,
  isVec4,
  keepFactor,
  lines,
  loadRow,
  LOG2E,
  rowAddress,
  storeRow,
  weightLet,
  wordLets,
  zeroVec4,
} from "./attention_code.ts";
import type { AttentionBackwardArgs } from "./attention_kernel.ts";
import { attentionBackwardWords, attentionLabel, attentionUniform } from "./attention_params.ts";
import { readStaged, STAGE, stagedShader, stageRows, THREADS } from "./attention_stage.ts";
import { attentionStats } from "./attention_stats.wgsl.ts";
import { foldGrid } from "./wgsl.ts";

/** Bits if needed, row statistics, dQ, dK with dV. Inputs [q, k, v, out, dOut, logSumExp, mask?, state?], outputs [dq, dk, dv] or [packed]. */
export function attentionBackwardSharedGpu(args: AttentionBackwardArgs): GpuPlan {
  const { batch, heads, queries, keys } = args;
  const mask = 6;
  const state = mask + Number(args.mask !== null);
  const dq = state + Number(args.dropout > 0);
  const outputs = args.packed ? [dq] : [dq, dq + 1, dq + 2];
  const stats = dq + outputs.length;
  const bits = attentionBits(args, { mask, state, bits: stats + 1 });
  const inputs = [0, 1, 2, 4, stats, ...(bits.bytes ? [stats + 1] : [])];
  const make = (name: string, source: string, time: number, written: readonly number[]): Dispatch => {
    const tiles = Math.ceil(time / THREADS);
    return {
      label: attentionLabel(`attentionBackward shared ${name}`, args),
      source,
      bindings: [...inputs, ...written],
      uniform: attentionUniform([...attentionBackwardWords(args), ...bits.words, batch * heads * tiles, tiles]),
      grid: foldGrid(batch * heads * tiles),
    };
  };
  return {
    dispatches: [
      ...bits.dispatches,
      attentionStats(args, { out: 3, dOut: 4, logSumExp: 5, stats }),
      make("dq", querySource(args), queries, [dq]),
      make("dk dv", keySource(args), keys, outputs.length > 1 ? outputs.slice(1) : outputs),
    ],
    scratch: [batch * heads * queries * 8, ...(bits.bytes ? [bits.bytes] : [])],
  };
}

function readsVec4({ headDim, q, k, v, out, dq, dk, dv }: AttentionBackwardArgs): boolean {
  return isVec4(headDim, [q, k, v, out, dq, dk, dv]);
}

function buffers({ mask, dropout }: AttentionBackwardArgs, outputs: readonly string[]): string[] {
  const bits = mask || dropout ? ["bits:u32"] : [];
  return ["q:head", "k:head", "v:head", "dO:head", "stats:vec2", ...bits, ...outputs.map((name) => `${name}:rw:head`)];
}

function querySource(args: AttentionBackwardArgs): string {
  const { headDim } = args;
  const width = Math.ceil(headDim / 4);
  const vec4 = readsVec4(args);
  const body = `
  let query = min(row, queries - 1u);
  let qAt = ${rowAddress("q", "query")};
  let oAt = ${rowAddress("o", "query")};
${loadRow({ name: "q", to: "q_", headDim, vec4, at: "qAt", factor: `(scale * ${LOG2E})` })}
${loadRow({ name: "dO", to: "dO_", headDim, vec4, at: "oAt" })}
  let statistics = stats[z * queries + query];
${lines(width, (c) => `  var d_${c} = ${zeroVec4};`)}
  for (var first = 0u; first < keys; first += ${STAGE}u) {
${stageRows(args, { name: "k", from: "first", limit: "keys", vec4 })}
${stageRows(args, { name: "v", from: "first", limit: "keys", vec4 })}
    workgroupBarrier();
${wordLets(args, { query: "query", word: "first / 32u" })}
    for (var t = 0u; t < min(${STAGE}u, keys - first); t++) {
      let bit = 1u << ((first + t) % 32u);
${readStaged("k", headDim)}
${readStaged("v", headDim)}
${weightLet(args, { score: dotRows(width, "q_", "k_"), row: "statistics" })}
      let slope = weight * (${keepFactor(args, { value: dotRows(width, "dO_", "v_") })} - statistics.y);
${lines(width, (c) => `      d_${c} += slope * k_${c};`)}
    }
    workgroupBarrier();
  }
  if (row < queries) {
    let at = ${rowAddress("dq", "row")};
${storeRow({ name: "dq", from: "d_", headDim, vec4, factor: "scale" })}
  }`;
  return stagedShader({ headDim, vec4, backward: true, buffers: buffers(args, ["dq"]), staged: ["k", "v"], body });
}

function keySource(args: AttentionBackwardArgs): string {
  const { headDim, packed } = args;
  const width = Math.ceil(headDim / 4);
  const vec4 = readsVec4(args);
  const body = `
  let key = min(row, keys - 1u);
  let bit = 1u << (key % 32u);
  let kAt = ${rowAddress("k", "key")};
  let vAt = ${rowAddress("v", "key")};
${loadRow({ name: "k", to: "k_", headDim, vec4, at: "kAt", factor: `(scale * ${LOG2E})` })}
${loadRow({ name: "v", to: "v_", headDim, vec4, at: "vAt" })}
${lines(width, (c) => `  var d_${c} = ${zeroVec4}; var e_${c} = ${zeroVec4};`)}
  for (var first = 0u; first < queries; first += ${STAGE}u) {
${stageRows(args, { name: "q", from: "first", limit: "queries", vec4 })}
${stageRows(args, { name: "dO", layout: "o", from: "first", limit: "queries", vec4 })}
    workgroupBarrier();
    for (var t = 0u; t < min(${STAGE}u, queries - first); t++) {
      let statistics = stats[z * queries + first + t];
${wordLets(args, { query: "first + t", word: "key / 32u" })}
${readStaged("q", headDim)}
${readStaged("dO", headDim)}
${weightLet(args, { score: dotRows(width, "q_", "k_"), row: "statistics" })}
      let slope = weight * (${keepFactor(args, { value: dotRows(width, "dO_", "v_") })} - statistics.y);
      let kept = ${keepFactor(args, { value: "weight" })};
${lines(width, (c) => `      d_${c} += slope * q_${c}; e_${c} += kept * dO_${c};`)}
    }
    workgroupBarrier();
  }
  if (row < keys) {
    let dkAt = ${rowAddress("dk", "row")};
    let dvAt = ${rowAddress("dv", "row")};
${storeRow({ name: packed ? "packed" : "dk", from: "d_", headDim, vec4, at: "dkAt", factor: "scale" })}
${storeRow({ name: packed ? "packed" : "dv", from: "e_", headDim, vec4, at: "dvAt" })}
  }`;
  const outputs = packed ? ["packed"] : ["dk", "dv"];
  return stagedShader({ headDim, vec4, backward: true, buffers: buffers(args, outputs), staged: ["q", "dO"], body });
}
