/** Attention whose scores get a bias that is trained, written in terms of other ops, whose gradients it inherits. @module */
import { requireFloat, requireSameDevice, type Tensor } from "../tensor.ts";
import type { AttentionOptions } from "./attention.ts";
import { requireHeads } from "./attention_shape.ts";
import { dropout } from "./dropout.ts";

/** A finite stand-in for minus infinity, which WGSL does not know. */
const HIDDEN = -1e30;

/**
 * softmax(q·kᵀ · scale + bias) · v for q (batch, heads, queries, channels), k and v (batch, heads, keys, channels) → (batch, heads, queries,
 * channels). The bias broadcasts to (batch, heads, queries, keys) and gets a gradient, for which the scores are kept in memory:
 * {@linkcode scaledDotProductAttention} needs less where there is no bias.
 *
 * @throws TypeError if the shapes do not fit.
 */
export function biasedAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { bias, mask = null, dropout: p = 0, scale = 1 / Math.sqrt(q.shape[3]) }: AttentionOptions & { bias: Tensor },
): Tensor {
  requireSameDevice("attention", [q, k, v, bias]);
  requireFloat("attention", q, k, v, bias);
  requireHeads(q, k, v);
  const scores = q.mul(scale).matmul(k.transpose(2, 3)).add(bias);
  const weights = mask === null ? scores.softmax() : scores.maskedFill(mask, HIDDEN).softmax().maskedFill(mask, 0);
  return dropout(weights, p).matmul(v);
}
