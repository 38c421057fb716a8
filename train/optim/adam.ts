/** Adam and AdamW. @module */
import type { Tensor } from "../../tensor/tensor.ts";
import { Optimizer, type ParameterGroup, type Update } from "./optimizer.ts";

/** Settings of {@linkcode Adam} and {@linkcode AdamW}. */
export interface AdamSettings {
  /** Learning rate. Default 0.001. */
  lr: number;
  /** Decay of the two moments. Default [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Added to the root of the second moment. Default 1e-8. */
  eps: number;
  /** Default 0 for Adam (added to the gradient), 0.01 for AdamW (decoupled). */
  weightDecay: number;
  /** Uses the largest second moment so far (Reddi et al. 2018). Default false. */
  amsgrad: boolean;
}

const DEFAULTS: AdamSettings = { lr: 0.001, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, amsgrad: false };

/** Adam (Kingma and Ba 2014, arXiv 1412.6980); weight decay is added to the gradient, as in PyTorch's `Adam`. */
export class Adam extends Optimizer<AdamSettings> {
  /** Parameters, or groups of them with settings of their own, and settings for all. RangeError for a setting out of range. */
  constructor(
    parameters: Iterable<Tensor> | readonly ParameterGroup<AdamSettings>[],
    settings: Partial<AdamSettings> = {},
  ) {
    super(parameters, { ...DEFAULTS, ...settings });
  }

  /** True where decay shrinks the weights instead of entering the gradient. */
  protected get decoupled(): boolean {
    return false;
  }

  /** Throws a RangeError for settings out of range. */
  protected override check(settings: AdamSettings): void {
    super.check(settings);
    for (const beta of settings.betas) {
      if (!(beta >= 0 && beta < 1)) throw new RangeError(`Cannot use betas ${settings.betas}: expected 0 <= beta < 1`);
    }
  }

  /** The formula for a group's settings. */
  protected override update({ amsgrad }: AdamSettings): Update {
    return {
      states: amsgrad ? ["m", "v", "vMax"] : ["m", "v"],
      numbers: ["lr", "decay", "beta1", "beta2", "correction", "rate", "eps"],
      formulas: {
        ...(this.decoupled ? { h: "g", shrunk: "w - lr * decay * w" } : { h: "g + decay * w", shrunk: "w" }),
        m: "beta1 * m + (1 - beta1) * h",
        v: "beta2 * v + (1 - beta2) * h * h",
        ...(amsgrad ? { vMax: "max(vMax, v)" } : {}),
        // rate is lr / (1 − β₁ᵗ), correction √(1 − β₂ᵗ)
        w: `shrunk - rate * m / (sqrt(${amsgrad ? "vMax" : "v"}) / correction + eps)`,
      },
    };
  }

  /** The values of the formula's numbers. */
  protected override numbers(
    { lr, betas: [beta1, beta2], eps, weightDecay }: AdamSettings,
    step: number,
  ): Record<string, number> {
    const rate = lr / (1 - beta1 ** step);
    return { lr, decay: weightDecay, beta1, beta2, eps, rate, correction: Math.sqrt(1 - beta2 ** step) };
  }
}

/** Adam with decoupled weight decay (Loshchilov and Hutter 2017, arXiv 1711.05101), as PyTorch's `AdamW`. */
export class AdamW extends Adam {
  /** Parameters, or groups of them with settings of their own, and settings for all. RangeError for a setting out of range. */
  constructor(
    parameters: Iterable<Tensor> | readonly ParameterGroup<AdamSettings>[],
    settings: Partial<AdamSettings> = {},
  ) {
    super(parameters, { weightDecay: 0.01, ...settings });
  }

  /** True: decay shrinks the weights. */
  protected override get decoupled(): boolean {
    return true;
  }
}
