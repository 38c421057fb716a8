/**
 * Pieces of WGSL that the fused attention kernels are written with: rows of a head as vec4 registers.
 * @module
 */
import type { AttentionArgs, AttentionBackwardArgs, HeadLayout } from "./attention_kernel.ts";

/** vec4 of one array of rows that a register tile may hold: more is slower to compile and spills. */
const TILE_VEC4 = 40;
/** Weights of a problem too small for compiling a large tile to pay. */
const SMALL = 2 ** 15;

/** Rows (queries or keys) of a register tile: 16, 8, 4 or 1, all of which divide the 32 bits of a word. */
export function attentionTileRows({ batch, heads, queries, keys, headDim }: AttentionArgs): number {
  if (batch * heads * queries * keys <= SMALL) return 1;
  const width = Math.ceil(headDim / 4);
  return [16, 8].find((rows) => rows * width <= TILE_VEC4) ?? 4;
}

/** An all-zero register. */
export const zeroVec4 = "vec4<f32>(0.0)";

/** Scores are kept in powers of two. */
export const LOG2E = "1.4426950408889634";

/** `count` lines of WGSL. */
export function lines(count: number, line: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => line(i)).join("\n");
}

/** Element address of row `time` of `name` in head (z0, z1). */
export function rowAddress(name: string, time: string): string {
  return `${name}0 + z0 * ${name}Batch + z1 * ${name}Head + ${time} * ${name}Time`;
}

/** Whether rows of all layouts can be read as vec4. */
export function isVec4(headDim: number, layouts: readonly HeadLayout[]): boolean {
  const fits = ({ offset, batch, head, time }: HeadLayout) => [offset, batch, head, time].every((x) => x % 4 === 0);
  return headDim % 4 === 0 && layouts.every(fits);
}

/** Moves every row of registers `name{r}_{c}` but the first one up, so that a loop over rows needs the code of one. */
export function shiftUp(name: string, rows: number, width: number): string {
  return lines(rows - 1, (r) => lines(width, (c) => `    ${name}${r}_${c} = ${name}${r + 1}_${c};`));
}

interface RowCode {
  /** Buffer, declared as vec4 or f32. */
  readonly name: string;
  readonly headDim: number;
  readonly vec4: boolean;
  /** Variable with the row's element address; default `at`. */
  readonly at?: string;
  /** Multiplies every element. */
  readonly factor?: string;
}

/** Loads a row into registers `{to}0`, `{to}1`…, the last one filled up with zeros; `assign` if they exist already. */
export function loadRow(
  { name, to, headDim, vec4, at = "at", factor, assign }: RowCode & { to: string; assign?: boolean },
): string {
  const scaled = (value: string) => factor ? `${factor} * ${value}` : value;
  return lines(Math.ceil(headDim / 4), (c) => {
    const elements = [0, 1, 2, 3].map((i) => c * 4 + i < headDim ? `${name}[${at} + ${c * 4 + i}u]` : "0.0");
    const value = vec4 ? `${name}[(${at} >> 2u) + ${c}u]` : `vec4<f32>(${elements.join(", ")})`;
    return `    ${assign ? "" : "let "}${to}${c} = ${scaled(value)};`;
  });
}

/** Stores registers `{from}0`, `{from}1`… as a row. */
export function storeRow({ name, from, headDim, vec4, at = "at", factor }: RowCode & { from: string }): string {
  const scaled = (value: string) => factor ? `${factor} * ${value}` : value;
  return lines(Math.ceil(headDim / 4), (c) => {
    if (vec4) return `    ${name}[(${at} >> 2u) + ${c}u] = ${scaled(`${from}${c}`)};`;
    const used = [0, 1, 2, 3].filter((i) => c * 4 + i < headDim);
    return used.map((i) => `    ${name}[${at} + ${c * 4 + i}u] = ${scaled(`${from}${c}.${"xyzw"[i]}`)};`).join("\n");
  });
}

/** The dot product of two rows in registers `{a}0`…, `{b}0`…. */
export function dotRows(width: number, a: string, b: string): string {
  return Array.from({ length: width }, (_, c) => `dot(${a}${c}, ${b}${c})`).join(" + ");
}

