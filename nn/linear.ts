/** A linear map. @module */
import { linear, type LinearOptions, type Tensor } from "../tensor/mod.ts";
import { uniform, xavierUniform, zeros } from "./init.ts";
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

/** A linear map that starts with Xavier's uniform weights (Glorot and Bengio 2010) and a bias of 0, as Conformers do. */
export function xavierLinear(inFeatures: number, outFeatures: number, options?: { bias?: boolean }): Linear {
  const linear = new Linear(inFeatures, outFeatures, options);
  xavierUniform(linear.weight);
  if (linear.bias !== null) zeros(linear.bias);
  return linear;
}
