/**
 * Attention, first form: the score matrix goes through scratch, one element a thread. Slow; kept as the oracle of the fused forms.
 * @module
 */
import type { Dispatch, GpuPlan } from "../device/kernel.ts";
import type { AttentionArgs, AttentionBackwardArgs } from "./attention_kernel.ts";
import {
  attentionBackwardLets,
  attentionBackwardWords,
  attentionLabel,
  attentionLets,
  attentionUniform,
  attentionWords,
  biasTerm,
  declareBuffers,
  gradientPlaces,
  keepExpression,
  keepFunctions,
  MASKED,
  maskedExpression,
  optionalPlaces,
} from "./attention_params.ts";
import { foldGrid } from "./wgsl.ts";

/** Scores, log-sum-exp and output in three dispatches. Inputs and outputs as attentionKernel has them. */
export function attentionNaiveGpu(args: AttentionArgs): GpuPlan {
  const { batch, heads, queries, keys, headDim } = args;
  const { mask, state, bias, gate, next: out } = optionalPlaces(args, 3);
  const [logSumExp, scores] = [out + 1, out + 2];
  const rows = batch * heads * queries;
  const make = (kind: Kind, bindings: number[], count: number) =>
    dispatch(`attention ${kind}`, args, forwardSource(kind, args), bindings.filter((i) => i >= 0), count, false);
  return {
    dispatches: [
      make("scores", [0, 1, mask, bias, gate, scores], rows * keys),
      make("rows", [scores, logSumExp], rows),
      make("output", [2, scores, logSumExp, state, out], rows * headDim),
    ],
    scratch: [rows * keys * 4],
  };
}

/** Weights and score gradients through scratch, then the gradients. Inputs and outputs as attentionBackwardKernel has them. */
export function attentionBackwardNaiveGpu(args: AttentionBackwardArgs): GpuPlan {
  const { batch, heads, queries, keys, headDim } = args;
  const { mask, state, bias, gate, next } = optionalPlaces(args, 6);
  const { dq, dk, dv, next: scratch, ...wanted } = gradientPlaces(args, next);
  const [delta, weights, slopes] = [scratch, scratch + 1, scratch + 2];
  const heads2 = batch * heads;
  const make = (kind: BackwardKind, bindings: number[], count: number) =>
    dispatch(
      `attentionBackward ${kind}`,
      args,
      backwardSource(kind, args),
      bindings.filter((i) => i >= 0),
      count,
      true,
    );
  return {
    dispatches: [
      make("delta", [3, 4, delta], heads2 * queries),
      make("weights", [0, 1, 5, mask, state, bias, gate, weights], heads2 * queries * keys),
      make("slopes", [2, 4, weights, delta, slopes], heads2 * queries * keys),
      make("dq", [1, slopes, dq], heads2 * queries * headDim),
      make("dk", [0, slopes, dk], heads2 * keys * headDim),
      make("dv", [4, weights, dv], heads2 * keys * headDim),
      ...(args.dGate ? [make("dGate", [bias, slopes, wanted.gate], heads2 * queries)] : []),
      ...(args.dBias ? [make("dBias", [gate, slopes, wanted.bias], args.dBias * args.heads * queries * keys)] : []),
    ],
    scratch: [heads2 * queries * 4, heads2 * queries * keys * 8, heads2 * queries * keys * 4],
  };
}

type Kind = "scores" | "rows" | "output";
type BackwardKind = "delta" | "weights" | "slopes" | "dq" | "dk" | "dv" | "dGate" | "dBias";

function dispatch(
  name: string,
  args: AttentionArgs | AttentionBackwardArgs,
  source: string,
  bindings: readonly number[],
  count: number,
  backward: boolean,
): Dispatch {
  const words = backward ? attentionBackwardWords(args as AttentionBackwardArgs) : attentionWords(args);
  return {
    label: attentionLabel(name, args),
    source,
    bindings,
    uniform: attentionUniform([...words, count, args.batch]),
    grid: foldGrid(Math.ceil(count / 64)),
  };
}