/** Declares the words of bits of `query` at key word `word`: `masked{name}` and `keep{name}`. */
export function wordLets(
  { mask, dropout }: AttentionArgs,
  { name = "", query, word }: { name?: string; query: string; word: string },
): string {
  const masked = `bits[z0 * maskWordBatch + z1 * maskWordHead + (${query}) * maskWordQuery + ${word}]`;
  const keep = `bits[keepWord0 + (z * queries + (${query})) * rowWords + ${word}]`;
  return [
    ...(mask ? [`    let masked${name} = ${masked};`] : []),
    ...(dropout ? [`    let keep${name} = ${keep};`] : []),
  ].join("\n");
}

/** The gradients that a kernel with keys in registers can write. */
export type KeyGradient = "dk" | "dv";

/** The gradients of keys and values that one kernel writes, for each kernel: two where one would have more than 8 storage buffers. */
export function keyGradients(
  { mask, dropout, bias, packed }: AttentionBackwardArgs,
): readonly (readonly KeyGradient[])[] {
  return bias && (mask || dropout) && !packed ? [["dk"], ["dv"]] : [["dk", "dv"]];
}

/** Keeps code, or drops it where the condition does not hold. */
export function onlyIf(condition: boolean): (code: string) => string {
  return (code) => condition ? code : "";
}

/** Element address of the first bias that a query or a key has, along the other axis. */
export function biasAddress(axis: "query" | "key", index: string): string {
  return `bias0 + z0 * biasBatch + z1 * biasHead + ${index} * ${axis === "query" ? "biasQuery" : "biasKey"}`;
}

/** Declares where the biases of `query` begin, `biasAt{name}`, and their factor for scores in powers of two, `biasFactor{name}`. */
export function biasLets(
  { bias, gate }: AttentionArgs,
  { name = "", query }: { name?: string; query: string },
): string {
  if (bias === null) return "";
  const factor = gate ? ` * gate[gate0 + z0 * gateBatch + z1 * gateHead + ${query} * gateQuery]` : "";
  return `  let biasAt${name} = ${biasAddress("query", query)}; let biasFactor${name} = ${LOG2E}${factor};`;
}

/** `score` with the bias at element `at` times `factor` added; the score itself where there is none. */
export function biasedScore(
  { bias }: AttentionArgs,
  { score, at, factor }: Record<"score" | "at" | "factor", string>,
): string {
  return bias === null ? score : `${score} + ${factor} * bias[${at}]`;
}

/** The factor of the biases of a query whose row statistics are `row`, for scores in powers of two. */
export function biasFactor({ gate }: AttentionArgs, row: string): string {
  return gate === null ? LOG2E : `${row}.w`;
}

/** How {@linkcode declareBuffers} declares the statistics of rows, see attention_stats.wgsl.ts. */
export function statsBuffer({ gate }: AttentionArgs): string {
  return gate === null ? "stats:vec2" : "stats:vec4";
}

/** Buffers of masks, dropout and biases, as {@linkcode declareBuffers} declares them. */
export function extraBuffers({ mask, dropout, bias }: AttentionArgs): string[] {
  return [...(mask || dropout ? ["bits:u32"] : []), ...(bias ? ["bias"] : [])];
}

/** Declares `weight{name}`: exp2 of the score above the row's log-sum-exp `{row}.x`, 0 where masked. */
export function weightLet(
  { mask }: AttentionArgs,
  { name = "", word = "", bit = "bit", score, row }: {
    name?: string;
    word?: string;
    bit?: string;
    score: string;
    row: string;
  },
): string {
  const power = `exp2(clamp(${score} - ${row}.x, -120.0, 1.0))`;
  return `    let weight${name} = ${mask ? `select(${power}, 0.0, (masked${word} & ${bit}) != 0u)` : power};`;
}

/** `value` times the dropout factor of the weight at hand. */
export function keepFactor(
  { dropout }: AttentionArgs,
  { word = "", bit = "bit", value }: { word?: string; bit?: string; value: string },
): string {
  return dropout ? `select(0.0, keepScale * (${value}), (keep${word} & ${bit}) != 0u)` : `(${value})`;
}
