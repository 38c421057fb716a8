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
    if (args.queries * args.keys === 0) {
      fillHeads(args, args.queries, args.dq, dq);
      fillHeads(args, args.keys, args.dk, dk);
      return fillHeads(args, args.keys, args.dv, dv);
    }
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
    });
    this.#jobs.run(this.#functions.attentionBackward, words, args.batch * args.heads);
  }

  #sizes(args: AttentionArgs, lse: CpuSlice, options: readonly CpuSlice[]) {
    const { heads, queries, keys, headDim, mask, dropout } = args;
    // a multiple of 512 bytes would have the matrix product copy the scores
    const wide = 64 * Math.ceil(keys / 16);
    const scoreRow = wide % 512 === 0 ? wide + 64 : wide;
    const blockRows = Math.min(queries, MAX_BLOCK_ROWS, Math.max(16, Math.floor(SCORE_BYTES / scoreRow)));
    const [maskBatch, maskHead, maskQuery, maskKey] = (mask?.strides ?? [0, 0, 0, 0]).map((s) => 4 * s);
    const { ptr: scratch, stride } = this.#jobs.scratch(attentionScratch(blockRows, scoreRow));
    return {
      ...{ heads, queries, keys, headDim, scale: floatBits(args.scale), kc: blockK(keys) },
      ...{ blockRows, blocks: Math.ceil(queries / blockRows), scoreRow, lse: lse.ptr },
      ...{ mask: mask === null ? 0 : options[0].ptr + 4 * mask.offset, maskBatch, maskHead, maskQuery, maskKey },
      ...{ state: dropout > 0 ? options[mask === null ? 0 : 1].ptr : 0, counter: args.counter },
      ...{ drop: floatBits(dropout), keepScale: floatBits(1 / (1 - dropout)), scratch, stride },
    };
  }
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