function main(buffers: readonly string[], functions: string, lets: string, body: string): string {
  return `
${declareBuffers(buffers)}
${functions}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>) {
${lets}
  let index = id.y * grid.x * 64u + id.x;
  if (index >= count) { return; }
${body}
}
`;
}

/** z, z0, z1, row `i` and column `x` of an element of (batch, heads, rows, columns). */
function coordinates(rows: string, columns: string, row: string, column: string): string {
  return `
  let ${column} = index % ${columns};
  let ${row} = (index / ${columns}) % ${rows};
  let z = index / (${columns} * ${rows});
  let z0 = z / heads;
  let z1 = z % heads;`;
}

const base = (name: string, time: string) => `${name}0 + z0 * ${name}Batch + z1 * ${name}Head + ${time} * ${name}Time`;

function forwardSource(kind: Kind, args: AttentionArgs): string {
  const lets = attentionLets(["count"]);
  const { mask, state, bias, gate } = extraNames(args);
  if (kind === "scores") {
    return main(
      ["q", "k", ...mask, ...bias, ...gate, "scores:rw"],
      "",
      lets,
      `
${coordinates("queries", "keys", "i", "j")}
${scoreLoop()}
  scores[index] = select(s * scale${biasTerm(args)}, ${MASKED}, ${maskedExpression(args)});`,
    );
  }
  if (kind === "rows") return main(["scores", "logSumExp:rw"], "", lets, rowsBody());
  return main(
    ["v", "scores", "logSumExp", ...state, "o:rw"],
    keepFunctions(args),
    lets,
    `
${coordinates("queries", "headDim", "i", "d")}
  let row = z * queries + i;
  var sum = 0.0;
  for (var j = 0u; j < keys; j++) {
    let s = scores[row * keys + j];
    let p = select(exp(min(s - logSumExp[row], 0.0)), 0.0, s < -5e29);
    sum += p * ${keepExpression(args)} * v[${base("v", "j")} + d];
  }
  o[${base("o", "i")} + d] = sum;`,
  );
}

/** Buffers of the optional inputs. */
function extraNames({ mask, dropout, bias, gate }: AttentionArgs) {
  const named = (name: string, isThere: boolean) => isThere ? [name] : [];
  return {
    mask: named("mask:i32", mask !== null),
    state: named("state:i32", dropout > 0),
    bias: named("bias", bias !== null),
    gate: named("gate", gate !== null),
  };
}

function scoreLoop(): string {
  return `
  let qi = ${base("q", "i")};
  let kj = ${base("k", "j")};
  var s = 0.0;
  for (var d = 0u; d < headDim; d++) {
    s += q[qi + d] * k[kj + d];
  }`;
}

/** A row that is masked everywhere gets a log-sum-exp of 0; its weights are 0 by the mask. */
function rowsBody(): string {
  return `
  let row = index * keys;
  var largest = ${MASKED};
  for (var j = 0u; j < keys; j++) {
    largest = max(largest, scores[row + j]);
  }
  var sum = 0.0;
  for (var j = 0u; j < keys; j++) {
    sum += exp(max(scores[row + j] - largest, -80.0));
  }
  logSumExp[index] = select(largest + log(sum), 0.0, largest < -5e29);`;
}

