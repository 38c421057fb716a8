/** Attention that sees how far apart two frames are (Dai et al. 2019, Transformer-XL, arXiv 1901.02860). @module */
import type { Tensor } from "../tensor.ts";
import { sameShape, show } from "../shape.ts";
import { type AttentionOptions, scaledDotProductAttention } from "./attention.ts";
import { requireHeads } from "./attention_shape.ts";
import { relativeShift } from "./toeplitz.ts";

/** Options of {@linkcode relPositionAttention}. */
export interface RelPositionOptions extends Pick<AttentionOptions, "mask" | "dropout" | "scale"> {
  /** What each distance looks like to a head, (heads, 2 · time − 1, channels): from time − 1 frames back to time − 1 ahead. */
  positions: Tensor;
  /** Added to queries before they meet keys, (heads, channels). */
  contentBias: Tensor;
  /** Added to queries before they meet distances, (heads, channels). */
  positionBias: Tensor;
}

function requirePositions(q: Tensor, { positions, contentBias, positionBias }: RelPositionOptions): void {
  const [, heads, time, channels] = q.shape;
  const wanted = { positions: [heads, 2 * time - 1, channels], contentBias: [heads, channels] };
  const given = { positions, contentBias, positionBias };
  for (const [name, { shape }] of Object.entries(given)) {
    const expected = name === "positions" ? wanted.positions : wanted.contentBias;
    if (!sameShape(shape, expected)) {
      throw new TypeError(
        `Cannot attend with ${name} ${show(shape)} from ${show(q.shape)}: expected ${show(expected)}`,
      );
    }
  }
}

/**
 * Self-attention with score(i, j) = ((q_i + contentBias)·k_j + (q_i + positionBias)·positions_n) · scale, n = time − 1 − (i − j): the
 * formula of Transformer-XL, in which every distance of 2 · time − 1 has a row of its own and none depends on `time`. q, k and v (batch,
 * heads, time, channels) → the same shape. The default scale is 1/√channels, those of one head.
 *
 * @throws TypeError if the shapes do not fit.
 */
export function relPositionAttention(q: Tensor, k: Tensor, v: Tensor, options: RelPositionOptions): Tensor {
  requireHeads(q, k, v);
  if (k.shape[2] !== q.shape[2]) {
    throw new TypeError(
      `Cannot attend by distance from ${show(q.shape)} to ${show(k.shape)}: queries and keys must be the same frames`,
    );
  }
  requirePositions(q, options);
  const { positions, contentBias, positionBias, scale = 1 / Math.sqrt(q.shape[3]), ...rest } = options;
  const [batch, heads, time, channels] = q.shape;
  // heads first, so that one product for each serves the whole batch
  const rows = q.permute([1, 0, 2, 3]).add(positionBias.reshape([heads, 1, 1, channels])).mul(scale);
  const scores = rows.reshape([heads, batch * time, channels]).matmul(positions.transpose(1, 2));
  const bias = relativeShift(scores.reshape([heads, batch, time, 2 * time - 1])).permute([1, 0, 2, 3]);
  return scaledDotProductAttention(q.add(contentBias.unsqueeze(1)), k, v, { ...rest, scale, bias });
}
