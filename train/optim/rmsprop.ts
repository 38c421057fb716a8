/** RMSprop. @module */
import type { Tensor } from "../../tensor/tensor.ts";
import { Optimizer, type ParameterGroup, type Update } from "./optimizer.ts";

/** Settings of {@linkcode RMSprop}. */
export interface RMSpropSettings {
  /** Learning rate. Default 0.01. */
  lr: number;
  /** Decay of the mean square. Default 0.99. */
  alpha: number;
  /** Added to the root. Default 1e-8. */
  eps: number;
  /** Default 0. */
  momentum: number;
  /** Subtracts the mean gradient, so that the root is a deviation (Graves 2013, arXiv 1308.0850). Default false. */
  centered: boolean;
  /** Added to the gradient, times the value. Default 0. */
  weightDecay: number;
}

/** Gradient divided by a running root mean square (Tieleman and Hinton 2012), as PyTorch's `RMSprop`. */
export class RMSprop extends Optimizer<RMSpropSettings> {
  /** Parameters, or groups of them with settings of their own, and settings for all. RangeError for a setting out of range. */
  constructor(
    parameters: Iterable<Tensor> | readonly ParameterGroup<RMSpropSettings>[],
    settings: Partial<RMSpropSettings> = {},
  ) {
    super(parameters, { lr: 0.01, alpha: 0.99, eps: 1e-8, momentum: 0, centered: false, weightDecay: 0, ...settings });
  }

  /** The formula for a group's settings. */
  protected override update({ momentum, centered }: RMSpropSettings): Update {
    return {
      states: ["v", ...(centered ? ["mean"] : []), ...(momentum > 0 ? ["m"] : [])],
      numbers: ["lr", "alpha", "eps", "decay", ...(momentum > 0 ? ["momentum"] : [])],
      formulas: {
        h: "g + decay * w",
        v: "alpha * v + (1 - alpha) * h * h",
        ...(centered ? { mean: "alpha * mean + (1 - alpha) * h", spread: "v - mean * mean" } : { spread: "v" }),
        d: "h / (sqrt(spread) + eps)",
        ...(momentum > 0 ? { m: "momentum * m + d", w: "w - lr * m" } : { w: "w - lr * d" }),
      },
    };
  }

  /** The values of the formula's numbers. */
  protected override numbers({ lr, alpha, eps, momentum, weightDecay }: RMSpropSettings): Record<string, number> {
    return { lr, alpha, eps, momentum, decay: weightDecay };
  }
}
