/**
 * Gradients of what is added to attention's scores, gate_i · bias_ij, for all kinds of adapters: with dS the gradient of the scores,
 *
 *     dGate_i = Σ_j bias_ij · dS_ij,  dBias_ij = Σ over the batch of gate_i · dS_ij
 *
 * An invocation computes dS for 4 queries times 4 keys in registers, again from the scores, and adds it up over keys or over the batch.
 * @module
 */
import type { Dispatch } from "../device/kernel.ts";
import { BIT_NAMES } from "./attention_bits.wgsl.ts";
import {
  biasAddress,
  biasedScore,
  biasFactor,
  extraBuffers,
  isVec4,
  keepFactor,
  lines,
  LOG2E,
  rowAddress,
  statsBuffer,
  weightLet,
  wordLets,
} from "./attention_code.ts";
import type { AttentionBackwardArgs } from "./attention_kernel.ts";
import { attentionLabel, attentionLets, attentionUniform, attentionWords, declareBuffers } from "./attention_params.ts";
import { foldGrid, requireTurns } from "./wgsl.ts";

/** Queries and keys of a tile. */
const TILE = 4;

interface Bindings {
  /** Those of q, k, v, dOut, statistics, bits if there are any, and bias. */
  readonly inputs: readonly number[];
  readonly gate: number;
  readonly bias: number;
  /** Words of the bits, see {@linkcode BIT_NAMES}. */
  readonly words: readonly number[];
  /** Whether the adapter is a software one. */
  readonly software: boolean;
}

/** The dispatches of those gradients that are wanted. */
export function attentionBiasGradients(args: AttentionBackwardArgs, bindings: Bindings): Dispatch[] {
  const { batch, heads, queries, keys, headDim, dGate, dBias } = args;
  const workgroup = bindings.software ? 8 : 64; // many small groups balance the threads of a processor
  const [queryTiles, keyTiles] = [queries, keys].map((time) => Math.ceil(time / TILE));
  const items = dBias === 1 ? batch : 1;
  const make = (name: "gate" | "bias", count: number): Dispatch => ({
    label: attentionLabel(`attentionBackward ${name}`, args),
    source: (name === "gate" ? gateSource : biasSource)(args, workgroup),
    bindings: [...bindings.inputs, bindings[name]],
    uniform: attentionUniform([...attentionWords(args), ...bindings.words, count, queryTiles, keyTiles, items]),
    grid: foldGrid(Math.ceil(count / workgroup)),
  });
  if (dGate) requireTurns("attend to", keyTiles * (Math.ceil(headDim / 4) + 1), bindings);
  return [
    ...(dGate ? [make("gate", batch * heads * queryTiles)] : []),
    ...(dBias ? [make("bias", dBias * heads * queryTiles * keyTiles)] : []),
  ];
}

const each = (line: (r: number) => string): string => lines(TILE, line);
const cells = (line: (r: number, t: number) => string): string => each((r) => lines(TILE, (t) => line(r, t)));

function shader(args: AttentionBackwardArgs, workgroup: number, body: string): string {
  const kind = readsVec4(args) ? ":vec4" : "";
  const heads = ["q", "k", "v", "dO"].map((name) => name + kind);
  return `
${declareBuffers([...heads, statsBuffer(args), ...extraBuffers(args), "result:rw"])}
@compute @workgroup_size(${workgroup})
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>) {
${attentionLets([...BIT_NAMES, "count", "queryTiles", "keyTiles", "items"])}
  let index = id.y * grid.x * ${workgroup}u + id.x;
  if (index >= count) { return; }
${body}
}
`;
}

function gateSource(args: AttentionBackwardArgs, workgroup: number): string {
  return shader(
    args,
    workgroup,
    `
  let z = index / queryTiles;
  let z0 = z / heads;
  let z1 = z % heads;
  let firstQuery = (index % queryTiles) * ${TILE}u;
${each((r) => `  var sum${r} = 0.0;`)}
  for (var firstKey = 0u; firstKey < keys; firstKey += ${TILE}u) {
${slopeTile(args)}
${
      cells((r, t) =>
        `    sum${r} += select(0.0, bias[biasAt${r} + key${t} * biasKey] * slope${r}_${t}, firstKey + ${t}u < keys);`
      )
    }
  }
${each((r) => `  if (firstQuery + ${r}u < queries) { result[z * queries + firstQuery + ${r}u] = sum${r}; }`)}`,
  );
}

