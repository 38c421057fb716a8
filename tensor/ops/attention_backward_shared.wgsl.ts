/**
 * Fused attention backward for GPUs; formulas in attention_backward_register.wgsl.ts. One kernel has a query a thread and stages keys
 * and values, another has a key a thread and stages queries and output gradients.
 * @module
 */
import type { Dispatch, GpuPlan } from "../device/kernel.ts";
import { attentionBiasGradients } from "./attention_bias_gradients.wgsl.ts";
import { attentionBits } from "./attention_bits.wgsl.ts";
import {
  biasAddress,
  biasedScore,
  biasFactor,
  dotRows,
  extraBuffers,
  isVec4,
  keepFactor,
  type KeyGradient,
  keyGradients,
  lines,
  loadRow,
  LOG2E,
  onlyIf,
  rowAddress,
  statsBuffer,
  storeRow,
  weightLet,
  wordLets,
  zeroVec4,
} from "./attention_code.ts";
import type { AttentionBackwardArgs } from "./attention_kernel.ts";
import {
  attentionBackwardWords,
  attentionLabel,
  attentionUniform,
  gradientPlaces,
  optionalPlaces,
} from "./attention_params.ts";
import { readStaged, STAGE, stagedShader, stageRows, THREADS } from "./attention_stage.ts";
import { attentionStats, statsBytes } from "./attention_stats.wgsl.ts";
import { foldGrid } from "./wgsl.ts";

/** Bits if needed, row statistics, dQ, dK with dV, then those of gate and bias. Inputs and outputs as attentionBackwardKernel has them. */
export function attentionBackwardSharedGpu(args: AttentionBackwardArgs): GpuPlan {
  const { batch, heads, queries, keys } = args;
  const places = optionalPlaces(args, 6);
  const { dq, dk, dv, next: stats, ...wanted } = gradientPlaces(args, places.next);
  const bits = attentionBits(args, { ...places, bits: stats + 1 });
  const extra = [stats, ...(bits.bytes ? [stats + 1] : []), ...(args.bias ? [places.bias] : [])];
  const inputs = [0, 1, 2, 4, ...extra];
  const make = (name: string, source: string, time: number, bindings: readonly number[]): Dispatch => {
    const tiles = Math.ceil(time / THREADS);
    return {
      label: attentionLabel(`attentionBackward shared ${name}`, args),
      source,
      bindings,
      uniform: attentionUniform([...attentionBackwardWords(args), ...bits.words, batch * heads * tiles, tiles]),
      grid: foldGrid(batch * heads * tiles),
    };
  };
  return {
    dispatches: [
      ...bits.dispatches,
      attentionStats(args, { out: 3, dOut: 4, logSumExp: 5, gate: places.gate, stats }),
      make("dq", querySource(args), queries, [...inputs, dq]),
      ...keyGradients(args).map((gradients) => {
        const read = [0, 1, ...(gradients.includes("dk") ? [2] : []), 4, ...extra];
        const written = new Set(gradients.map((name) => name === "dk" ? dk : dv));
        return make(gradients.join(" "), keySource(args, gradients), keys, [...read, ...written]);
      }),
      ...attentionBiasGradients(args, { inputs, ...wanted, words: bits.words, software: false }),
    ],
    scratch: [statsBytes(args), ...(bits.bytes ? [bits.bytes] : [])],
  };
}

function readsVec4({ headDim, q, k, v, out, dq, dk, dv }: AttentionBackwardArgs): boolean {
  return isVec4(headDim, [q, k, v, out, dq, dk, dv]);
}

function buffers(args: AttentionBackwardArgs, operands: readonly string[], outputs: readonly string[]): string[] {
  return [
    ...operands.map((name) => `${name}:head`),
    ...[statsBuffer(args), ...extraBuffers(args)],
    ...outputs.map((name) => `${name}:rw:head`),
  ];
}

