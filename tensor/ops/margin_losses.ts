/** Softmax with a margin on cosines, for embeddings. @module */
import { crossEntropy, type Reduction } from "./cross_entropy.ts";
import { arange } from "../create.ts";
import type { Tensor } from "../tensor.ts";
import { where } from "./where.ts";

/** Options of {@linkcode amSoftmax}. */
export interface MarginOptions {
  /** Multiplies cosines before the softmax. Default 30. */
  scale?: number;
  /** Default 0.2. */
  margin?: number;
  /** Default "mean". */
  reduction?: Reduction;
}

/** 1 at each row's target: target (batch), int32 → (batch, classes). */
function targetMask(target: Tensor, classes: number): Tensor {
  return target.unsqueeze(1).eq(arange(0, classes, 1, { device: target.device }));
}

/**
 * Additive margin softmax: cross-entropy of s · (cosθ − m at the target) (Wang et al. 2018, arXiv 1801.05599). Takes cosines
 * (batch, classes) of normalised embeddings and weights.
 */
export function amSoftmax(
  cosine: Tensor,
  target: Tensor,
  { scale = 30, margin = 0.2, reduction }: MarginOptions = {},
): Tensor {
  const logits = where(targetMask(target, cosine.shape[1]), cosine.sub(margin), cosine).mul(scale);
  return crossEntropy(logits, target, { reduction });
}

/** Options of {@linkcode aamSoftmax}. */
export interface AngularMarginOptions extends MarginOptions {
  /** Leaves targets beyond 90° without a margin instead of punishing them linearly. Default false. */
  easyMargin?: boolean;
}

/**
 * Additive angular margin softmax, "ArcFace": cross-entropy of s · cos(θ + m) at the target (Deng et al. 2019, arXiv 1801.07698). Sine and
 * gradient are bounded at cosθ = ±1.
 */
export function aamSoftmax(cosine: Tensor, target: Tensor, options: AngularMarginOptions = {}): Tensor {
  const { scale = 30, margin = 0.2, easyMargin = false, reduction } = options;
  const sine = cosine.square().neg().add(1).clamp(1e-7).sqrt();
  const turned = cosine.mul(Math.cos(margin)).sub(sine.mul(Math.sin(margin)));
  const flat = cosine.detach();
  const moved = easyMargin
    ? where(flat.gt(0), turned, cosine)
    : where(flat.gt(Math.cos(Math.PI - margin)), turned, cosine.sub(Math.sin(Math.PI - margin) * margin));
  return crossEntropy(where(targetMask(target, cosine.shape[1]), moved, cosine).mul(scale), target, { reduction });
}
