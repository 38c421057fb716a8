/**
 * Runs scaled dot-product attention as jobs: one chunk for a block of queries of a head, or (backward) for a head.
 * @module
 */
import type { AttentionArgs, AttentionBackwardArgs, HeadLayout } from "../ops/attention_kernel.ts";
import { floatBits, type JobFunction, type Jobs } from "./jobs.ts";
import type { CpuSlice } from "./runtime.ts";
import { ATTENTION_ARGUMENTS, ATTENTION_BACKWARD_ARGUMENTS, attentionScratch } from "./wasm/attention.ts";
import { blockK } from "./wasm/gemm.ts";

/** Most queries in a block, and the bytes of scores that stay in the second-level cache. */
const MAX_BLOCK_ROWS = 128;
const SCORE_BYTES = 2 ** 18;

type Side<N extends string> = Record<N | `${N}Batch` | `${N}Head` | `${N}Time`, number>;

/** Address and byte strides of an operand, under its name. */
function side<N extends string>(name: N, slice: CpuSlice, { offset, batch, head, time }: HeadLayout): Side<N> {
  const words = { "": slice.ptr + 4 * offset, Batch: 4 * batch, Head: 4 * head, Time: 4 * time };
  return Object.fromEntries(Object.entries(words).map(([suffix, word]) => [name + suffix, word])) as Side<N>;
}

/** Runs attention, forward and backward. */
export class Attention {
  readonly #jobs: Jobs;
  readonly #functions: Record<"attention" | "attentionBackward", JobFunction>;

  constructor(jobs: Jobs, functions: Record<"attention" | "attentionBackward", JobFunction>) {
    this.#jobs = jobs;
    this.#functions = functions;
  }

  /** Inputs and outputs as {@linkcode attentionKernel} has them. */
  forward(args: AttentionArgs, inputs: readonly CpuSlice[], [out, lse]: readonly CpuSlice[]): void {
    const [q, k, v, ...options] = inputs;
    if (args.keys === 0) fillHeads(args, args.queries, args.out, out);
    if (args.batch * args.heads * args.queries * args.keys === 0) return;
    const sizes = this.#sizes(args, lse, options);
    const words = ATTENTION_ARGUMENTS.words({
      ...side("q", q, args.q),
      ...side("k", k, args.k),
      ...side("v", v, args.v),
      ...side("out", out, args.out),
      ...sizes,
    });
    this.#jobs.run(this.#functions.attention, words, args.batch * args.heads * sizes.blocks);
  }

  /** Inputs and outputs as {@linkcode attentionBackwardKernel} has them. */
  backward(args: AttentionBackwardArgs, inputs: readonly CpuSlice[], outputs: readonly CpuSlice[]): void {
    const [q, k, v, out, dOut, lse, ...options] = inputs;
    const [dq, dk, dv] = args.packed ? [outputs[0], outputs[0], outputs[0]] : outputs;
    const rest = outputs.slice(args.packed ? 1 : 3);
    const dGate = args.dGate ? rest[0] : null;
    const dBias = args.dBias ? rest[Number(args.dGate)] : null;
    if (args.batch * args.queries * args.keys === 0) {
      [dGate, dBias].forEach((gradient) => gradient?.f32.fill(0));
      fillHeads(args, args.queries, args.dq, dq);
      fillHeads(args, args.keys, args.dk, dk);
      return fillHeads(args, args.keys, args.dv, dv);
    }
    const items = args.dBias === 1 ? args.batch : 1; // one thread adds up what several items do to one bias
    const words = ATTENTION_BACKWARD_ARGUMENTS.words({
      ...side("q", q, args.q),
      ...side("k", k, args.k),
      ...side("v", v, args.v),
      ...side("out", out, args.out),
      ...side("dOut", dOut, args.out),
      ...side("dq", dq, args.dq),
      ...side("dk", dk, args.dk),
      ...side("dv", dv, args.dv),
      ...this.#sizes(args, lse, options),
      ...{ dGate: dGate?.ptr ?? 0, dBias: dBias?.ptr ?? 0, items },
      dBiasBatch: args.dBias === 1 ? 0 : 4 * args.heads * args.queries * args.keys,
    });
    this.#jobs.run(this.#functions.attentionBackward, words, args.batch * args.heads / items);
  }

  #sizes(args: AttentionArgs, lse: CpuSlice, options: readonly CpuSlice[]) {
    const { heads, queries, keys, headDim, dropout } = args;
    // a multiple of 512 bytes would have the matrix product copy the scores
    const wide = 64 * Math.ceil(keys / 16);
    const scoreRow = wide % 512 === 0 ? wide + 64 : wide;
    const blockRows = Math.min(queries, MAX_BLOCK_ROWS, Math.max(16, Math.floor(SCORE_BYTES / scoreRow)));
    const left = [...options];
    const mask = view(args.mask, left);
    const state = dropout > 0 ? left.shift()?.ptr ?? 0 : 0;
    const bias = view(args.bias, left);
    const gate = view(args.gate, left);
    const { ptr: scratch, stride } = this.#jobs.scratch(attentionScratch(blockRows, scoreRow));
    return {
      ...{ heads, queries, keys, headDim, scale: floatBits(args.scale), kc: blockK(keys) },
      ...{ blockRows, blocks: Math.ceil(queries / blockRows), scoreRow, lse: lse.ptr },
      ...{ mask: mask.at, maskBatch: mask.batch, maskHead: mask.head, maskQuery: mask.query, maskKey: mask.key },
      ...{ bias: bias.at, biasBatch: bias.batch, biasHead: bias.head, biasQuery: bias.query, biasKey: bias.key },
      ...{ gate: gate.at, gateBatch: gate.batch, gateHead: gate.head, gateQuery: gate.query },
      ...{ state, counter: args.counter },
      ...{ drop: floatBits(dropout), keepScale: floatBits(1 / (1 - dropout)), scratch, stride },
    };
  }
}

/** Address and byte strides of an optional input, whose slice it takes from the list; address 0 where it is absent. */
function view(
  of: { readonly offset: number; readonly strides: readonly number[] } | null,
  slices: CpuSlice[],
): Record<"at" | "batch" | "head" | "query" | "key", number> {
  const [batch, head, query, key = 0] = (of?.strides ?? [0, 0, 0, 0]).map((stride) => 4 * stride);
  return { at: of === null ? 0 : slices.shift()!.ptr + 4 * of.offset, batch, head, query, key };
}

/** Zeros where no key or no query is left to compute from. */
function fillHeads(args: AttentionArgs, times: number, layout: HeadLayout, { f32 }: CpuSlice): void {
  for (let b = 0; b < args.batch; b++) {
    for (let h = 0; h < args.heads; h++) {
      for (let t = 0; t < times; t++) {
        const at = layout.offset + b * layout.batch + h * layout.head + t * layout.time;
        f32.fill(0, at, at + args.headDim);
      }
    }
  }
}
