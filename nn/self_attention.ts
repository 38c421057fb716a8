/** Kinds of self-attention under one interface, so that a layer can take any. @module */
import type { Tensor } from "../tensor/mod.ts";
import type { AttentionMasks } from "./attention_masks.ts";
import { LearnedWindowAttention } from "./learned_window_attention.ts";
import { LinformerAttention } from "./linformer_attention.ts";
import type { Module } from "./module.ts";
import { MultiheadAttention } from "./multihead_attention.ts";
import { RelativeMultiheadAttention } from "./relative_multihead_attention.ts";

/** Attention of a sequence to itself. */
export interface SelfAttention extends Module {
  /** Probability of dropping an attention weight while training. */
  readonly dropout: number;
  /** (batch, time, channels) → the same shape. */
  attend(x: Tensor, masks?: AttentionMasks): Tensor;
}

/**
 * What a frame sees: "full": every frame; "relative": every frame, and how far away it is; "local": frames up to a fixed distance;
 * "learned-window": near frames more than far ones, each head as far as it learns; "linformer": a fixed number of mixtures of frames.
 */
export type AttentionName = "full" | "relative" | "local" | "learned-window" | "linformer";

/** Options of layers with self-attention. */
export interface SelfAttentionOptions {
  /** Default "full". */
  attention?: AttentionName;
  /** Frames that "local" attention sees on each side; where "learned-window" starts. Default 16. */
  attentionWindow?: number;
  /** Mixtures of frames that "linformer" attends to. Default 64. */
  linformerRank?: number;
  /** Most frames that "linformer" can take. Default 1024. */
  maxTime?: number;
}

/** What every kind of attention has to know. */
export interface AttentionSizes extends SelfAttentionOptions {
  /** Channels. */
  dim: number;
  /** Heads; a divisor of the channels. */
  heads: number;
  /** Probability of dropping an attention weight while training. */
  dropout: number;
}

const kinds: Record<AttentionName, (sizes: Required<AttentionSizes>) => SelfAttention> = {
  "full": ({ dim, heads, dropout }) => new MultiheadAttention(dim, heads, { dropout }),
  "relative": ({ dim, heads, dropout }) => new RelativeMultiheadAttention(dim, heads, { dropout }),
  "local": ({ dim, heads, dropout, attentionWindow: window }) =>
    new MultiheadAttention(dim, heads, { dropout, window }),
  "learned-window": ({ dim, heads, dropout, attentionWindow: width }) =>
    new LearnedWindowAttention(dim, heads, { dropout, width }),
  "linformer": ({ dim, heads, dropout, linformerRank: rank, maxTime }) =>
    new LinformerAttention(dim, heads, { dropout, rank, maxTime }),
};

/** Fresh self-attention of a kind. */
export function makeSelfAttention(options: AttentionSizes): SelfAttention {
  const { attention = "full", attentionWindow = 16, linformerRank = 64, maxTime = 1024 } = options;
  return kinds[attention]({ ...options, attention, attentionWindow, linformerRank, maxTime });
}
