/**
 * Fused attention forward for GPUs: one query a thread, keys and values staged through shared memory, running softmax (Dao et al. 2022,
 * arXiv 2205.14135). The running maximum may lag by 16 powers of two, so that outputs are rarely rescaled.
 * @module
 */
import type { GpuPlan } from "../device/kernel.ts";
import { attentionBits } from "./attention_bits.wgsl.ts";
import {
  biasedScore,
  biasLets,
  dotRows,
  extraBuffers,
  isVec4,
  lines,
  loadRow,
  LOG2E,
  rowAddress,
  storeRow,
  wordLets,
  zeroVec4,
} from "./attention_code.ts";
import type { AttentionArgs } from "./attention_kernel.ts";
import { attentionLabel, attentionUniform, attentionWords, optionalPlaces } from "./attention_params.ts";
import { readStaged, STAGE, stagedShader, stageRows, THREADS } from "./attention_stage.ts";
import { foldGrid } from "./wgsl.ts";

/** Bits if needed, then one dispatch. Inputs [q, k, v, mask?, state?], outputs [out, logSumExp]. */
export function attentionSharedGpu(args: AttentionArgs): GpuPlan {
  const { batch, heads, queries } = args;
  const { bias, gate, next: out, ...places } = optionalPlaces(args, 3);
  const scratch = out + 2;
  const bits = attentionBits(args, { ...places, bits: scratch });
  const tiles = Math.ceil(queries / THREADS);
  const count = batch * heads * tiles;
  return {
    dispatches: [...bits.dispatches, {
      label: attentionLabel("attention shared", args),
      source: source(args),
      bindings: [0, 1, 2, ...(bits.bytes ? [scratch] : []), ...[bias, gate].filter((place) => place > 0), out, out + 1],
      uniform: attentionUniform([...attentionWords(args), ...bits.words, count, tiles]),
      grid: foldGrid(count),
    }],
    scratch: bits.bytes ? [bits.bytes] : [],
  };
}

function source(args: AttentionArgs): string {
  const { headDim, mask, dropout } = args;
  const width = Math.ceil(headDim / 4);
  const vec4 = isVec4(headDim, [args.q, args.k, args.v, args.out]);
  const each = (line: (c: number) => string) => lines(width, line);
  const dot = biasedScore(args, {
    score: dotRows(width, "q_", "k_"),
    at: "biasAt + (first + t) * biasKey",
    factor: "biasFactor",
  });
  const isMasked = "(masked & bit) != 0u";
  const body = `
  let query = min(row, queries - 1u);
  let at = ${rowAddress("q", "query")};
${loadRow({ name: "q", to: "q_", headDim, vec4, factor: `(scale * ${LOG2E})` })}
${each((c) => `  var o_${c} = ${zeroVec4};`)}
${biasLets(args, { query: "query" })}
  var top = -1e29;
  var sum = 0.0;
  for (var first = 0u; first < keys; first += ${STAGE}u) {
${stageRows(args, { name: "k", from: "first", limit: "keys", vec4 })}
${stageRows(args, { name: "v", from: "first", limit: "keys", vec4 })}
    workgroupBarrier();
${wordLets(args, { query: "query", word: "first / 32u" })}
    for (var t = 0u; t < min(${STAGE}u, keys - first); t++) {
      let bit = 1u << ((first + t) % 32u);
${readStaged("k", headDim)}
      let score = ${mask ? `select(${dot}, -1e30, ${isMasked})` : dot};
      if (score > top + 16.0) {
        let shrink = exp2(max(top - score, -120.0));
        top = score;
        sum *= shrink;
${each((c) => `        o_${c} *= shrink;`)}
      }
      let power = exp2(max(score - top, -120.0));
      let weight = ${mask ? `select(power, 0.0, ${isMasked})` : "power"};
      sum += weight;
      let kept = ${dropout ? "select(0.0, weight, (keep & bit) != 0u)" : "weight"};
${each((c) => `      o_${c} += kept * vStage[t * ${width}u + ${c}u];`)}
    }
    workgroupBarrier();
  }
  if (row < queries) {
    let at = ${rowAddress("o", "row")};
    let factor = select(keepScale / max(sum, 1e-37), 0.0, sum == 0.0);
${storeRow({ name: "o", from: "o_", headDim, vec4, factor: "factor" })}
    logSumExp[z * queries + row] = select(0.6931471805599453 * (top + log2(max(sum, 1e-37))), 0.0, sum == 0.0);
  }`;
  const extra = [...extraBuffers(args), ...(args.gate ? ["gate"] : [])];
  return stagedShader({
    ...{ headDim, vec4, backward: false },
    buffers: ["q:head", "k:head", "v:head", ...extra, "o:rw:head", "logSumExp:rw"],
    staged: ["k", "v"],
    body,
  });
}
