/**
 * Fused attention backward for software adapters, after Dao et al. 2022 (arXiv 2205.14135) without stored scores: with P the weights,
 * M the dropout factors and delta = rowsum(dOut * out),
 *
 *     dS = P * (M * (dOut Vᵀ) - delta),  dQ = scale · dS K,  dK = scale · dSᵀ Q,  dV = (P * M)ᵀ dOut
 *
 * One kernel keeps several queries in registers and walks over the keys for dQ, another keeps keys and walks over the queries
 * for dK and dV; both compute P again. Each output has one writer and a fixed order of summation.
 * @module
 */
import type { Dispatch, GpuPlan } from "../device/kernel.ts";
import { attentionBiasGradients } from "./attention_bias_gradients.wgsl.ts";
import { attentionBits, BIT_NAMES } from "./attention_bits.wgsl.ts";
import {
  attentionTileRows,
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
  shiftUp,
  statsBuffer,
  storeRow,
  weightLet,
  wordLets,
  zeroVec4,
} from "./attention_code.ts";
import type { AttentionBackwardArgs } from "./attention_kernel.ts";
import {
  attentionBackwardLets,
  attentionBackwardWords,
  attentionLabel,
  attentionUniform,
  declareBuffers,
  gradientPlaces,
  optionalPlaces,
} from "./attention_params.ts";
import { attentionStats, statsBytes } from "./attention_stats.wgsl.ts";
import { foldGrid } from "./wgsl.ts";

const WORKGROUP = 8;

/** Bits if needed, row statistics, dQ, dK with dV, then those of gate and bias. Inputs and outputs as attentionBackwardKernel has them. */
export function attentionBackwardRegisterGpu(args: AttentionBackwardArgs, rows = attentionTileRows(args)): GpuPlan {
  const { batch, heads, queries, keys } = args;
  const places = optionalPlaces(args, 6);
  const { dq, dk, dv, next: stats, ...wanted } = gradientPlaces(args, places.next);
  const bits = attentionBits(args, { ...places, bits: stats + 1 });
  const extra = [stats, ...(bits.bytes ? [stats + 1] : []), ...(args.bias ? [places.bias] : [])];
  const inputs = [0, 1, 2, 4, ...extra];
  const make = (name: string, source: string, time: number, bindings: readonly number[]): Dispatch => {
    const tiles = Math.ceil(time / rows);
    const count = batch * heads * tiles;
    return {
      label: attentionLabel(`attentionBackward ${name}`, args),
      source,
      bindings,
      uniform: attentionUniform([...attentionBackwardWords(args), ...bits.words, count, tiles]),
      grid: foldGrid(Math.ceil(count / WORKGROUP)),
    };
  };
  return {
    dispatches: [
      ...bits.dispatches,
      attentionStats(args, { out: 3, dOut: 4, logSumExp: 5, gate: places.gate, stats }),
      make("dq", querySource(args, rows), queries, [...inputs, dq]),
      ...keyGradients(args).map((gradients) => {
        const read = [0, 1, ...(gradients.includes("dk") ? [2] : []), 4, ...extra];
        const written = new Set(gradients.map((name) => name === "dk" ? dk : dv));
        return make(gradients.join(" "), keySource(args, rows, gradients), keys, [...read, ...written]);
      }),
      ...attentionBiasGradients(args, { inputs, ...wanted, words: bits.words, software: true }),
    ],
    scratch: [statsBytes(args), ...(bits.bytes ? [bits.bytes] : [])],
  };
}

interface Code {
  readonly args: AttentionBackwardArgs;
  readonly rows: number;
  readonly width: number;
  readonly vec4: boolean;
}

function code(args: AttentionBackwardArgs, rows: number): Code {
  const layouts = [args.q, args.k, args.v, args.out, args.dq, args.dk, args.dv];
  return { args, rows, width: Math.ceil(args.headDim / 4), vec4: isVec4(args.headDim, layouts) };
}

function each({ rows }: Code, line: (r: number) => string): string {
  return lines(rows, line);
}

function cells({ rows, width }: Code, line: (r: number, c: number) => string): string {
  return lines(rows, (r) => lines(width, (c) => line(r, c)));
}

function dot({ width }: Code, a: string, b: string): string {
  return dotRows(width, a, b);
}

function head({ args, vec4, rows }: Code, operands: readonly string[], outputs: readonly string[]): string {
  const kind = vec4 ? ":vec4" : "";
  const inputs = operands.map((name) => name + kind);
  return `
${declareBuffers([...inputs, statsBuffer(args), ...extraBuffers(args), ...outputs.map((name) => `${name}:rw${kind}`)])}
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>) {
${attentionBackwardLets([...BIT_NAMES, "count", "tiles"])}
  let index = id.y * grid.x * ${WORKGROUP}u + id.x;
  if (index >= count) { return; }
  let z = index / tiles;
  let z0 = z / heads;
  let z1 = z % heads;
  let first = (index % tiles) * ${rows}u;`;
}

/** Loads row after row of `names` into registers, in a loop that moves them up. */
function loadTile(
  shape: Code,
  limit: string,
  parts: readonly { name: string; layout: string; factor?: string }[],
): string {
  const { args: { headDim }, rows, width, vec4 } = shape;
  const load = ({ name, layout, factor }: { name: string; layout: string; factor?: string }) => `
    let ${name}At = ${rowAddress(layout, `min(first + r, ${limit} - 1u)`)};
${shiftUp(name, rows, width)}
${loadRow({ name, to: `${name}${rows - 1}_`, headDim, vec4, at: `${name}At`, factor, assign: true })}`;
  return `
${parts.map(({ name }) => cells(shape, (r, c) => `  var ${name}${r}_${c} = ${zeroVec4};`)).join("\n")}
  for (var r = 0u; r < ${rows}u; r++) {
${parts.map(load).join("\n")}
  }`;
}

