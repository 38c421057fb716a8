/**
 * Kernels of scaled dot-product attention, forward and backward, without a stored score matrix in the interface:
 * forward keeps the log-sum-exp of each row, backward computes the probabilities again (Dao et al. 2022, arXiv 2205.14135).
 * @module
 */
import type { Kernel } from "../device/kernel.ts";
import { attentionBackwardGpu, attentionGpu } from "./attention.wgsl.ts";

/** Where element (batch, head, time, 0) lies, in elements; head channels are contiguous. */
export interface HeadLayout {
  readonly offset: number;
  readonly batch: number;
  readonly head: number;
  readonly time: number;
}

/** Sizes and layouts. score(i, j) = scale · q_i·k_j + gate_i · bias_ij. */
export interface AttentionArgs {
  readonly batch: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  readonly headDim: number;
  readonly scale: number;
  readonly q: HeadLayout;
  readonly k: HeadLayout;
  readonly v: HeadLayout;
  /** Layout of the output, and of its gradient in the backward kernel. */
  readonly out: HeadLayout;
  /** An int32 mask, nonzero where a key is masked out; strides may be 0. A row masked everywhere gives zeros. */
  readonly mask: {
    readonly offset: number;
    readonly strides: readonly [batch: number, head: number, query: number, key: number];
  } | null;
  /** What is added to the scores; strides are 0 where it repeats, and may be negative. */
  readonly bias: {
    readonly offset: number;
    readonly strides: readonly [batch: number, head: number, query: number, key: number];
  } | null;
  /** What a query's biases are multiplied by; null stands for 1. Not without a bias. */
  readonly gate: {
    readonly offset: number;
    readonly strides: readonly [batch: number, head: number, query: number];
  } | null;
  /** Probability of dropping an attention weight; 0 for none. The kept are divided by 1 − p. */
  readonly dropout: number;
  /** Random counter of the call. The weight of (b, h, i, j) is random element ((b·heads + h)·queries + i)·K + j, K = keys rounded up to 16. */
  readonly counter: number;
}

/** Layouts of the gradients; dq, dk, dv may be three storages or share one (`packed`). */
export interface AttentionBackwardArgs extends AttentionArgs {
  readonly packed: boolean;
  readonly dq: HeadLayout;
  readonly dk: HeadLayout;
  readonly dv: HeadLayout;
  /** Whether the gradient of the gate is wanted, (batch, heads, queries). */
  readonly dGate: boolean;
  /** Batch items of the bias whose gradient is wanted, (items, heads, queries, keys): all, 1 for their sum, or 0 for none. */
  readonly dBias: number;
}

function attentionSizes({ batch, heads, queries, keys, headDim }: AttentionArgs): string {
  return [batch, heads, queries, keys, headDim].join("x");
}

/**
 * Inputs [q, k, v, mask?, randomState?, bias?, gate?] (mask if `mask`, state if `dropout` > 0); outputs [out, logSumExp (batch, heads,
 * queries)].
 */
export const attentionKernel: Kernel<AttentionArgs> = {
  name: "attention",
  cpu: (args, inputs, outputs, runtime) => runtime.attention(args, inputs, outputs),
  webgpu: attentionGpu,
  flops: (a) => 4 * a.batch * a.heads * a.queries * a.keys * a.headDim,
  sizes: attentionSizes,
};

/**
 * Inputs [q, k, v, out, dOut, logSumExp, mask?, randomState?, bias?, gate?]; outputs [dq, dk, dv, dGate?, dBias?], or [packed, …]. Every
 * element of all of them is written.
 */
export const attentionBackwardKernel: Kernel<AttentionBackwardArgs> = {
  name: "attentionBackward",
  cpu: (args, inputs, outputs, runtime) => runtime.attentionBackward(args, inputs, outputs),
  webgpu: attentionBackwardGpu,
  flops: (a) => 10 * a.batch * a.heads * a.queries * a.keys * a.headDim,
  sizes: attentionSizes,
};
