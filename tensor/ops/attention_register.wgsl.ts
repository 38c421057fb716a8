/**
 * Fused attention forward for software adapters: each invocation keeps several queries with their outputs in registers and walks over
 * the keys, so that a key and a value loaded (the dearest thing there) serve all of them. No score is stored.
 *
 * The softmax needs no running rescale: weights are taken relative to a guess of each row's largest score, 0 at first. Any guess within
 * 40 powers of two is as good as the largest score itself; a tile that has a row further off goes over its keys again with the largest
 * scores it has seen, which is exact.
 * @module
 */
import type { GpuPlan } from "../device/kernel.ts";
import { attentionBits, BIT_NAMES } from "./attention_bits.wgsl.ts";
import {
  attentionTileRows,
  biasedScore,
  biasLets,
  dotRows,
  extraBuffers,
  isVec4,
  lines,
  loadRow,
  LOG2E,
  rowAddress,
  shiftUp,
  storeRow,
  wordLets,
  zeroVec4,
} from "./attention_code.ts";
import type { AttentionArgs } from "./attention_kernel.ts";
import {
  attentionLabel,
  attentionLets,
  attentionUniform,
  attentionWords,
  declareBuffers,
  optionalPlaces,
} from "./attention_params.ts";
import { foldGrid } from "./wgsl.ts";

const WORKGROUP = 8;

/** Bits if needed, then one dispatch. Inputs [q, k, v, mask?, state?], outputs [out, logSumExp]. */
export function attentionRegisterGpu(args: AttentionArgs, rows = attentionTileRows(args)): GpuPlan {
  const { batch, heads, queries } = args;
  const { bias, gate, next: out, ...places } = optionalPlaces(args, 3);
  const scratch = out + 2;
  const bits = attentionBits(args, { ...places, bits: scratch });
  const tiles = Math.ceil(queries / rows);
  const count = batch * heads * tiles;
  const hasBits = bits.bytes > 0;
  return {
    dispatches: [...bits.dispatches, {
      label: attentionLabel("attention", args),
      source: source(args, rows),
      bindings: [0, 1, 2, ...(hasBits ? [scratch] : []), ...[bias, gate].filter((place) => place > 0), out, out + 1],
      uniform: attentionUniform([...attentionWords(args), ...bits.words, count, tiles]),
      grid: foldGrid(Math.ceil(count / WORKGROUP)),
    }],
    scratch: hasBits ? [bits.bytes] : [],
  };
}

function source(args: AttentionArgs, rows: number): string {
  const { headDim } = args;
  const width = Math.ceil(headDim / 4);
  const each = (line: (r: number) => string) => lines(rows, line);
  const cells = (line: (r: number, c: number) => string) => each((r) => lines(width, (c) => line(r, c)));
  const vec4 = isVec4(headDim, [args.q, args.k, args.v, args.out]);
  const kind = vec4 ? ":vec4" : "";
  const heads = ["q", "k", "v"].map((name) => name + kind);
  const gate = args.gate ? ["gate"] : [];
  return `
${declareBuffers([...heads, ...extraBuffers(args), ...gate, `o:rw${kind}`, "logSumExp:rw"])}
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>) {
${attentionLets([...BIT_NAMES, "count", "tiles"])}
  let index = id.y * grid.x * ${WORKGROUP}u + id.x;
  if (index >= count) { return; }
  let z = index / tiles;
  let z0 = z / heads;
  let z1 = z % heads;
  let first = (index % tiles) * ${rows}u;
${cells((r, c) => `  var q${r}_${c} = ${zeroVec4};`)}
  for (var r = 0u; r < ${rows}u; r++) {
    let at = ${rowAddress("q", "min(first + r, queries - 1u)")};
${shiftUp("q", rows, width)}
${loadRow({ name: "q", to: `q${rows - 1}_`, headDim, vec4, factor: `(scale * ${LOG2E})`, assign: true })}
  }
${each((r) => biasLets(args, { name: `${r}`, query: `min(first + ${r}u, queries - 1u)` }))}
${each((r) => `  var guess${r} = 0.0; var top${r} = 0.0; var sum${r} = 0.0;`)}
${cells((r, c) => `  var o${r}_${c} = ${zeroVec4};`)}
  loop {
${each((r) => `    top${r} = -1e30; sum${r} = 0.0;`)}
${cells((r, c) => `    o${r}_${c} = ${zeroVec4};`)}
    var kAt = ${rowAddress("k", "0u")};
    var vAt = ${rowAddress("v", "0u")};
    for (var word = 0u; word < rowWords; word++) {
${each((r) => wordLets(args, { name: `${r}`, query: `min(first + ${r}u, queries - 1u)`, word: "word" }))}
      for (var t = 0u; t < min(32u, keys - word * 32u); t++) {
        let bit = 1u << t;
${loadRow({ name: "k", to: "k_", headDim, vec4, at: "kAt" })}
${loadRow({ name: "v", to: "v_", headDim, vec4, at: "vAt" })}
        kAt += kTime;
        vAt += vTime;
${each((r) => weightCode(args, r, width))}
      }
    }
    var off = 0.0;
${each((r) => `    off = max(off, select(0.0, abs(top${r} - guess${r}), top${r} > -5e29));`)}
    if (off < 40.0) { break; }
${each((r) => `    guess${r} = select(guess${r}, top${r}, top${r} > -5e29);`)}
  }
  for (var r = 0u; r < min(${rows}u, queries - first); r++) {
    let at = ${rowAddress("o", "(first + r)")};
    let factor = select(keepScale / max(sum0, 1e-37), 0.0, sum0 == 0.0);
${storeRow({ name: "o", from: "o0_", headDim, vec4, factor: "factor" })}
    logSumExp[z * queries + first + r] = select(0.6931471805599453 * (guess0 + log2(max(sum0, 1e-37))), 0.0, sum0 == 0.0);
${shiftUp("o", rows, width)}
${lines(rows - 1, (r) => `    sum${r} = sum${r + 1}; guess${r} = guess${r + 1};`)}
  }
}
`;
}

/** Score, weight and output of row r for the key at hand. */
function weightCode(args: AttentionArgs, r: number, width: number): string {
  const { mask, dropout } = args;
  const at = `biasAt${r} + (word * 32u + t) * biasKey`;
  const dots = biasedScore(args, { score: dotRows(width, `q${r}_`, "k_"), at, factor: `biasFactor${r}` });
  const isMasked = `(masked${r} & bit) != 0u`;
  return `
        let score${r} = ${mask ? `select(${dots}, -1e30, ${isMasked})` : dots};
        top${r} = max(top${r}, score${r});
        let power${r} = exp2(clamp(score${r} - guess${r}, -120.0, 100.0));
        let weight${r} = ${mask ? `select(power${r}, 0.0, ${isMasked})` : `power${r}`};
        sum${r} += weight${r};
        let kept${r} = ${dropout ? `select(0.0, weight${r}, (keep${r} & bit) != 0u)` : `weight${r}`};
${lines(width, (c) => `        o${r}_${c} += kept${r} * v_${c};`)}`;
}
