/**
 * What the attention kernels share: the words of their uniform, WGSL that reads them, masks and random numbers.
 * @module
 */
import { PHILOX_WGSL } from "../expr/philox.wgsl.ts";
import type { AttentionArgs, AttentionBackwardArgs, HeadLayout } from "./attention_kernel.ts";
import { floatBits, uniformLets } from "./wgsl.ts";

/** A finite stand-in for minus infinity: WGSL compilers assume that there is none. */
export const MASKED = "-1e30";

const LAYOUT = ["0", "Batch", "Head", "Time"];
const names = (prefix: string) => LAYOUT.map((part) => prefix + part);
const layoutWords = ({ offset, batch, head, time }: HeadLayout) => [offset, batch, head, time];

const NAMES = [
  ..."heads queries keys headDim scale drop keepScale counter rowRandoms".split(" "),
  ...["q", "k", "v", "o"].flatMap(names),
  ..."mask0 maskBatch maskHead maskQuery maskKey".split(" "),
  ..."bias0 biasBatch biasHead biasQuery biasKey gate0 gateBatch gateHead gateQuery".split(" "),
];
const GRADIENT_NAMES = ["dq", "dk", "dv"].flatMap(names);
const FLOATS = ["scale", "drop", "keepScale"];

/** The words every kernel of the family begins its uniform with. */
export function attentionWords(args: AttentionArgs): number[] {
  const { heads, queries, keys, headDim, scale, dropout, counter, mask, bias, gate } = args;
  return [
    ...[heads, queries, keys, headDim, floatBits(scale)],
    ...[floatBits(dropout), floatBits(1 / (1 - dropout)), counter, Math.ceil(keys / 16) * 16],
    ...[args.q, args.k, args.v, args.out].flatMap(layoutWords),
    ...[mask?.offset ?? 0, ...(mask?.strides ?? [0, 0, 0, 0])],
    ...[bias?.offset ?? 0, ...(bias?.strides ?? [0, 0, 0, 0])], // negative strides wrap, as the addresses made with them do
    ...[gate?.offset ?? 0, ...(gate?.strides ?? [0, 0, 0])],
  ];
}

/** The same, with the layouts of the gradients. */
export function attentionBackwardWords(args: AttentionBackwardArgs): number[] {
  return [...attentionWords(args), ...[args.dq, args.dk, args.dv].flatMap(layoutWords)];
}

/** `let` lines for the words of {@linkcode attentionWords}, then `extra` ones. */
export function attentionLets(extra: readonly string[] = []): string {
  return uniformLets([...NAMES, ...extra], FLOATS);
}

/** `let` lines for the words of {@linkcode attentionBackwardWords}, then `extra` ones. */
export function attentionBackwardLets(extra: readonly string[] = []): string {
  return attentionLets([...GRADIENT_NAMES, ...extra]);
}

/** Places of the optional inputs among the bindings of a call, after `first` others (−1: absent), and the first place after them. */
export function optionalPlaces({ mask, dropout, bias, gate }: AttentionArgs, first: number) {
  let next = first;
  const place = (isThere: boolean) => isThere ? next++ : -1;
  const places = {
    mask: place(mask !== null),
    state: place(dropout > 0),
    bias: place(bias !== null),
    gate: place(gate !== null),
  };
  return { ...places, next };
}

/** Places of what backward writes, after its inputs: one storage for dq, dk and dv if packed; `next` is the first scratch. */
export function gradientPlaces({ packed, dGate, dBias }: AttentionBackwardArgs, first: number) {
  const [dq, dk, dv] = packed ? [first, first, first] : [first, first + 1, first + 2];
  const gate = dv + 1;
  const bias = gate + Number(dGate);
  return { dq, dk, dv, gate, bias, next: bias + Number(dBias > 0) };
}

/**
 * Declarations of storage buffers, "name" with kinds after colons: `rw` for writing, `i32`, `u32`, `vec2` or `vec4` for other elements than f32;
 * then the uniform.
 */
export function declareBuffers(buffers: readonly string[]): string {
  const lines = buffers.map((text, i) => {
    const [name, ...kinds] = text.split(":");
    const access = kinds.includes("rw") ? "read_write" : "read";
    const element = kinds.find((kind) => kind === "i32" || kind === "u32") ?? "f32";
    const vector = kinds.find((kind) => kind.startsWith("vec"));
    const type = vector ? `${vector}<${element}>` : element;
    return `@group(0) @binding(${i}) var<storage, ${access}> ${name}: array<${type}>;`;
  });
  return [...lines, `@group(0) @binding(${buffers.length}) var<uniform> P: array<vec4<u32>, 16>;`].join("\n");
}

/** Pads a uniform to the 16 vec4 that {@linkcode declareBuffers} declares. */
export function attentionUniform(words: readonly number[]): Uint32Array {
  const padded = new Uint32Array(64);
  padded.set(words);
  return padded;
}

/** The expression that tells whether key `key` is masked out for `query` in (z0, z1), or "false". */
export function maskedExpression(args: AttentionArgs, query = "i", key = "j"): string {
  if (!args.mask) return "false";
  return `mask[mask0 + z0 * maskBatch + z1 * maskHead + ${query} * maskQuery + ${key} * maskKey] != 0`;
}

/** What is added to the score of (z, i, j), as a term after "+", or nothing. */
export function biasTerm({ bias, gate }: AttentionArgs): string {
  if (bias === null) return "";
  const value = "bias[bias0 + z0 * biasBatch + z1 * biasHead + i * biasQuery + j * biasKey]";
  return ` + ${gate ? "gate[gate0 + z0 * gateBatch + z1 * gateHead + i * gateQuery] * " : ""}${value}`;
}

/** The factor of weight (z, query, key): 0 if dropped, 1 / (1 − p) if kept; "1.0" without dropout. */
export function keepExpression(args: AttentionArgs, query = "i", key = "j"): string {
  if (args.dropout === 0) return "1.0";
  return `keepFactor(randomAt((z * queries + ${query}) * rowRandoms + ${key}, counter, bitcast<u32>(state[0]), ` +
    `bitcast<u32>(state[1]), bitcast<u32>(state[2]), bitcast<u32>(state[3])), drop, keepScale)`;
}

/** Functions {@linkcode keepExpression} calls: an element is kept where its random number is at least the probability. */
export function keepFunctions(args: AttentionArgs): string {
  if (args.dropout === 0) return "";
  return `${PHILOX_WGSL}
fn keepFactor(random: f32, drop: f32, keepScale: f32) -> f32 {
  return select(keepScale, 0.0, random < drop);
}`;
}

/** Sizes for profiles. */
export function attentionLabel(name: string, { batch, heads, queries, keys, headDim }: AttentionArgs): string {
  return `${name} ${batch}x${heads}x${queries}x${keys}x${headDim}`;
}