function querySource(args: AttentionBackwardArgs, rows: number): string {
  const shape = code(args, rows);
  const { headDim } = args;
  const { width, vec4 } = shape;
  const score = (r: number) =>
    biasedScore(args, {
      score: dot(shape, `q${r}_`, "k_"),
      at: `biasAt${r} + (word * 32u + t) * biasKey`,
      factor: biasFactor(args, `stats${r}`),
    });
  return `
${head(shape, ["q", "k", "v", "dO"], ["dq"])}
${
    loadTile(shape, "queries", [
      { name: "q", layout: "q", factor: `(scale * ${LOG2E})` },
      { name: "dO", layout: "o" },
    ])
  }
${
    each(shape, (r) => `
  let query${r} = min(first + ${r}u, queries - 1u);
  let stats${r} = stats[z * queries + query${r}];
${args.bias ? `  let biasAt${r} = ${biasAddress("query", `query${r}`)};` : ""}`)
  }
${cells(shape, (r, c) => `  var d${r}_${c} = ${zeroVec4};`)}
  var kAt = ${rowAddress("k", "0u")};
  var vAt = ${rowAddress("v", "0u")};
  for (var word = 0u; word < rowWords; word++) {
${each(shape, (r) => wordLets(args, { name: `${r}`, query: `min(first + ${r}u, queries - 1u)`, word: "word" }))}
    for (var t = 0u; t < min(32u, keys - word * 32u); t++) {
      let bit = 1u << t;
${loadRow({ name: "k", to: "k_", headDim, vec4, at: "kAt" })}
${loadRow({ name: "v", to: "v_", headDim, vec4, at: "vAt" })}
      kAt += kTime;
      vAt += vTime;
${
    each(shape, (r) => `
${weightLet(args, { name: `${r}`, word: `${r}`, score: score(r), row: `stats${r}` })}
      let slope${r} = weight${r} * (${
      keepFactor(args, { word: `${r}`, value: dot(shape, `dO${r}_`, "v_") })
    } - stats${r}.y);
${lines(width, (c) => `      d${r}_${c} += slope${r} * k_${c};`)}`)
  }
    }
  }
  for (var r = 0u; r < min(${rows}u, queries - first); r++) {
    let at = ${rowAddress("dq", "(first + r)")};
${storeRow({ name: "dq", from: "d0_", headDim, vec4, factor: "scale" })}
${shiftUp("d", rows, width)}
  }
}
`;
}

function keySource(args: AttentionBackwardArgs, rows: number, gradients: readonly KeyGradient[]): string {
  const shape = code(args, rows);
  const { headDim, packed } = args;
  const { width, vec4 } = shape;
  const [forKeys, forValues] = [onlyIf(gradients.includes("dk")), onlyIf(gradients.includes("dv"))];
  const score = (r: number) =>
    biasedScore(args, {
      score: dot(shape, "q_", `k${r}_`),
      at: `biasAt${r} + i * biasQuery`,
      factor: biasFactor(args, "row"),
    });
  const slope = (r: number) => keepFactor(args, { value: dot(shape, "dO_", `v${r}_`), bit: `bit${r}` });
  const values = gradients.includes("dk") ? [{ name: "v", layout: "v" }] : [];
  return `
${head(shape, ["q", "k", ...values.map(({ name }) => name), "dO"], packed ? ["packed"] : gradients)}
${loadTile(shape, "keys", [{ name: "k", layout: "k", factor: `(scale * ${LOG2E})` }, ...values])}
${cells(shape, (r, c) => forKeys(`  var d${r}_${c} = ${zeroVec4};`) + forValues(`  var e${r}_${c} = ${zeroVec4};`))}
  var qAt = ${rowAddress("q", "0u")};
  var oAt = ${rowAddress("o", "0u")};
  let word = first / 32u;
${each(shape, (r) => `  let bit${r} = 1u << ((first + ${r}u) % 32u);`)}
${args.bias ? each(shape, (r) => `  let biasAt${r} = ${biasAddress("key", `min(first + ${r}u, keys - 1u)`)};`) : ""}
  for (var i = 0u; i < queries; i++) {
${loadRow({ name: "q", to: "q_", headDim, vec4, at: "qAt" })}
${loadRow({ name: "dO", to: "dO_", headDim, vec4, at: "oAt" })}
    qAt += qTime;
    oAt += oTime;
    let row = stats[z * queries + i];
${wordLets(args, { query: "i", word: "word" })}
${
    each(shape, (r) => `
${weightLet(args, { name: `${r}`, score: score(r), row: "row", bit: `bit${r}` })}
${forKeys(`    let slope${r} = weight${r} * (${slope(r)} - row.y);`)}
${forValues(`    let kept${r} = ${keepFactor(args, { value: `weight${r}`, bit: `bit${r}` })};`)}
${
      lines(
        width,
        (c) => forKeys(`    d${r}_${c} += slope${r} * q_${c};`) + forValues(` e${r}_${c} += kept${r} * dO_${c};`),
      )
    }`)
  }
  }
  for (var r = 0u; r < min(${rows}u, keys - first); r++) {
    let dkAt = ${rowAddress("dk", "(first + r)")};
    let dvAt = ${rowAddress("dv", "(first + r)")};
${forKeys(storeRow({ name: packed ? "packed" : "dk", from: "d0_", headDim, vec4, at: "dkAt", factor: "scale" }))}
${forValues(storeRow({ name: packed ? "packed" : "dv", from: "e0_", headDim, vec4, at: "dvAt" }))}
${forKeys(shiftUp("d", rows, width))}
${forValues(shiftUp("e", rows, width))}
  }
}
`;
}