function biasSource(args: AttentionBackwardArgs, workgroup: number): string {
  const gated = (r: number, t: number) => args.gate ? `stats${r}.z * slope${r}_${t}` : `slope${r}_${t}`;
  return shader(
    args,
    workgroup,
    `
  let firstKey = (index % keyTiles) * ${TILE}u;
  let firstQuery = (index / keyTiles % queryTiles) * ${TILE}u;
  let row = index / (keyTiles * queryTiles);
  let z1 = row % heads;
${cells((r, t) => `  var sum${r}_${t} = 0.0;`)}
  for (var item = 0u; item < items; item++) {
    let z0 = row / heads + item;
    let z = z0 * heads + z1;
${slopeTile(args)}
${cells((r, t) => `    sum${r}_${t} += ${gated(r, t)};`)}
  }
${
      cells((r, t) => `
  if (firstQuery + ${r}u < queries && firstKey + ${t}u < keys) {
    result[(row * queries + firstQuery + ${r}u) * keys + firstKey + ${t}u] = sum${r}_${t};
  }`)
    }`,
  );
}

function readsVec4({ headDim, q, k, v, out }: AttentionBackwardArgs): boolean {
  return isVec4(headDim, [q, k, v, out]);
}

/** Declares `slope{r}_{t}`, dS of the tile at (z, firstQuery, firstKey); its rows and columns past the end repeat the last ones. */
function slopeTile(args: AttentionBackwardArgs): string {
  const { headDim } = args;
  const vec4 = readsVec4(args);
  const element = (name: string, at: string, e: number) =>
    headDim % 4 === 0 ? `${name}[${at} + ${e}u]` : `select(0.0, ${name}[${at} + ${e}u], c * 4u + ${e}u < ${headDim}u)`;
  const load = (name: string, at: string) =>
    vec4
      ? `${name}[(${at} >> 2u) + c]`
      : `vec4<f32>(${[0, 1, 2, 3].map((e) => element(name, `${at} + c * 4u`, e)).join(", ")})`;
  return `
${
    each((r) => `
    let query${r} = min(firstQuery + ${r}u, queries - 1u);
    let key${r} = min(firstKey + ${r}u, keys - 1u);
    let qAt${r} = ${rowAddress("q", `query${r}`)};
    let oAt${r} = ${rowAddress("o", `query${r}`)};
    let kAt${r} = ${rowAddress("k", `key${r}`)};
    let vAt${r} = ${rowAddress("v", `key${r}`)};
    let biasAt${r} = ${biasAddress("query", `query${r}`)};
    let bit${r} = 1u << ((firstKey + ${r}u) % 32u);
    let stats${r} = stats[z * queries + query${r}];
${wordLets(args, { name: `${r}`, query: `query${r}`, word: "firstKey / 32u" })}`)
  }
${cells((r, t) => `    var score${r}_${t} = 0.0; var step${r}_${t} = 0.0;`)}
    for (var c = 0u; c < ${Math.ceil(headDim / 4)}u; c++) {
${
    each((r) => `
      let q_${r} = ${load("q", `qAt${r}`)}; let dO_${r} = ${load("dO", `oAt${r}`)};
      let k_${r} = ${load("k", `kAt${r}`)}; let v_${r} = ${load("v", `vAt${r}`)};`)
  }
${cells((r, t) => `      score${r}_${t} += dot(q_${r}, k_${t}); step${r}_${t} += dot(dO_${r}, v_${t});`)}
    }
${
    cells((r, t) => {
      const bit = { word: `${r}`, bit: `bit${t}` };
      const score = biasedScore(args, {
        score: `score${r}_${t} * scale * ${LOG2E}`,
        at: `biasAt${r} + key${t} * biasKey`,
        factor: biasFactor(args, `stats${r}`),
      });
      return `
${weightLet(args, { ...bit, name: `${r}_${t}`, score, row: `stats${r}` })}
    let slope${r}_${t} = weight${r}_${t} * (${keepFactor(args, { ...bit, value: `step${r}_${t}` })} - stats${r}.y);`;
    })
  }`;
}
