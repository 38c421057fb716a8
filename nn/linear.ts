/** A linear map. @module */
import { linear, type LinearOptions, type Tensor } from "../tensor/mod.ts";
import { uniform } from "./init.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

/** x · weightᵀ + bias over the last axis: (…, inFeatures) → (…, outFeatures). Both start uniform in ±1 / √inFeatures. */
export class Linear extends Module {
  /** (outFeatures, inFeatures). */
  readonly weight: Parameter;
  /** (outFeatures), or null without one. */
  readonly bias: Parameter | null;

  /** `bias`: adds one. Default true. */
  constructor(inFeatures: number, outFeatures: number, { bias = true }: { bias?: boolean } = {}) {
    super();
    const bound = 1 / Math.sqrt(inFeatures); // PyTorch's kaimingUniform with a = √5 comes to the same
    this.weight = uniform(new Parameter([outFeatures, inFeatures]), { low: -bound, high: bound });
    this.bias = bias ? uniform(new Parameter([outFeatures]), { low: -bound, high: bound }) : null;
  }

  /** The map of `x`; `activation: "relu"` is applied in the same kernel. */
  forward(x: Tensor, options?: LinearOptions): Tensor {
    return linear(x, this.weight, this.bias, options);
  }
}
