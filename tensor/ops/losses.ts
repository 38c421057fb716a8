/** Losses written in terms of other ops, under PyTorch's names. @module */
import { sameShape, show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import type { Reduction } from "./cross_entropy.ts";
import { gather } from "./gather.ts";
import { where } from "./where.ts";

/** Options that losses share. */
export interface LossOptions {
  /** Default "mean". */
  reduction?: Reduction;
}

function reduceLoss(losses: Tensor, reduction: Reduction): Tensor {
  return reduction === "none" ? losses : reduction === "sum" ? losses.sum() : losses.mean();
}

function requireSameShape(op: string, x: Tensor, y: Tensor): void {
  if (!sameShape(x.shape, y.shape)) {
    throw new TypeError(`Cannot ${op} ${show(x.shape)} against ${show(y.shape)}: the shapes must be equal`);
  }
}

/** −x[target] of log-probabilities x (batch, classes) for class numbers target (batch), int32. */
export function nllLoss(x: Tensor, target: Tensor, { reduction = "mean" }: LossOptions = {}): Tensor {
  return reduceLoss(gather(x, 1, target.unsqueeze(1)).squeeze(1).neg(), reduction);
}

/** (x − y)². */
export function mseLoss(x: Tensor, y: Tensor, { reduction = "mean" }: LossOptions = {}): Tensor {
  requireSameShape("mseLoss", x, y);
  return reduceLoss(x.sub(y).square(), reduction);
}

/** |x − y|. */
export function l1Loss(x: Tensor, y: Tensor, { reduction = "mean" }: LossOptions = {}): Tensor {
  requireSameShape("l1Loss", x, y);
  return reduceLoss(x.sub(y).abs(), reduction);
}

/** Binary cross-entropy of logits x against targets y in [0, 1], safe for large logits. */
export function bceWithLogits(x: Tensor, y: Tensor, { reduction = "mean" }: LossOptions = {}): Tensor {
  requireSameShape("bceWithLogits", x, y);
  return reduceLoss(x.softplus().sub(x.mul(y)), reduction);
}

/** Options of {@linkcode klDiv}. */
export interface KlDivOptions {
  /** "batchmean" divides the sum by the batch. Default "mean", over all elements as in PyTorch. */
  reduction?: Reduction | "batchmean";
}

/** Kullback–Leibler divergence y · (log y − x) of log-probabilities x from probabilities y; 0 where y is 0. */
export function klDiv(x: Tensor, y: Tensor, { reduction = "mean" }: KlDivOptions = {}): Tensor {
  requireSameShape("klDiv", x, y);
  const losses = entropyTerm(y).sub(y.mul(x));
  return reduction === "batchmean" ? losses.sum().div(x.shape[0]) : reduceLoss(losses, reduction);
}

/** y · log y with 0 at 0, where the product of 0 and −∞ would be no number. */
function entropyTerm(y: Tensor): Tensor {
  const safe = where(y.detach().gt(0), y, 1);
  return safe.mul(safe.log());
}
