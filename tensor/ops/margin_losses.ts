/** Softmax with a margin on cosines, for embeddings. @module */
import { crossEntropy, type Reduction } from "./cross_entropy.ts";
import { arange } from "../create.ts";
import { show } from "../shape.ts";
import { type Operand, requireFloat, Tensor } from "../tensor.ts";
import { where } from "./where.ts";

/** Options of {@linkcode amSoftmax}. */
export interface MarginOptions {
  /** Multiplies cosines before the softmax. Default 30. */
  scale?: number;
  /** A number, or a float32 tensor of one element, which a captured step can raise from call to call; no gradient flows to it. Default 0.2. */
  margin?: number | Tensor;
  /** Default "mean". */
  reduction?: Reduction;
}

/** 1 at each row's target: target (batch), int32 → (batch, classes). */
function targetMask(target: Tensor, classes: number): Tensor {
  return target.unsqueeze(1).eq(arange(0, classes, 1, { device: target.device }));
}

/** A margin given as a tensor, as a constant without axes; numbers as they are. */
function scalar(margin: number | Tensor): number | Tensor {
  if (!(margin instanceof Tensor)) return margin;
  if (margin.size !== 1) {
    throw new TypeError(`Cannot take margin ${show(margin.shape)}: expected a number or a tensor of one element`);
  }
  requireFloat("margin", margin);
  return margin.detach().reshape([]);
}

/**
 * Additive margin softmax: cross-entropy of s · (cosθ − m at the target) (Wang et al. 2018, arXiv 1801.05599). Takes cosines
 * (batch, classes) of normalised embeddings and weights.
 *
 * @throws TypeError for a margin of more than one element.
 */
export function amSoftmax(
  cosine: Tensor,
  target: Tensor,
  { scale = 30, margin = 0.2, reduction }: MarginOptions = {},
): Tensor {
  const logits = where(targetMask(target, cosine.shape[1]), cosine.sub(scalar(margin)), cosine).mul(scale);
  return crossEntropy(logits, target, { reduction });
}

/** Options of {@linkcode aamSoftmax}. */
export interface AngularMarginOptions extends MarginOptions {
  /** Leaves targets beyond 90° without a margin instead of punishing them linearly. Default false. */
  easyMargin?: boolean;
  /**
   * What targets beyond 180° − m, where cos(θ + m) would rise again, are moved by: m · sin m ("jump", ArcFace's own, which leaves a gap at the
   * border) or 1 − cos m ("continuous", WeSpeaker's, which leaves none). Default "jump".
   */
  beyond?: "jump" | "continuous";
}

/** cos m, sin m, and what targets beyond 180° − m lose. */
function turnBy(margin: number | Tensor, beyond: "jump" | "continuous"): { cos: Operand; sin: Operand; loss: Operand } {
  if (margin instanceof Tensor) {
    const [cos, sin] = [margin.cos(), margin.sin()];
    return { cos, sin, loss: beyond === "jump" ? sin.mul(margin) : cos.neg().add(1) };
  }
  const [cos, sin] = [Math.cos(margin), Math.sin(margin)];
  return { cos, sin, loss: beyond === "jump" ? sin * margin : 1 - cos };
}

/**
 * Additive angular margin softmax, "ArcFace": cross-entropy of s · cos(θ + m) at the target (Deng et al. 2019, arXiv 1801.07698). Sine and
 * gradient are bounded at cosθ = ±1.
 *
 * @throws TypeError for a margin of more than one element.
 */
export function aamSoftmax(cosine: Tensor, target: Tensor, options: AngularMarginOptions = {}): Tensor {
  const { scale = 30, margin = 0.2, easyMargin = false, beyond = "jump", reduction } = options;
  const { cos, sin, loss } = turnBy(scalar(margin), beyond);
  const sine = cosine.square().neg().add(1).clamp(1e-7).sqrt();
  const turned = cosine.mul(cos).sub(sine.mul(sin));
  const flat = cosine.detach();
  const moved = easyMargin ? where(flat.gt(0), turned, cosine) : where(flat.add(cos).gt(0), turned, cosine.sub(loss)); // cos(180° − m) = −cos m
  return crossEntropy(where(targetMask(target, cosine.shape[1]), moved, cosine).mul(scale), target, { reduction });
}