/** The score of registers q_ and k_ with the bias that is `step` after the row's first. */
function scoreOf(args: AttentionBackwardArgs, step: string): string {
  const score = dotRows(Math.ceil(args.headDim / 4), "q_", "k_");
  return biasedScore(args, { score, at: `biasAt + ${step}`, factor: biasFactor(args, "statistics") });
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
${args.bias ? `  let biasAt = ${biasAddress("query", "query")};` : ""}
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
${weightLet(args, { score: scoreOf(args, "(first + t) * biasKey"), row: "statistics" })}
      let slope = weight * (${keepFactor(args, { value: dotRows(width, "dO_", "v_") })} - statistics.y);
${lines(width, (c) => `      d_${c} += slope * k_${c};`)}
    }
    workgroupBarrier();
  }
  if (row < queries) {
    let at = ${rowAddress("dq", "row")};
${storeRow({ name: "dq", from: "d_", headDim, vec4, factor: "scale" })}
  }`;
  return stagedShader({
    ...{ headDim, vec4, backward: true },
    buffers: buffers(args, ["q", "k", "v", "dO"], ["dq"]),
    staged: ["k", "v"],
    body,
  });
}

function keySource(args: AttentionBackwardArgs, gradients: readonly KeyGradient[]): string {
  const { headDim, packed } = args;
  const [forKeys, forValues] = [onlyIf(gradients.includes("dk")), onlyIf(gradients.includes("dv"))];
  const width = Math.ceil(headDim / 4);
  const vec4 = readsVec4(args);
  const body = `
  let key = min(row, keys - 1u);
  let bit = 1u << (key % 32u);
  let kAt = ${rowAddress("k", "key")};
  let vAt = ${rowAddress("v", "key")};
${loadRow({ name: "k", to: "k_", headDim, vec4, at: "kAt", factor: `(scale * ${LOG2E})` })}
${forKeys(loadRow({ name: "v", to: "v_", headDim, vec4, at: "vAt" }))}
${lines(width, (c) => forKeys(`  var d_${c} = ${zeroVec4};`) + forValues(`  var e_${c} = ${zeroVec4};`))}
${args.bias ? `  let biasAt = ${biasAddress("key", "key")};` : ""}
  for (var first = 0u; first < queries; first += ${STAGE}u) {
${stageRows(args, { name: "q", from: "first", limit: "queries", vec4 })}
${stageRows(args, { name: "dO", layout: "o", from: "first", limit: "queries", vec4 })}
    workgroupBarrier();
    for (var t = 0u; t < min(${STAGE}u, queries - first); t++) {
      let statistics = stats[z * queries + first + t];
${wordLets(args, { query: "first + t", word: "key / 32u" })}
${readStaged("q", headDim)}
${readStaged("dO", headDim)}
${weightLet(args, { score: scoreOf(args, "(first + t) * biasQuery"), row: "statistics" })}
${forKeys(`      let slope = weight * (${keepFactor(args, { value: dotRows(width, "dO_", "v_") })} - statistics.y);`)}
${forValues(`      let kept = ${keepFactor(args, { value: "weight" })};`)}
${lines(width, (c) => forKeys(`      d_${c} += slope * q_${c};`) + forValues(` e_${c} += kept * dO_${c};`))}
    }
    workgroupBarrier();
  }
  if (row < keys) {
    let dkAt = ${rowAddress("dk", "row")};
    let dvAt = ${rowAddress("dv", "row")};
${forKeys(storeRow({ name: packed ? "packed" : "dk", from: "d_", headDim, vec4, at: "dkAt", factor: "scale" }))}
${forValues(storeRow({ name: packed ? "packed" : "dv", from: "e_", headDim, vec4, at: "dvAt" }))}
  }`;
  const operands = ["q", "k", ...(gradients.includes("dk") ? ["v"] : []), "dO"];
  return stagedShader({
    ...{ headDim, vec4, backward: true },
    buffers: buffers(args, operands, packed ? ["packed"] : gradients),
    staged: ["q", "dO"],
    body,
  });
}
