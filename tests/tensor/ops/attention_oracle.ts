/**
 * Attention and its gradients in float64, written from the formulas.
 * @module
 */
import type { AttentionArgs, AttentionBackwardArgs, HeadLayout } from "../../../tensor/ops/attention_kernel.ts";
import { randomBlock } from "../philox.ts";

interface Inputs {
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
  readonly dOut: Float32Array;
  readonly mask: Int32Array | null;
  readonly state: readonly number[];
  readonly bias: Float32Array | null;
  readonly gate: Float32Array | null;
}

/** Output and gradients, in the layouts of `args`; dk and dv are dq if packed. */
export interface AttentionResults {
  readonly out: Float32Array<ArrayBuffer>;
  readonly dq: Float32Array<ArrayBuffer>;
  readonly dk: Float32Array<ArrayBuffer>;
  readonly dv: Float32Array<ArrayBuffer>;
  readonly dGate: Float32Array<ArrayBuffer>;
  readonly dBias: Float32Array<ArrayBuffer>;
}

/** Whether key `j` is masked out for query `i`. */
export function maskAt({ mask }: AttentionArgs, data: Int32Array | null, z0: number, z1: number, i: number, j: number) {
  if (!mask || !data) return false;
  const [s0, s1, s2, s3] = mask.strides;
  return data[mask.offset + z0 * s0 + z1 * s1 + i * s2 + j * s3] !== 0;
}

/** The bias of a pair before its gate, and the gate. */
function biasAt(
  args: AttentionArgs,
  { bias, gate }: Inputs,
  z0: number,
  z1: number,
  i: number,
  j: number,
): [number, number] {
  const [b, g] = [args.bias?.strides ?? [0, 0, 0, 0], args.gate?.strides ?? [0, 0, 0]];
  return [
    args.bias && bias ? bias[args.bias.offset + z0 * b[0] + z1 * b[1] + i * b[2] + j * b[3]] : 0,
    args.gate && gate ? gate[args.gate.offset + z0 * g[0] + z1 * g[1] + i * g[2]] : 1,
  ];
}

/** Forward and backward in float64. */
export function attentionOracle(args: AttentionBackwardArgs, inputs: Inputs): AttentionResults {
  const { q, k, v, dOut } = inputs;
  const { batch, heads, queries, keys, packed } = args;
  const dq = new Float32Array(q.length);
  const results = {
    out: new Float32Array(dOut.length),
    dq,
    dk: packed ? dq : new Float32Array(k.length),
    dv: packed ? dq : new Float32Array(v.length),
    dGate: new Float32Array(batch * heads * queries),
    dBias: new Float32Array(Math.max(1, args.dBias) * heads * queries * keys),
  };
  for (let z = 0; z < batch * heads; z++) {
    const [z0, z1] = [Math.floor(z / heads), z % heads];
    const read = (data: Float32Array, layout: HeadLayout, rows: number) => gather(args, data, layout, z0, z1, rows);
    const [Q, K, V] = [read(q, args.q, queries), read(k, args.k, keys), read(v, args.v, keys)];
    const dO = read(dOut, args.out, queries);
    const [dQ, dK, dV] = [zeros(queries, args.headDim), zeros(keys, args.headDim), zeros(keys, args.headDim)];
    const O = zeros(queries, args.headDim);
    for (let i = 0; i < queries; i++) {
      const p = weights(args, inputs, Q, K, z, i);
      const keep = keepFactors(args, inputs.state, z, i);
      for (let j = 0; j < keys; j++) axpy(O[i], p[j] * keep[j], V[j]);
      const delta = dot(O[i], dO[i]);
      for (let j = 0; j < keys; j++) {
        const slope = p[j] * (keep[j] * dot(dO[i], V[j]) - delta);
        axpy(dQ[i], args.scale * slope, K[j]);
        axpy(dK[j], args.scale * slope, Q[i]);
        axpy(dV[j], p[j] * keep[j], dO[i]);
        const [bias, gate] = biasAt(args, inputs, z0, z1, i, j);
        results.dGate[z * queries + i] += bias * slope;
        results.dBias[(((args.dBias > 1 ? z0 : 0) * heads + z1) * queries + i) * keys + j] += gate * slope;
      }
    }
    scatter(results.out, args.out, z0, z1, O);
    scatter(results.dq, args.dq, z0, z1, dQ);
    scatter(results.dk, args.dk, z0, z1, dK);
    scatter(results.dv, args.dv, z0, z1, dV);
  }
  return results;
}

function weights(args: AttentionArgs, inputs: Inputs, Q: number[][], K: number[][], z: number, i: number): number[] {
  const [z0, z1] = [Math.floor(z / args.heads), z % args.heads];
  const scores = K.map((row, j) => {
    const [bias, gate] = biasAt(args, inputs, z0, z1, i, j);
    return maskAt(args, inputs.mask, z0, z1, i, j) ? -Infinity : args.scale * dot(Q[i], row) + gate * bias;
  });
  const largest = Math.max(...scores);
  if (largest === -Infinity) return scores.map(() => 0);
  const powers = scores.map((s) => Math.exp(s - largest));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

function keepFactors(
  { keys, queries, dropout, counter }: AttentionArgs,
  state: readonly number[],
  z: number,
  i: number,
) {
  if (dropout === 0) return new Array<number>(keys).fill(1);
  const blocks = Math.ceil(keys / 16);
  const first = (z * queries + i) * blocks;
  const random = Array.from({ length: blocks }, (_, b) => randomBlock(first + b, counter, state)).flat();
  return random.map((u) => u < Math.fround(dropout) ? 0 : 1 / (1 - dropout));
}

function gather({ headDim }: AttentionArgs, data: Float32Array, l: HeadLayout, z0: number, z1: number, rows: number) {
  const start = l.offset + z0 * l.batch + z1 * l.head;
  return Array.from({ length: rows }, (_, t) => [...data.subarray(start + t * l.time, start + t * l.time + headDim)]);
}

function scatter(data: Float32Array, l: HeadLayout, z0: number, z1: number, rows: number[][]): void {
  rows.forEach((row, t) => data.set(row, l.offset + z0 * l.batch + z1 * l.head + t * l.time));
}

function zeros(rows: number, cols: number): number[][] {
  return Array.from({ length: rows }, () => new Array<number>(cols).fill(0));
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, x, i) => sum + x * b[i], 0);
}

function axpy(y: number[], a: number, x: readonly number[]): void {
  for (let i = 0; i < y.length; i++) y[i] += a * x[i];
}
