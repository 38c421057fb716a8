/** Stochastic gradient descent. @module */
import type { Tensor } from "../../tensor/tensor.ts";
import { Optimizer, type ParameterGroup, type Update } from "./optimizer.ts";

/** Settings of {@linkcode SGD}. */
export interface SGDSettings {
  /** Learning rate. Default 0.001. */
  lr: number;
  /** Default 0. */
  momentum: number;
  /** Looks one step ahead (Sutskever et al. 2013). Default false. */
  nesterov: boolean;
  /** Added to the gradient, times the value. Default 0. */
  weightDecay: number;
}

/** Stochastic gradient descent with momentum, as PyTorch's `SGD`. */
export class SGD extends Optimizer<SGDSettings> {
  /** Parameters, or groups of them with settings of their own, and settings for all. RangeError for a setting out of range. */
  constructor(
    parameters: Iterable<Tensor> | readonly ParameterGroup<SGDSettings>[],
    settings: Partial<SGDSettings> = {},
  ) {
    super(parameters, { lr: 0.001, momentum: 0, nesterov: false, weightDecay: 0, ...settings });
  }

  /** Throws a RangeError for settings out of range. */
  protected override check(settings: SGDSettings): void {
    super.check(settings);
    if (settings.nesterov && settings.momentum <= 0) {
      throw new RangeError("Cannot use Nesterov without momentum: set momentum above 0");
    }
  }

  /** The formula for a group's settings. */
  protected override update({ momentum, nesterov }: SGDSettings): Update {
    const direction: Record<string, string> = momentum === 0
      ? { d: "g + decay * w" }
      : { h: "g + decay * w", m: "momentum * m + h", d: nesterov ? "h + momentum * m" : "m" };
    return {
      states: momentum === 0 ? [] : ["m"],
      numbers: momentum === 0 ? ["lr", "decay"] : ["lr", "decay", "momentum"],
      formulas: { ...direction, w: "w - lr * d" },
    };
  }

  /** The values of the formula's numbers. */
  protected override numbers({ lr, momentum, weightDecay }: SGDSettings): Record<string, number> {
    return { lr, momentum, decay: weightDecay };
  }
}