function backwardSource(kind: BackwardKind, args: AttentionBackwardArgs): string {
  const lets = attentionBackwardLets(["count", "batch"]);
  const { mask, state, bias, gate } = extraNames(args);
  if (kind === "delta") return main(["o", "dO", "delta:rw"], "", lets, deltaBody());
  if (kind === "weights") {
    const buffers = ["q", "k", "logSumExp", ...mask, ...state, ...bias, ...gate, "weights:rw"];
    return main(buffers, keepFunctions(args), lets, weightsBody(args));
  }
  if (kind === "slopes") return main(["v", "dO", "weights", "delta", "slopes:rw"], "", lets, slopesBody());
  if (kind === "dq") return main(["k", "slopes", "dq:rw"], "", lets, gradientBody("dq"));
  if (kind === "dGate") return main(["bias", "slopes", "result:rw"], "", lets, gateGradientBody());
  if (kind === "dBias") return main([...gate, "slopes", "result:rw"], "", lets, biasGradientBody(args));
  if (kind === "dk") return main(["q", "slopes", "dk:rw"], "", lets, gradientBody("dk"));
  return main(["dO", "weights", "dv:rw"], "", lets, gradientBody("dv"));
}

function deltaBody(): string {
  return `
  let i = index % queries;
  let z = index / queries;
  let z0 = z / heads;
  let z1 = z % heads;
  let at = ${base("o", "i")};
  var sum = 0.0;
  for (var d = 0u; d < headDim; d++) {
    sum += o[at + d] * dO[at + d];
  }
  delta[index] = sum;`;
}

/** Weights as they were before dropout, then the same times their dropout factor. */
function weightsBody(args: AttentionBackwardArgs): string {
  return `
${coordinates("queries", "keys", "i", "j")}
${scoreLoop()}
  let score = s * scale${biasTerm(args)};
  let p = select(exp(clamp(score - logSumExp[z * queries + i], -80.0, 0.0)), 0.0, ${maskedExpression(args)});
  weights[index] = p;
  weights[index + count] = p * ${keepExpression(args)};`;
}

function slopesBody(): string {
  return `
${coordinates("queries", "keys", "i", "j")}
  let at = ${base("o", "i")};
  let vj = ${base("v", "j")};
  var sum = 0.0;
  for (var d = 0u; d < headDim; d++) {
    sum += dO[at + d] * v[vj + d];
  }
  slopes[index] = weights[index + count] * sum - weights[index] * delta[z * queries + i];`;
}

function gateGradientBody(): string {
  return `
  let i = index % queries;
  let z1 = (index / queries) % heads;
  let z0 = index / (queries * heads);
  var sum = 0.0;
  for (var j = 0u; j < keys; j++) {
    sum += slopes[index * keys + j] * bias[bias0 + z0 * biasBatch + z1 * biasHead + i * biasQuery + j * biasKey];
  }
  result[index] = sum;`;
}

function biasGradientBody({ dBias, gate }: AttentionBackwardArgs): string {
  const factor = gate ? " * gate[gate0 + z0 * gateBatch + z1 * gateHead + i * gateQuery]" : "";
  return `
${coordinates("queries", "keys", "i", "j")}
  var sum = 0.0;
  for (var item = 0u; item < ${dBias === 1 ? "batch" : "1u"}; item++) {
    let z0 = z / heads + item;
    sum += slopes[((z0 * heads + z1) * queries + i) * keys + j]${factor};
  }
  result[index] = sum;`;
}

function gradientBody(kind: "dq" | "dk" | "dv"): string {
  const time = kind === "dq" ? "i" : "j";
  const [other, count, factor, value] = {
    dq: ["j", "keys", "slopes[(z * queries + i) * keys + j]", `k[${base("k", "j")} + d]`],
    dk: ["i", "queries", "slopes[(z * queries + i) * keys + j]", `q[${base("q", "i")} + d]`],
    dv: ["i", "queries", "weights[all + (z * queries + i) * keys + j]", `dO[${base("o", "i")} + d]`],
  }[kind];
  return `
${coordinates(kind === "dq" ? "queries" : "keys", "headDim", time, "d")}
  let all = (count / (keys * headDim)) * queries * keys;
  var sum = 0.0;
  for (var ${other} = 0u; ${other} < ${count}; ${other}++) {
    sum += ${factor} * ${value};
  }
  ${kind}[${base(kind, time)} + d] = ${kind === "dv" ? "sum" : "scale * sum"};`;
}
