/** Attention that sees how far apart two frames are (Dai et al. 2019, Transformer-XL, arXiv 1901.02860). @module */
import { Tensor } from "../tensor.ts";
import { sameShape, show } from "../shape.ts";
import type { AttentionOptions } from "./attention.ts";
import { requireHeads } from "./attention_shape.ts";
import { biasedAttention } from "./biased_attention.ts";
import { copyIntoView, fill } from "./copy.ts";

/** Options of {@linkcode relPositionAttention}. */
export interface RelPositionOptions extends AttentionOptions {
  /** What each distance looks like to a head, (heads, 2 · time − 1, channels): from time − 1 frames back to time − 1 ahead. */
  positions: Tensor;
  /** Added to queries before they meet keys, (heads, channels). */
  contentBias: Tensor;
  /** Added to queries before they meet distances, (heads, channels). */
  positionBias: Tensor;
}

/**
 * Scores by distance, (heads, batch · time, 2 · time − 1), as a view by key, (batch, heads, queries, keys). Query i finds key j in column
 * time − 1 − i + j of its row, so a step to the next query moves one column less than a row's width.
 */
function byKey(scores: Tensor, batch: number, time: number): Tensor {
  const [heads, rows, width] = scores.shape;
  const strides = [time * width, rows * width, width - 1, 1];
  return scores.alias("relativeShift", [batch, heads, time, time], strides, scores.offset + time - 1, (g) => {
    const out = fill(g.device, scores.shape, 0, "float32"); // distances that no pair of frames has get no gradient
    copyIntoView(new Tensor(out.storage, g.shape, "float32", strides, time - 1), g);
    return out;
  });
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
  const bias = byKey(scores, batch, time);
  return biasedAttention(q.add(contentBias.unsqueeze(1)), k, v, { ...rest, scale, bias });
}
